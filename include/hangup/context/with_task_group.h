// A group of tasks (task.h) that take turns on one thread. The first that fails ends the context of
// the others, and the group is over when all of them have returned. What task_group.h is for
// functions on threads of their own, this is for tasks.
//
//   std::error_code ec = co_await with_task_group(request, [&](awaited_task_group& parts) {
//     for (const auto& p : wanted) {
//       parts.go([&](const context& ctx) { return fetch(ctx, p); });
//     }
//   });
//
// The body starts the tasks. It is a function or, to wait meanwhile, a coroutine. It counts as one
// of the tasks: it fails by returning an error or by throwing. When it has returned, and all tasks
// as well, the result is the first error, or what the first failed task threw is rethrown.
// canceled_error counts as an error like any other.
//
// So no task outlives its group, and the tasks may use what is declared outside of it. That is why
// it is a function, and no object with a destructor: a destructor cannot wait for tasks without
// blocking the thread that has to resume them. No task is cut off: one whose context has ended runs
// to its own end, also through a shield (shield.h).
//
// Rules for users
//   - The tasks outlive the body: what they refer to is declared outside of it.
//   - Use the context that the task gets: it ends when a task fails, the one outside does not.
//   - Set a limit if somebody else decides how many tasks there are.
//   - Blocking work goes to a pool: the tasks of a group share one thread with others.
//
// The members of a group are called on its own thread only, by the body or by its tasks. Groups may
// be nested. A task costs two allocations, one of them the frame of its coroutine.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/event.h"
#include "hangup/context/late.h"
#include "hangup/context/task.h"

#pragma GCC visibility push(default)

namespace hangup {

class awaited_task_group;

// Runs the body and the tasks that it starts, as said above. The body is a function of
// `awaited_task_group&`. It returns nothing, std::error_code, or a task of one of them. With GCC
// 12, a lambda that captures more than references and numbers must have a name.
template <class Body>
task<std::error_code> with_task_group(context ctx, Body&& body,
                                      location made = location::current());

class awaited_task_group {
  class member;
  template <class F>
  class member_of;

 public:
  awaited_task_group(const awaited_task_group&) = delete;
  awaited_task_group& operator=(const awaited_task_group&) = delete;

  // The context that the tasks get. It ends with the first error, with cause_kind::sibling_failed,
  // and with the group.
  const context& ctx() const noexcept { return own_.ctx; }

  // Sets how many tasks may run at a time; negative, as at the beginning: any number. Throws
  // std::logic_error while there are tasks.
  void set_limit(int n);
  // Reports tasks that go on after their context has ended, by this name. Throws std::logic_error
  // while there are tasks.
  void report_late(std::string name, late_report how);

  // Starts a task. f is a function that makes a task<> or a task<std::error_code>, of
  // `const context&` or of nothing; the group keeps it until the task has returned, so it may be a
  // lambda with captures. Or f is such a task itself. The task begins when the thread is free, not
  // in this call. If the limit is reached, it is kept until it is its turn.
  //
  // A task is not started if the context of the tasks has ended, in this call or while it was kept.
  // That error is returned and counts as the error of this task. With limit 0:
  // std::errc::operation_not_permitted. What the call of f throws counts as thrown by the task. If
  // std::bad_alloc is thrown, nothing was started and nothing is recorded.
  template <class F>
  std::error_code go(F f, location from = location::current());

  // Starts a task unless the limit is reached or the context of the tasks has ended. Then it
  // returns false, and this is not recorded as an error.
  template <class F>
  bool try_go(F f, location from = location::current());

  // `co_await group.room()` waits until fewer tasks than the limit run and are kept, or until the
  // context of the tasks has ended: for a body that starts tasks as long as it gets work.
  [[nodiscard]] auto room() noexcept { return room_.wait(own_.ctx); }

 private:
  template <class Body>
  friend task<std::error_code> with_task_group(context ctx, Body&& body, location made);
  struct at_begin;
  class at_end;
  struct outcome {
    std::error_code error{};
    std::exception_ptr thrown{};
    static outcome of_current_exception() noexcept;
  };

  awaited_task_group(const context& ctx, location made);
  template <class Body>
  static task<std::error_code> run(context ctx, Body body, location made);
  std::error_code start(std::unique_ptr<member> m);
  bool full() const noexcept { return limit_ >= 0 && running_ >= limit_; }
  void must_be_empty(const char* who) const;
  void begin(std::unique_ptr<member> m) noexcept;
  void returned(member& m, const outcome& how) noexcept;
  void look_for_room() noexcept;
  void note(const outcome& how, const location& from) noexcept;
  std::error_code result() const;

  const cancelable own_;
  std::string name_;
  late_report late_;
  tree::executor* on_ = nullptr;
  int limit_ = -1;
  int running_ = 0;
  member* first_kept_ = nullptr;
  member* last_kept_ = nullptr;
  event room_{true};
  tree::suspended* joining_ = nullptr;
  outcome first_failure_;
};

}  // namespace hangup

#pragma GCC visibility pop

#include "hangup/context/detail/awaited_task_group.h"
