// The number of file descriptors that the program needs and that the system allows.
#pragma once

#include <cstddef>

#include "server/config.h"

namespace hangup::server {

// The number when http.max_connections clients are connected and all pools, databases and relays
// are in use. It is approximate, because a search needs one per level of its folders.
std::size_t descriptors_needed(const config& c) noexcept;

// The number below which nobody could be served: what the server keeps open for itself, and a few
// clients.
std::size_t least_descriptors(const config& c) noexcept;

// The hard limit of the process (`ulimit -Hn`). SIZE_MAX: it cannot be read.
std::size_t allowed_descriptors() noexcept;

// Raises the limit of the process to the hard limit (`ulimit -Hn`) and returns it. SIZE_MAX: it
// cannot be read.
std::size_t raise_descriptor_limit() noexcept;

}  // namespace hangup::server
