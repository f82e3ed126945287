// The files that libpq reads to connect.
#pragma once

#include <string>
#include <vector>

namespace hangup::query {

// Those that a conninfo names (keys, certificates, a password file), those of the environment, and
// those that libpq looks for by itself in the home directory and the system's folder, whether they
// are there or not. Not those that only a service of a service file names.
// Nothing for a conninfo that cannot be read: who connects says so.
std::vector<std::string> files_in_conninfo(const std::string& conninfo);

}  // namespace hangup::query
