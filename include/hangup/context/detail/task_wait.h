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
#pragma once

#include <chrono>

#include "hangup/context/context.h"
#include "hangup/context/detail/executor.h"
#include "hangup/context/detail/tree.h"

namespace hangup::tree {

class task_wait : public suspended, hook, timed {
 public:
  // `ctx` must outlive it. clock::time_point::max(): no time limit.
  explicit task_wait(const context& ctx, clock::time_point until = clock::time_point::max(),
                     function what = &resume_it) noexcept
      : suspended(what), hook(only_wakes), scope_(context_access::scope(ctx)), until_(until) {}

  // Registers with the context and the clock, and suspends: see suspended::suspend().
  [[nodiscard]] bool start() noexcept;
  // Withdraws both. Afterwards nothing calls wake() but the owner's own sources.
  void leave() noexcept;

  // After start(): whether the time has come. If that was the deadline of the context, the context
  // has ended.
  bool time_over() const noexcept { return time_over_; }

 private:
  void fire() noexcept override;
  void due() noexcept override;

  scope* const scope_;  // null: the context never ends
  const clock::time_point until_;
  bool started_ = false;
  bool time_over_ = false;
};

// Ends the context if its deadline has passed, and says whether it has ended or `when` has come:
// for waits that may not have to suspend their task.
bool over_already(const context& ctx, clock::time_point when) noexcept;

}  // namespace hangup::tree
