// Why a context ended. `err()` says only whether it was canceled or its deadline passed. `cause()`
// says who or what ended it and when; for kind `caller` it has the caller's own code and text. The
// first cause is kept for ever, and a context that ended because its parent did reports the
// parent's cause.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "hangup/context/location.h"

namespace hangup {

enum class cause_kind : std::uint8_t {
  caller,            // cancel() was called; `code` and `text` are the caller's own
  client_closed,     // the client closed the connection (FIN)
  client_reset,      // the client reset the connection (RST)
  client_vanished,   // the client stopped answering (keep-alive or user timeout)
  deadline,          // the deadline passed
  write_timeout,     // the client did not take the response in time
  shutdown,          // the server is stopping
  operator_request,  // an operator ended it
  sibling_failed,    // another task of the same group failed
  handler_returned,  // the handler has returned, so the request is over
  signal,            // the process received a signal; `text` is its name
};

struct cause {
  cause_kind kind = cause_kind::caller;
  std::error_code code{};  // the caller's own; empty: simply canceled
  std::string text{};      // the caller's own text; may be empty
  // When the context ended. One case is less exact: for a plain cancel() of a context that nothing
  // depends on and that has no other handle, it is the time of the kernel's last tick (a few
  // milliseconds earlier at most), because reading the clock would double the cost.
  std::chrono::steady_clock::time_point at{};
  location source{};  // where cancel() was called; otherwise, where the context was made
};

// The name of a kind as used in logs and metrics: "client_closed".
std::string_view name(cause_kind kind) noexcept;

// A cause as text for people: "client closed (FIN)".
std::string describe(const cause& why);

}  // namespace hangup
