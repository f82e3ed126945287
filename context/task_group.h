// Tasks that belong together: they run at the same time, the first that fails ends the others, and
// no task outlives the group (Go: golang.org/x/sync/errgroup).
//
//   task_group parts(request);
//   for (const auto& p : wanted) {
//     parts.go([&](const context& ctx) { return fetch(ctx, p); });
//   }
//   if (const auto ec = parts.wait()) {
//     return ec;
//   }
//
// A task is a function of `const context&`, or of nothing, that returns std::error_code or void. It
// fails by returning an error or by throwing. Each task has a thread of its own while it runs, so
// tasks may wait for each other; the threads are kept and shared by all groups (threads.h), and
// wait() lends its own to what has not begun. A task for which there is no thread, and none can be
// made, has failed: with the error of the system, at once if there is no thread at all, after about
// a second if none of those that there are has come for it.
//
// Rules for users
//   - Pass on the context that the task is given: it ends when a sibling fails, `request` need not.
//   - wait() or lose the error: the destructor ends the context and joins, and says nothing.
//   - Bound the group (`set_limit`) when the number of tasks is not yours.
//   - Do not wait() for a group, or destroy it, in one of its own tasks.
//
// go() and try_go() may be called from any thread and from tasks; the rest by one thread at a time.
// When the last task may be over, only the thread that will call wait() may add another.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "context/context.h"
#include "context/late.h"
#include "context/threads.h"

namespace hangup {

struct task_group_options {
  std::string name{};
  int limit = -1;      // see set_limit()
  late_report late{};  // of tasks that go on after the end of their context
};

class task_group {
 public:
  // A plain group: an error is kept for wait(), and the other tasks go on.
  explicit task_group(task_group_options how = {});
  // The first error ends the context of the tasks, which is derived from `ctx`, with
  // cause_kind::sibling_failed, the error's code and text, and the place of the go() that started
  // the task that failed.
  explicit task_group(const context& ctx, task_group_options how = {},
                      location made = location::current());

  // Ends the context of the tasks and returns when all have returned.
  ~task_group();
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  // What the tasks are given. Ends with the first error, with wait(), with the group.
  const context& ctx() const noexcept { return own_.ctx; }

  // Starts a task. At the limit it waits until another one has returned or the context of the tasks
  // has ended (Go waits on). A task whose context has ended is not started: that is returned here,
  // and counts as the error of this task, so that wait() does not report success; so is one for
  // which no thread can be made. Without a limit it does not block. Limit 0:
  // std::errc::operation_not_permitted (Go waits for ever). std::bad_alloc: then nothing was
  // started, and it counts for nothing.
  template <class F>
  std::error_code go(F f, location from = location::current()) {
    return start(std::make_unique<task_of<F>>(*this, std::move(f), from), true);
  }

  // True: started. False: the limit is reached, the context of the tasks has ended, or no thread
  // can be made; then this task counts for nothing.
  template <class F>
  bool try_go(F f, location from = location::current()) {
    return !start(std::make_unique<task_of<F>>(*this, std::move(f), from), false);
  }

  // At most `n` tasks at a time; negative: as many as there are. std::logic_error while tasks run.
  void set_limit(int n);

  // Returns when all tasks have returned: the first error, or what it threw, again. canceled_error
  // is an error like any returned one. Then ends the context of the tasks; but a plain group can be
  // used again. The first error stays: each further wait() returns it.
  std::error_code wait();

 private:
  struct task : tree::task {
    task(task_group& of, const location& place) noexcept
        : tree::task(&of), group(of), from(place) {}
    virtual ~task() = default;
    void run() noexcept final;
    void refuse(std::error_code why) noexcept final;
    virtual std::error_code work() = 0;

    task_group& group;
    const location from;
  };

  template <class F>
  struct task_of final : task {
    task_of(task_group& of, F fn, const location& place) : task(of, place), f(std::move(fn)) {}

    std::error_code work() override {
      if constexpr (std::is_invocable_v<F&, const context&>) {
        return result([this] { return f(std::as_const(this->group.own_.ctx)); });
      } else {
        return result([this] { return f(); });
      }
    }
    template <class Call>
    static std::error_code result(const Call& call) {
      if constexpr (std::is_void_v<decltype(call())>) {
        call();
        return {};
      } else {
        return call();
      }
    }

    F f;
  };

  std::error_code start(std::unique_ptr<task> t, bool may_wait);
  std::error_code enter(bool may_wait);
  void leave() noexcept;
  void fail(std::error_code error, const std::exception_ptr& thrown, const location& from) noexcept;
  void join() noexcept;

  const std::string name_;
  const late_report late_;
  const bool plain_;
  cancelable own_;

  // The tasks that have been started and have not returned, and one for the group itself, which
  // only join() takes away: so this reaches zero once in each join().
  std::atomic<std::size_t> active_{1};

  std::mutex mutex_;
  bool joined_ = false;  // guarded by mutex_, as are the next three
  std::condition_variable over_;
  int running_ = 0;  // with a limit only
  std::condition_variable_any room_;
  int limit_;  // changes only when there are no tasks

  std::atomic<bool> failed_{false};
  std::error_code error_;  // this and the next: by whoever set failed_, read after join()
  std::exception_ptr thrown_;
};

}  // namespace hangup
