// Why a context ended. `err()` says only *that* it ended (canceled, or deadline exceeded),
// `cause()` says who ended it, when, and in the case of `caller` in the caller's own words. The
// first cause wins for ever, and every descendant reports the cause of the ancestor that took it
// along.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "context/location.h"

namespace hangup {

enum class cause_kind : std::uint8_t {
  caller,            // cancel() was called; `code` and `text` are the caller's
  client_closed,     // the client closed the connection (FIN)
  client_reset,      // the client reset the connection (RST)
  client_vanished,   // the client stopped answering (keep-alive or user timeout)
  deadline,          // the deadline passed
  write_timeout,     // the client did not take the response in time
  shutdown,          // the server stops
  operator_request,  // an operator ended it
  sibling_failed,    // another task of the same group failed
  handler_returned,  // the request is over: its handler has returned
  signal,            // the process got a signal; `text` is its name
};

struct cause {
  cause_kind kind = cause_kind::caller;
  std::error_code code{};  // the caller's own; empty: plain `canceled`
  std::string text{};      // the caller's own words, may be empty
  // When the context ended. Of a plain cancel() of a context that nothing depends on and nobody
  // else has a handle to, the kernel's last tick before it (some milliseconds): reading the clock
  // would cost as much as everything else.
  std::chrono::steady_clock::time_point at{};
  location source{};  // where cancel() was called; else where the context was made
};

// The name of a kind as it stands in logs and metrics: "client_closed".
std::string_view name(cause_kind kind) noexcept;

// A cause in words: "client closed (FIN)".
std::string describe(const cause& why);

}  // namespace hangup
