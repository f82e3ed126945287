#include "hangup/http/limit.h"

#include <array>

namespace hangup::http {

std::string_view name(limit l) noexcept {
  static constexpr std::array<std::string_view, limit_kinds> names = {
      "none",           "connections", "connections_per_address",
      "handshake_time", "handshake",   "head_time",
      "idle_time",      "head_bytes",  "line_bytes",
      "headers",        "body_bytes",  "body_time",
      "write_time",     "queue",       "client_share",
      "read_ahead",     "memory",      "tls_work",
      "in_flight"};
  return names[static_cast<std::size_t>(l)];
}

}  // namespace hangup::http
