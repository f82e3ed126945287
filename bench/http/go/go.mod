module hangup/bench/http

go 1.21
