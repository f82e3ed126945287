// What it means that a client has closed its own direction of the connection and may still read.
// TCP cannot tell that from a client that is gone (RFC 9112 9.6): somebody has to decide. Where it
// is ignored, a client that is gone is found out only by what is written to it or by keep-alive, so
// such a route wants a deadline. In TLS the client says it by close_notify; a FIN without one is a
// truncation (RFC 8446 6.1), and an end under either.
#pragma once

#include <cstdint>

namespace hangup::http {

enum class half_close : std::uint8_t {
  cancel,  // it is a hang-up: the work stops; what the handler does answer is sent all the same
  ignore,  // it is none: the answer is delivered; a reset or a write that fails is still the end
};

}  // namespace hangup::http
