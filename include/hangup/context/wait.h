// Waits that return when the context ends. Each returns an empty error_code when what it waited for
// has happened, and ctx.err() as soon as the context has ended. If the context has already ended,
// they do not wait. None of them uses another thread, and none polls in a loop (for one exception,
// see wait_fd()).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>

#include "hangup/context/context.h"
#include "hangup/context/detail/threads.h"

namespace hangup {

// Sleeps for this time. Costs one futex wait and registers nothing. (On a context with an early_end
// it uses poll(2), like wait_fd().) If the context's own deadline comes first, the sleeping thread
// ends the context itself, without waiting for the timer thread.
//
// With a zero duration it only checks the clock. So it notices a deadline that has passed but that
// the timer thread has not processed yet: useful before expensive work. Any duration is allowed, as
// for with_timeout(); NaN counts as zero.
std::error_code sleep_for(const context& ctx, context::clock::duration time);
template <class Rep, class Period>
std::error_code sleep_for(const context& ctx, std::chrono::duration<Rep, Period> time) {
  return sleep_for(ctx, saturated(time));
}
std::error_code sleep_until(const context& ctx, context::clock::time_point when);

// Sleeps until the context ends, and returns ctx.err(). On a context that never ends, it never
// returns.
std::error_code wait_done(const context& ctx);

// Waits until `ready()` is true, like cv.wait(lock, ready). If the context ends at the same moment,
// the result is success.
template <class Lock, class Ready>
std::error_code wait(const context& ctx, std::condition_variable_any& cv, Lock& lock, Ready ready) {
  const tree::blocking here;
  return cv.wait(lock, ctx.stop_token(), std::move(ready)) ? std::error_code{} : ctx.err();
}

// Waits until poll(2) reports one of `events`, an error or a hang-up on the descriptor. Returns
// std::errc::timed_out (generic category) when `until` passes first; the context has then not
// ended. A thread that waits on a context that can end keeps one eventfd for the rest of its life.
// If no eventfd can be made, it checks the context every 20 ms until one can.
std::error_code wait_fd(const context& ctx, int fd, short events,
                        context::clock::time_point until = context::clock::time_point::max());

}  // namespace hangup
