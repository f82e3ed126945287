// The number of CPUs available to this process.
#pragma once

#include <string>

namespace hangup::server {

// The number of CPUs that the process may run on, or less if the CPU quota of its cgroup, or of one
// above it, is lower; rounded up, at least 1. Handles cgroup versions 1 and 2 wherever they are
// mounted, and both containers that see their own cgroup as the root and processes that see all
// cgroups. `root` replaces the root of /proc and /sys, for tests.
unsigned usable_cpus(const std::string& root = "");

}  // namespace hangup::server
