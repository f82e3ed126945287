// The part that all waits of tasks have in common: a task that waits goes on when its context ends,
// and when a time has come. Other sources call wake(). Not for users.
//
// Its owner, an awaiter, takes these steps on the executor's thread (see `suspended`):
//
//   wait.prepare(task);          // in await_suspend()
//   ...                          // registers its own sources
//   return wait.start();
//
//   ...                          // in await_resume(): withdraws its own sources
//   wait.leave();
//
// leave() may also be called if start() has not been: the wait was over before it began.
//
// Of the tasks of one executor that wait with one context, usually only one has a hook there: the
// first. The others follow it, in a ring that belongs to the executor's thread. So the end of the
// context wakes one task per executor, whatever their number, and the rest is done by the thread
// that has them in its cache. Invariants:
// 1. While the context lives, the first of each ring has its hook in the list. If it leaves, it
//   hands that over to the next.
// 2. A hook that has been called wakes its task, whose leave() then wakes those that follow.
#pragma once

#include <chrono>

#include "hangup/context/context.h"
#include "hangup/context/detail/executor.h"
#include "hangup/context/detail/tree.h"

#pragma GCC visibility push(default)

namespace hangup::tree {

class task_wait : public suspended, hook, timed {
 public:
  // `ctx` must outlive it. clock::time_point::max(): no time limit.
  explicit task_wait(const context& ctx, clock::time_point until = clock::time_point::max(),
                     function what = &resume_it) noexcept
      : suspended(what), scope_(context_access::scope(ctx)), until_(until) {}

  // Registers with the context and the clock, and suspends: see suspended::suspend().
  [[nodiscard]] bool start() noexcept;
  // Withdraws both. Afterwards nothing calls wake() but the owner's own sources.
  void leave() noexcept;

  // After start(): whether the time has come. If that was the deadline of the context, the context
  // has ended.
  bool time_over() const noexcept { return time_over_; }

 private:
  enum class part : std::uint8_t { none, first, follows, spreads_end };

  void fire() noexcept override;
  void wake_with(posts& others) noexcept override;
  void due() noexcept override;
  void follow(task_wait& first) noexcept;
  task_wait* leave_ring() noexcept;  // returns the next, if any
  static void wake_ring(task_wait* next) noexcept;

  scope* const scope_;  // null: the context never ends
  const clock::time_point until_;
  task_wait* ring_next_ = this;  // this and the rest: the executor's thread only
  task_wait* ring_prev_ = this;
  part part_ = part::none;
  bool started_ = false;
  bool time_over_ = false;
};

// Ends the context if its deadline has passed, and says whether it has ended or `when` has come:
// for waits that may not have to suspend their task.
bool over_already(const context& ctx, clock::time_point when) noexcept;

}  // namespace hangup::tree

#pragma GCC visibility pop
