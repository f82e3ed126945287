// The addresses of a connection, as cpp-httplib writes them. Not for users.
#pragma once

#include "hangup/http/detail/both_ends.h"
#include "http/departure/departure.h"

namespace hangup::http::detail {

// Throws std::bad_alloc only.
both_ends ends_of(int fd);
transport transport_of(int fd) noexcept;

}  // namespace hangup::http::detail
