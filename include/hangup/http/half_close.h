// How to treat a client that has closed only its sending direction. TCP cannot distinguish it from
// a client that has gone (RFC 9112 9.6), so the choice must be made in advance. If half-closes are
// ignored, a client that has gone is noticed only when a write to it fails or by keep-alive, so
// such a route should have a deadline. In TLS a client half-closes with close_notify; a FIN without
// it is a truncation (RFC 8446 6.1), which ends the request under either policy.
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)

namespace hangup::http {

enum class half_close : std::uint8_t {
  cancel,  // it is a hang-up: the work stops; an answer is still sent if there is one
  ignore,  // it is not: the answer is sent; a reset or a failed write is a hang-up
};

}  // namespace hangup::http

#pragma GCC visibility pop
