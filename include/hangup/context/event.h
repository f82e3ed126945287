// A condition that threads and tasks wait for: it is set, or it is not set yet.
//
//   std::error_code ec = loaded.wait(ctx);   // this thread waits
//   ec = co_await loaded.wait(ctx);          // this task waits, and holds no thread
//
//   loaded.set();                            // all of them go on, and later ones do not wait
//
// All functions are thread-safe and allocate nothing. Each takes one lock for a short time; a wait
// that has to wait takes it once more, and registers with its context.
//
// Memory order: what a thread or task does before set() happens before what another does after
// is_set() has returned true, or after a wait that has returned success.
//
// An event may be destroyed when no call uses it. Once a wait has returned, the set() that ended it
// no longer uses the event.
#pragma once

#include <coroutine>
#include <mutex>
#include <system_error>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/detail/sleeper.h"
#include "hangup/context/detail/task_wait.h"
#include "hangup/context/detail/wait_object.h"

#pragma GCC visibility push(default)

namespace hangup {

class event;

namespace events {  // not for users

// One that waits. It is in the list of its event, in the order in which they came.
struct place {
  tree::sleeper who;
  place* prev = nullptr;
  place* next = nullptr;
  bool joined = false;    // used by who waits only
  bool linked = false;    // guarded by the event's mutex, as are the neighbours
  bool released = false;  // by set(); guarded likewise
};

class waiting {
 public:
  class awaiter : tree::task_wait {
   public:
    explicit awaiter(waiting& of) noexcept : task_wait(of.ctx_), of_(of) {}
    bool await_ready() noexcept {
      ended_ = of_.ctx_.done();
      return ended_;
    }
    template <tree::task_like P>
    bool await_suspend(std::coroutine_handle<P> task) noexcept {
      prepare(task);
      return join();
    }
    std::error_code await_resume() noexcept;

   private:
    bool join() noexcept;

    waiting& of_;
    place place_{.who = tree::sleeper(*this)};
    bool ended_ = false;  // before the wait began
  };

  waiting(event& on, const context& ctx) noexcept : on_(on), ctx_(ctx) {}
  std::error_code block() noexcept;

 private:
  event& on_;
  const context ctx_;
};

}  // namespace events

class event {
 public:
  explicit event(bool set = false) noexcept : set_(set) {}
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  // From now on it is set: all that wait go on, and wait() does not wait.
  void set() noexcept;

  // From now on it is not set, and wait() waits. Who was waiting at a set() before goes on, even if
  // it has not run yet: a set() that is followed by a reset() at once ends each wait that had
  // begun.
  void reset() noexcept;

  bool is_set() const noexcept;

  // Waits until the event is set. The result is ctx.err() if the context ends first, or has ended
  // before the call, even if the event is set.
  [[nodiscard]] tree::wait_object<events::waiting> wait(const context& ctx) noexcept {
    return tree::wait_object<events::waiting>(std::in_place, *this, ctx);
  }

 private:
  friend class events::waiting;
  bool join(events::place& p) noexcept;   // false: the event is set
  bool leave(events::place& p) noexcept;  // whether set() has ended the wait
  void unlink(events::place& p) noexcept;

  mutable std::mutex mutex_;  // guards the rest
  bool set_;
  events::place* first_ = nullptr;
  events::place* last_ = nullptr;
};

}  // namespace hangup

#pragma GCC visibility pop
