// How many CPUs there are for this process.
#pragma once

#include <string>

namespace hangup::server {

// Those that it may run on, or fewer if the quota of its cgroup, or of one above it, gives it less
// time than that: rounded up, at least 1. Version 1 and 2, wherever they are mounted; a container
// that sees its own cgroup as the root, and a process that sees all of them. `root` is where to
// look for /proc and /sys, for tests.
unsigned usable_cpus(const std::string& root = "");

}  // namespace hangup::server
