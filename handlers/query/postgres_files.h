// The files that libpq reads to connect.
#pragma once

#include <string>
#include <vector>

namespace hangup::query {

// The files that a conninfo names (keys, certificates, a password file), those that the environment
// names, and those that libpq looks for in the home directory and the system's folder, whether or
// not they exist. Files that are named only in a service file are not included. Empty for a
// conninfo that cannot be parsed; connecting with it reports the error.
std::vector<std::string> files_in_conninfo(const std::string& conninfo);

}  // namespace hangup::query
