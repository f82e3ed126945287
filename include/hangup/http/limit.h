// The limits of a server (options.h) by name, for refusals and for observers.
#pragma once

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace hangup::http {

enum class limit : std::uint8_t {
  none,
  connections,
  connections_per_address,
  handshake_time,
  handshake,  // not TLS, or no version that is supported
  head_time,
  idle_time,
  head_bytes,
  line_bytes,
  headers,
  body_bytes,
  body_time,
  write_time,
  queue,
  client_share,  // what is left of a queue is reserved for other clients
  read_ahead,    // a FIN behind more input than is read ahead will not be noticed
  memory,        // there was none left, so a connection was closed
  tls_work,      // too many TLS records without data
  in_flight,     // of the requests of one route, or of the tasks of a loop
};
inline constexpr int limit_kinds = 19;

// The name as used in metrics: "head_time".
std::string_view name(limit l) noexcept;

}  // namespace hangup::http

#pragma GCC visibility pop
