// The bounds that a server keeps (options.h), by name: for refusals and for what observers count.
#pragma once

#include <cstdint>
#include <string_view>

namespace hangup::http {

enum class limit : std::uint8_t {
  none,
  connections,
  connections_per_address,
  handshake_time,
  handshake,  // what came was not TLS, or none that is spoken here
  head_time,
  idle_time,
  head_bytes,
  line_bytes,
  headers,
  body_bytes,
  body_time,
  write_time,
  queue,
  client_share,  // what is left of a queue is for other clients
  read_ahead,    // a FIN behind what is not read ahead will not be heard
  memory,        // there was none: a connection was closed
  tls_work,      // too many records that brought no data
};
inline constexpr int limit_kinds = 18;

// "head_time"
std::string_view name(limit l) noexcept;

}  // namespace hangup::http
