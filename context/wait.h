// Waits that end with their context. Each returns an empty error_code when what it waited for has
// happened, and ctx.err() as soon as the context has ended; an ended context does not wait at all.
// None of them needs a thread or polls.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>

#include "context/context.h"
#include "context/threads.h"

namespace hangup {

// Sleeps. Costs one futex wait; registers nothing (on a context with an early_end: as wait_fd). If
// the context's own deadline comes first, the sleeper itself ends the context then: it does not
// wait for the timer thread to do so. For no time it does not sleep, but looks at the clock: err()
// that trusts no timer, before expensive work. Any duration, as with_timeout(): none is too long,
// and for one that is not a number it does not sleep.
std::error_code sleep_for(const context& ctx, context::clock::duration time);
template <class Rep, class Period>
std::error_code sleep_for(const context& ctx, std::chrono::duration<Rep, Period> time) {
  return sleep_for(ctx, saturated(time));
}
std::error_code sleep_until(const context& ctx, context::clock::time_point when);

// Sleeps until the context ends, and returns how. For ever on a context that never ends.
std::error_code wait_done(const context& ctx);

// Waits until `ready()` holds, as cv.wait(lock, ready) does. An end that comes together with the
// readiness reports the readiness.
template <class Lock, class Ready>
std::error_code wait(const context& ctx, std::condition_variable_any& cv, Lock& lock, Ready ready) {
  const tree::blocking here;
  return cv.wait(lock, ctx.stop_token(), std::move(ready)) ? std::error_code{} : ctx.err();
}

// Waits until poll(2) reports one of `events` (or an error or a hang-up, which come unasked) on the
// descriptor. std::errc::timed_out of the generic category when `until` comes first: that is not an
// end of the context. A thread that waits on a context that can end keeps one eventfd for ever;
// where none can be had, it looks every 20 ms whether the context has ended, until there is one.
std::error_code wait_fd(const context& ctx, int fd, short events,
                        context::clock::time_point until = context::clock::time_point::max());

}  // namespace hangup
