// Waits that return when the context ends. The result is an empty error_code when what was waited
// for has happened, and ctx.err() as soon as the context has ended. If the context has already
// ended, they do not wait. None of them uses another thread, and none polls in a loop (for one
// exception, see wait_fd()).
//
// Threads and tasks use the same names:
//
//   std::error_code ec = sleep_for(ctx, 1s);   // this thread waits
//   ec = wait_fd(ctx, fd, POLLIN);             // this thread waits
//   ec = co_await sleep_for(ctx, 1s);          // this task waits, and holds no thread
//
// `auto ec = sleep_for(ctx, 1s)` does not compile where ec is used, as the wait is not its result
// (hangup/context/detail/wait_object.h). Without `co_await`, a task would block the thread that it
// shares with others. A function that returns a wait names its type (std::error_code, or
// task<std::error_code>): with `auto` it would return before the wait begins. No wait allocates
// anything, but for a table by descriptor that each thread of a loop has, and that grows to the
// largest number that its tasks have waited for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/detail/task_wait.h"
#include "hangup/context/detail/threads.h"
#include "hangup/context/detail/wait_object.h"

#pragma GCC visibility push(default)

namespace hangup {
namespace tree {

// Holds a handle, not a reference: a lambda that returns a wait may have the only handle.
class sleeping {
 public:
  class awaiter : watched {
   public:
    explicit awaiter(sleeping& of) noexcept : of_(of), wait_(of.ctx_, of.when_) {}
    bool await_ready() const noexcept { return over_already(of_.ctx_, of_.when_); }
    template <task_like P>
    bool await_suspend(std::coroutine_handle<P> task) noexcept {
      wait_.prepare(task);
      listen();
      return wait_.start();
    }
    std::error_code await_resume() noexcept {
      if (listens_) {
        stop_listening();
      }
      wait_.leave();
      return of_.ctx_.err();
    }

   private:
    void listen() noexcept;
    void stop_listening() noexcept;
    void let_others_listen() noexcept;
    void happened(short events) noexcept override;
    void not_looked_at() noexcept override;

    sleeping& of_;
    task_wait wait_;
    bool listens_ = false;        // on the descriptor of an early_end
    bool others_listen_ = false;  // instead, as the thread has not looked at it for long
  };

  sleeping(const context& ctx, clock::time_point when) noexcept : ctx_(ctx), when_(when) {}
  std::error_code block() noexcept;

 private:
  const context ctx_;
  const clock::time_point when_;
};

class fd_waiting {
 public:
  class awaiter : watched {
   public:
    explicit awaiter(fd_waiting& of) noexcept : of_(of), wait_(of.ctx_, of.until_) {}
    bool await_ready() noexcept;
    template <task_like P>
    bool await_suspend(std::coroutine_handle<P> task) noexcept {
      wait_.prepare(task);
      return start();
    }
    std::error_code await_resume() noexcept;

   private:
    bool start() noexcept;
    void happened(short) noexcept override;

    fd_waiting& of_;
    task_wait wait_;
    bool happened_ = false;
    bool suspended_ = false;
    std::error_code failed_ = no_error();
  };

  fd_waiting(const context& ctx, int fd, short events, clock::time_point until) noexcept
      : ctx_(ctx), fd_(fd), events_(events), until_(until) {}
  std::error_code block() noexcept;

 private:
  const context ctx_;
  const int fd_;
  const short events_;
  const clock::time_point until_;
};

class yielding {
 public:
  class awaiter : suspended {
   public:
    explicit awaiter(yielding& of) noexcept : ctx_(of.ctx_) {}
    bool await_ready() const noexcept { return false; }
    template <task_like P>
    void await_suspend(std::coroutine_handle<P> task) noexcept {
      prepare(task);
      on().post(*this);
    }
    std::error_code await_resume() const noexcept { return ctx_.err(); }

   private:
    const context& ctx_;
  };

  explicit yielding(const context& ctx) noexcept : ctx_(ctx) {}
  std::error_code block() const noexcept {
    std::this_thread::yield();
    return ctx_.err();
  }

 private:
  const context ctx_;
};

}  // namespace tree

// Sleeps for this time. A thread needs one futex wait and registers nothing. (On a context with an
// early_end it uses poll(2), like wait_fd(), and a task watches the descriptor.) If the context's
// own deadline comes first, the sleeper ends the context itself, without waiting for the timer
// thread.
//
// With a zero duration it only checks the clock. So it notices a deadline that has passed but that
// the timer thread has not processed yet: useful before expensive work. Any duration is allowed, as
// for with_timeout(); NaN counts as zero.
inline auto sleep_until(const context& ctx, context::clock::time_point when) {
  return tree::wait_object<tree::sleeping>(std::in_place, ctx, when);
}
template <class Rep, class Period>
auto sleep_for(const context& ctx, std::chrono::duration<Rep, Period> time) {
  return sleep_until(ctx, later(context::clock::now(), time));
}

// Sleeps until the context ends, and returns ctx.err(). On a context that never ends, it never
// returns.
inline auto wait_done(const context& ctx) {
  return sleep_until(ctx, context::clock::time_point::max());
}

// Not a wait: lets the other tasks of the thread that are ready have their turn, and the thread
// look at its timers and descriptors, also if the context has ended. For a task that would compute
// for more than a millisecond without a wait. For a thread it is std::this_thread::yield(). The
// result is ctx.err().
inline auto yield(const context& ctx) {
  return tree::wait_object<tree::yielding>(std::in_place, ctx);
}

// Waits until poll(2) reports one of `events`, an error or a hang-up on the descriptor, which must
// stay open. The result is std::errc::timed_out (generic category) when `until` passes first; the
// context has then not ended. A thread that waits on a context that can end keeps one eventfd for
// the rest of its life. If no eventfd can be made, it checks the context every 20 ms until one can.
// Tasks use the epoll set of their loop.
inline auto wait_fd(const context& ctx, int fd, short events,
                    context::clock::time_point until = context::clock::time_point::max()) {
  return tree::wait_object<tree::fd_waiting>(std::in_place, ctx, fd, events, until);
}

// Waits until `ready()` is true, like cv.wait(lock, ready). If the context ends at the same moment,
// the result is success. For threads only; tasks wait for an event (hangup/context/event.h).
template <class Lock, class Ready>
std::error_code wait(const context& ctx, std::condition_variable_any& cv, Lock& lock, Ready ready) {
  const tree::blocking here;
  return cv.wait(lock, ctx.stop_token(), std::move(ready)) ? std::error_code{} : ctx.err();
}

}  // namespace hangup

#pragma GCC visibility pop
