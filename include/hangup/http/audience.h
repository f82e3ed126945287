// Whom an address and a route are for. A request is served by a route only if it came on an address
// that is for the same people; otherwise there is nothing at its path (404). So the pages for
// operators can have an address of their own (listen_address::serves, route::serves).
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)

namespace hangup::http {

enum class audience : std::uint8_t { clients = 1, operators = 2, all = 3 };

constexpr bool overlap(audience a, audience b) noexcept {
  return (static_cast<unsigned>(a) & static_cast<unsigned>(b)) != 0;
}

}  // namespace hangup::http

#pragma GCC visibility pop
