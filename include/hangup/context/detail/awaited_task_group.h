// The templates of with_task_group.h. Not for users.
#pragma once

#include "hangup/context/with_task_group.h"

#pragma GCC visibility push(default)

namespace hangup {
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
struct value_of {
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
  member* next_kept = nullptr;
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
    } catch (...) {
      how = outcome::of_current_exception();
    }
    group.returned(*this, how);
  }

  F f_;
};

template <class F>
std::error_code awaited_task_group::go(F f, location from) {
  return start(std::make_unique<member_of<F>>(*this, std::move(f), from));
}

template <class F>
bool awaited_task_group::try_go(F f, location from) {
  return !full() && !own_.ctx.done() && !go(std::move(f), from);
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

// Waits until all tasks have returned.
class awaited_task_group::at_end : tree::suspended {
 public:
  explicit at_end(awaited_task_group& group) noexcept : group_(group) {}
  bool await_ready() const noexcept { return group_.running_ == 0; }
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

// GCC 12 warns of the frame of a coroutine template that is called with a lambda.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

template <class Body>
task<std::error_code> awaited_task_group::run(context ctx, Body body, location made) {
  awaited_task_group group(ctx, made);
  co_await at_begin{group};
  outcome of_body;
  try {
    using made_by_body = std::invoke_result_t<Body&, awaited_task_group&>;
    if constexpr (std::is_void_v<made_by_body>) {
      body(group);
    } else if constexpr (std::is_same_v<made_by_body, std::error_code>) {
      of_body.error = body(group);
    } else if constexpr (std::is_void_v<typename groups::value_of<made_by_body>::type>) {
      co_await body(group);
    } else {
      of_body.error = co_await body(group);
    }
  } catch (...) {
    of_body = outcome::of_current_exception();
  }
  group.note(of_body, made);
  co_await at_end(group);
  co_return group.result();
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class Body>
task<std::error_code> with_task_group(context ctx, Body&& body, location made) {
  static_assert(tree::may_be_awaited_with<Body>,
                "GCC 12 would destroy the captures twice: give the function a name, and pass that");
  return awaited_task_group::run<std::decay_t<Body>>(std::move(ctx), std::forward<Body>(body),
                                                     made);
}

}  // namespace hangup

#pragma GCC visibility pop
