// The life of one request as a small state machine, without a socket or a clock:
//
//   received -> queued -> running -> writing -> exactly one end
//
// States only go forward; any may be left out (a route on the spot is never queued, a request whose
// client has left is never running). advance() is called by the thread that has the request;
// state() may be read by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "context/cause.h"

namespace hangup::http {

enum class request_state : std::uint8_t { received, queued, running, writing, ended };

enum class request_end : std::uint8_t {
  completed,         // answered in full, with a status below 400
  client_closed,     // the client left before the answer was complete: FIN
  client_reset,      // ... RST
  client_vanished,   // ... stopped answering, or stopped reading
  deadline,          // the deadline passed first: 504 if nothing had been sent
  shutdown,          // the server stopped first: 503 if nothing had been sent
  operator_request,  // an operator ended it ("operator")
  rejected,          // 503: no room for it
  failed,            // another 5xx, an exception, or a stream that broke off
  bad_request,       // 4xx, 501, 505
};
inline constexpr int request_ends = 10;

std::string_view name(request_state state) noexcept;
std::string_view name(request_end end) noexcept;

// What the connection knows of an answer when the request is over.
struct outcome {
  bool complete = false;          // every byte of it was handed to the kernel,
  bool left_before_last = false;  // and the context had ended before the last of them was
  int status = 0;                 // 0: nothing was sent
  bool ends_by_close = false;     // nothing but the close says where it ends
};

class request_life {
 public:
  request_state state() const noexcept { return state_.load(std::memory_order_relaxed); }

  // False, and nothing changes, if that would be a step back or if it has ended.
  bool advance(request_state to) noexcept;

  // The one end. `why` is the cause of the request's context, null if it lives. To leave after the
  // last byte is not a cancellation: an answer that is complete, with the context alive when its
  // last part was sent, ends by its status. Later calls return the first end.
  request_end finish(const cause* why, const outcome& answer) noexcept;

 private:
  std::atomic<request_state> state_{request_state::received};
  request_end end_ = request_end::completed;
};

// Did the client leave (and so: status 499 in logs, nothing on the wire)?
constexpr bool client_left(request_end end) noexcept {
  return end == request_end::client_closed || end == request_end::client_reset ||
         end == request_end::client_vanished;
}

}  // namespace hangup::http
