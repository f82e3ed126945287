// The states of a request, and the ends that it can have: exactly one.
#pragma once

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace hangup::http {

// Waiting: its handler has begun, and holds no thread now, as it is a task that waits, or has
// deferred its answer.
enum class request_state : std::uint8_t { received, queued, running, waiting, writing, ended };

enum class request_end : std::uint8_t {
  completed,         // answered in full, with a status below 400
  client_closed,     // the client left before the answer was complete: by FIN
  client_reset,      // the same, by RST
  client_vanished,   // the same: it stopped answering, or stopped reading
  deadline,          // the deadline passed first: 504 if nothing had been sent
  shutdown,          // the server stopped first: 503 if nothing had been sent
  operator_request,  // an operator ended it ("operator")
  rejected,          // 503: no room for the request
  failed,            // another 5xx, an exception, or a stream that broke off
  bad_request,       // 4xx, 501, 505
};
inline constexpr int request_ends = 10;

std::string_view name(request_state state) noexcept;
std::string_view name(request_end end) noexcept;

// Whether the client left first (status 499 in logs, nothing on the wire).
constexpr bool client_left(request_end end) noexcept {
  return end == request_end::client_closed || end == request_end::client_reset ||
         end == request_end::client_vanished;
}

// What server::end_request() has done.
enum class ending : std::uint8_t {
  ended,             // this call has ended its context, or was only just too late for that
  already_stopping,  // its context had ended, or another call was about to end it
  unknown,           // there is no such request in flight: it never was, or is over
};

}  // namespace hangup::http

#pragma GCC visibility pop
