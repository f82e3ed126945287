// A group of tasks (task.h) that take turns on one thread. The first that fails ends the context of
// the others, and the group is over when all of them have returned. What task_group.h is for
// functions on threads of their own, this is for tasks.
//
//   std::error_code ec = co_await with_task_group(request, [&](awaited_task_group& parts) -> task<>
//   {
//     for (const auto& p : wanted) {
//       co_await parts.go([&](const context& ctx) { return fetch(ctx, p); });
//     }
//   });
//
// The body starts the tasks, and may do other things meanwhile. It counts as one of the tasks: it
// fails by returning an error or by throwing. When it has returned, and all tasks as well, the
// result is the first error, or what the first failed task threw is rethrown. canceled_error counts
// as an error like any other.
//
// So no task outlives its group, and what the body and its caller own may be used by the tasks.
// That is why a group of tasks is a function, and no object with a destructor: a destructor cannot
// wait for tasks without blocking the thread that has to resume them. Nothing is ever lost half
// way: a task whose context has ended runs to its own end, also through a shield (shield.h).
//
// Rules for users
// - Use the context that the task gets, or group.ctx() in the body: it ends when a task fails, the
//   context outside does not.
// - Set a limit if somebody else decides how many tasks there are.
// - Blocking work goes to a pool: the tasks of a group share one thread with others.
//
// The members of a group are called on its own thread only, by the body or by its tasks. Groups may
// be nested. A task costs two allocations, one of them the frame of its coroutine.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/detail/channel_ring.h"
#include "hangup/context/late.h"
#include "hangup/context/task.h"
#include "hangup/context/task_group.h"

namespace hangup {

class awaited_task_group;

// Runs the body and the tasks that it starts, as said above. The body is a function of
// `awaited_task_group&` that makes a task<> or a task<std::error_code>. `how` is as for a
// task_group: a name, a limit, and a report of tasks that go on after their context has ended.
template <class Body>
task<std::error_code> with_task_group(context ctx, Body body, task_group_options how = {},
                                      location made = location::current());

class awaited_task_group {
  class member;
  template <class F>
  class member_of;

 public:
  class starting;

  awaited_task_group(const awaited_task_group&) = delete;
  awaited_task_group& operator=(const awaited_task_group&) = delete;

  // The context that the tasks get. It ends with the first error, with cause_kind::sibling_failed,
  // and with the group.
  const context& ctx() const noexcept { return own_.ctx; }

  // `co_await group.go(f)` starts a task. f is a function that makes a task<> or a
  // task<std::error_code>, of `const context&` or of nothing; the group keeps it until the task has
  // returned, so it may be a lambda with captures. Or f is such a task itself. The task begins when
  // the thread is free, not in this call.
  //
  // If the limit is reached, it waits until another task has returned or the context of the tasks
  // has ended. A task is not started if that context has ended. That error is returned and also
  // counts as the error of this task. With limit 0: std::errc::operation_not_permitted. An
  // exception (std::bad_alloc, or one thrown by the call of f) leaves go(); then nothing was
  // started and nothing is recorded.
  template <class F>
  starting go(F f, location from = location::current());

  // Starts a task without waiting. Returns false if the limit is reached or the context of the
  // tasks has ended; this is not recorded as an error.
  template <class F>
  bool try_go(F f, location from = location::current());

 private:
  template <class Body>
  friend task<std::error_code> with_task_group(context ctx, Body body, task_group_options how,
                                               location made);
  struct at_begin;
  class at_end;
  struct outcome {
    std::error_code error{};
    std::exception_ptr thrown{};
  };
  // The places of the tasks that run: a channel of which only the fill level matters.
  struct places final : channels::ring {
    explicit places(std::size_t count) : ring(count) {}
  };
  struct place final : channels::operation {
    place(places& of, channels::way which) noexcept : operation(of, which, false) {}
    void transfer(std::size_t) override {}
  };

  awaited_task_group(const context& ctx, task_group_options how, location made);
  void start(std::unique_ptr<member>& m);
  bool try_start(std::unique_ptr<member> m);
  void returned(member& m, const outcome& how) noexcept;
  void leave() noexcept;
  void note(const outcome& how, const location& from) noexcept;
  std::error_code result() const;

  const task_group_options how_;
  const cancelable own_;
  places running_;
  tree::executor* on_ = nullptr;
  tree::suspended* joining_ = nullptr;
  outcome first_failure_;
};

// The rest is not for users.

namespace groups {

// A task, or what a function makes, of a context or of nothing.
template <class F>
auto task_from(F& f, const context& ctx) {
  if constexpr (std::is_invocable_v<F&, const context&>) {
    return f(ctx);
  } else if constexpr (std::is_invocable_v<F&>) {
    return f();
  } else {
    return std::move(f);
  }
}

// What a task of a group returns.
template <class Task>
struct value_of : tree::task_of<Task> {
  using type = typename tree::task_of<Task>::value_type;
  static_assert(std::is_void_v<type> || std::is_same_v<type, std::error_code>,
                "nobody would look at the result");
};
template <class F>
using value_from = typename value_of<decltype(task_from(std::declval<F&>(),
                                                        std::declval<const context&>()))>::type;

}  // namespace groups

// A task of the group.
class awaited_task_group::member {
 public:
  member(awaited_task_group& of, const location& place) noexcept : group(of), from(place) {}
  virtual ~member() = default;
  member(const member&) = delete;
  member& operator=(const member&) = delete;

  virtual void start() = 0;

  awaited_task_group& group;
  const location from;
  std::optional<late_watch> watch;
};

template <class F>
class awaited_task_group::member_of final : public member, tree::root_task<groups::value_from<F>> {
  using value = groups::value_from<F>;
  using root = tree::root_task<value>;

 public:
  member_of(awaited_task_group& of, F f, const location& place)
      : member(of, place), root(member::from), f_(std::move(f)) {}

  void start() override { root::start(*group.on_, groups::task_from(f_, group.ctx())); }

 private:
  void over() noexcept override {
    outcome how;
    try {
      if constexpr (std::is_void_v<value>) {
        root::take();
      } else {
        how.error = root::take();
      }
    } catch (const canceled_error& e) {
      how.error = e.code();
    } catch (...) {
      how.thrown = std::current_exception();
    }
    group.returned(*this, how);
  }

  F f_;
};

// What go() returns: waits for a place, then starts the task.
class [[nodiscard]] awaited_task_group::starting : public channels::waiting<starting> {
 public:
  explicit starting(std::unique_ptr<member> m) noexcept
      : waiting(m->group.ctx()),
        member_(std::move(m)),
        place_(member_->group.running_, channels::way::in) {}
  awaiter operator co_await() && noexcept { return awaiter(*this); }

  std::span<channels::operation* const> all() noexcept { return {&only_, 1}; }
  std::error_code finish(std::error_code result, std::size_t);

 private:
  std::unique_ptr<member> member_;
  place place_;
  channels::operation* const only_ = &place_;
};

template <class F>
awaited_task_group::starting awaited_task_group::go(F f, location from) {
  return starting(std::make_unique<member_of<F>>(*this, std::move(f), from));
}

template <class F>
bool awaited_task_group::try_go(F f, location from) {
  return try_start(std::make_unique<member_of<F>>(*this, std::move(f), from));
}

// Learns on which thread the group is.
struct awaited_task_group::at_begin {
  awaited_task_group& group;
  bool await_ready() const noexcept { return false; }
  template <tree::task_like P>
  bool await_suspend(std::coroutine_handle<P> task) const noexcept {
    group.on_ = task.promise().on;
    return false;
  }
  void await_resume() const noexcept {}
};

// Waits until all members have returned.
class awaited_task_group::at_end : tree::suspended {
 public:
  explicit at_end(awaited_task_group& group) noexcept : group_(group) {}
  bool await_ready() const noexcept { return group_.running_.size() == 0; }
  template <tree::task_like P>
  bool await_suspend(std::coroutine_handle<P> task) noexcept {
    prepare(task);
    group_.joining_ = this;
    return suspend();
  }
  void await_resume() const noexcept {}

 private:
  awaited_task_group& group_;
};

template <class Body>
task<std::error_code> with_task_group(context ctx, Body body, task_group_options how,
                                      location made) {
  awaited_task_group group(ctx, std::move(how), made);
  co_await awaited_task_group::at_begin{group};
  awaited_task_group::outcome of_body;
  try {
    using made_by_body = std::invoke_result_t<Body&, awaited_task_group&>;
    if constexpr (std::is_void_v<typename groups::value_of<made_by_body>::type>) {
      co_await body(group);
    } else {
      of_body.error = co_await body(group);
    }
  } catch (const canceled_error& e) {
    of_body.error = e.code();
  } catch (...) {
    of_body.thrown = std::current_exception();
  }
  group.note(of_body, made);
  co_await awaited_task_group::at_end(group);
  co_return group.result();
}

}  // namespace hangup
