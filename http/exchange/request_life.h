// The life of one request as a small state machine, without sockets and clocks:
//
//   received -> queued -> running -> writing -> exactly one end
//
// States only go forward, and any of them may be skipped: a route without a pool is never queued,
// and a request whose client has left is never running. (Whether one that runs is waiting is not
// kept here: see exchange::waits().) The thread that owns the request calls
// advance(); any thread may call state().
#pragma once

#include <atomic>
#include "hangup/context/cause.h"
#include "hangup/http/request_end.h"

namespace hangup::http {

// What the connection knows about an answer when the request ends.
struct outcome {
  bool complete = false;          // every byte has been handed to the kernel,
  bool left_before_last = false;  // and the context had ended before the last of them was
  int status = 0;                 // 0: nothing was sent
  bool ends_by_close = false;     // only the close of the connection marks its end
};

class request_life {
 public:
  request_state state() const noexcept { return state_.load(std::memory_order_relaxed); }

  // Returns false, and changes nothing, if that would be a step back or the request has ended.
  bool advance(request_state to) noexcept;

  // Determines the one end of the request. `why` is the cause of its context, null if that has not
  // ended. If the answer is complete and the context was alive when its last part was sent, the end
  // depends on the status only: a client that leaves after the last byte has not canceled anything.
  // Later calls return the first result.
  request_end finish(const cause* why, const outcome& answer) noexcept;

 private:
  std::atomic<request_state> state_{request_state::received};
  request_end end_ = request_end::completed;
};

}  // namespace hangup::http
