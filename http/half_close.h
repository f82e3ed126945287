// What it means that a client has closed its own direction of the connection and may still read.
// TCP cannot tell that from a client that is gone (RFC 9112 9.6): somebody has to decide.
#pragma once

#include <cstdint>

namespace hangup::http {

enum class half_close : std::uint8_t {
  cancel,  // it is a hang-up: the work stops; what the handler does answer is sent all the same
  ignore,  // it is none: the answer is delivered; a reset or a write that fails is still the end
};

}  // namespace hangup::http
