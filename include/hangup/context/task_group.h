// A group of tasks that run at the same time. The first task that fails ends the context of the
// others, and no task outlives the group (Go: golang.org/x/sync/errgroup).
//
//   task_group parts(request);
//   for (const auto& p : wanted) {
//     parts.go([&](const context& ctx) { return fetch(ctx, p); });
//   }
//   if (const auto ec = parts.wait()) {
//     return ec;
//   }
//
// A task is a function that takes `const context&` or nothing and returns std::error_code or void.
// It fails by returning an error or by throwing. Each task has its own thread while it runs, so
// tasks may wait for each other. The threads are kept and shared by all groups (threads.h), and
// wait() also runs tasks that have not begun on the calling thread.
//
// If no thread is available for a task and none can be started, the task fails with the error of
// the system: at once if there are no threads at all, otherwise after about a second without a free
// one.
//
// Rules for users
//   - Use the context that the task gets: it ends when another task fails, `request` does not.
//   - Call wait(), or errors are lost: the destructor ends the context and joins without reporting.
//   - Set a limit (`set_limit`) if somebody else decides how many tasks there are.
//   - Do not wait() for a group, or destroy it, in one of its own tasks.
//
// go() and try_go() may be called from any thread and from tasks. The other functions must not be
// called by two threads at a time. Once all tasks may have returned, only the thread that will call
// wait() may add another.
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

#include "hangup/context/context.h"
#include "hangup/context/detail/threads.h"
#include "hangup/context/late.h"

#pragma GCC visibility push(default)

namespace hangup {

struct task_group_options {
  std::string name{};
  int limit = -1;      // see set_limit()
  late_report late{};  // reports tasks that go on after their context has ended
};

class task_group {
 public:
  // A group without a context: the first error is kept for wait(), and the other tasks go on.
  explicit task_group(task_group_options how = {});
  // The tasks get a context derived from `ctx`. The first error ends it, with
  // cause_kind::sibling_failed, the code and text of the error, and as source the place of the go()
  // that started the failed task.
  explicit task_group(const context& ctx, task_group_options how = {},
                      location made = location::current());

  // Ends the context of the tasks and waits until all of them have returned.
  ~task_group();
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  // The context that the tasks get. It ends with the first error, when wait() returns, and with the
  // group.
  const context& ctx() const noexcept { return own_.ctx; }

  // Starts a task. If the limit is reached, it waits until another task has returned or the context
  // of the tasks has ended (Go keeps waiting); without a limit it does not block.
  //
  // A task is not started if the context of the tasks has ended or no thread can be made for it.
  // That error is returned and also counts as the error of this task, so that wait() does not
  // report success. With limit 0: std::errc::operation_not_permitted (Go waits for ever). If
  // std::bad_alloc is thrown, nothing was started and nothing is recorded.
  template <class F>
  std::error_code go(F f, location from = location::current()) {
    return start(std::make_unique<task_of<F>>(*this, std::move(f), from), true);
  }

  // Starts a task without waiting. Returns false if the limit is reached, the context of the tasks
  // has ended, or no thread can be made; this is not recorded as an error.
  template <class F>
  bool try_go(F f, location from = location::current()) {
    return !start(std::make_unique<task_of<F>>(*this, std::move(f), from), false);
  }

  // Sets how many tasks may run at a time; negative: any number. Throws std::logic_error while
  // tasks run.
  void set_limit(int n);

  // Waits until all tasks have returned. Returns the first error, or rethrows what the first failed
  // task threw; canceled_error counts as an error like any other. Then it ends the context of the
  // tasks. A group without a context can be used again. The first error is kept: each further
  // wait() reports it.
  std::error_code wait();

 private:
  struct task : tree::thread_call {
    task(task_group& of, const location& place) noexcept
        : tree::thread_call(&of), group(of), from(place) {}
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

  // The number of tasks that have been started and have not returned, plus one for the group
  // itself. Only join() removes that one, so the count reaches zero once per join().
  std::atomic<std::size_t> active_{1};

  std::mutex mutex_;
  bool joined_ = false;  // guarded by mutex_, as are the next three
  std::condition_variable over_;
  int running_ = 0;  // only used with a limit
  std::condition_variable_any room_;
  int limit_;  // changed only while there are no tasks

  std::atomic<bool> failed_{false};
  // This and the next: written by the thread that set failed_, read after join().
  std::error_code error_;
  std::exception_ptr thrown_;
};

}  // namespace hangup

#pragma GCC visibility pop
