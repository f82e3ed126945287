// The files that libpq reads to connect.
#pragma once

#include <string>
#include <vector>

namespace hangup::query {

// Those that a conninfo names (keys, certificates, a password file), those of the environment, and
// those in the home directory that libpq looks for by itself, whether they are there or not.
// Nothing for a conninfo that cannot be read: who connects says so.
std::vector<std::string> files_in_conninfo(const std::string& conninfo);

}  // namespace hangup::query
