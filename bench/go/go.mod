module hangup/bench

go 1.21
