// How many file descriptors the program needs, and how many the system allows it.
#pragma once

#include <cstddef>

#include "server/config.h"

namespace hangup::server {

// When http.max_connections clients are connected and all else is in use: pools, databases, relays.
// About: what a search opens depends on how deep its folders are.
std::size_t descriptors_needed(const config& c) noexcept;

// Raises the limit of the process to what the system allows (the hard limit of `ulimit -n`), and
// returns it. SIZE_MAX: it cannot be read.
std::size_t raise_descriptor_limit() noexcept;

}  // namespace hangup::server
