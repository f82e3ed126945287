// A coroutine that holds no thread while it waits. It begins when it is awaited, and returns to the
// task that awaits it.
//
//   task<std::string> fetch(context ctx, int fd) {
//     if (std::error_code ec = co_await wait_fd(ctx, fd, POLLIN)) {
//       ctx.throw_if_done();          // canceled_error, which is no failure
//       throw std::system_error(ec);  // reaches the task that awaits this one
//     }
//     co_return read_all(fd);
//   }
//   task<> show(context ctx, int fd) { print(co_await fetch(ctx, fd)); }
//
// With GCC 12, a `co_await` in a condition gets a name, as above: `if (co_await ...)` in a
// coroutine without any local variable would be compiled wrongly (the program then ends when the
// coroutine is called, and says so).
//
// The waits have the same names for threads and for tasks (hangup/context/wait.h): `co_await` holds
// no thread, and without it the calling thread waits. So never leave out `co_await` in a task: the
// thread that runs this task and others would wait.
//
// Tasks are started by spawn() or run_blocking() (hangup/worker/loop.h), or in a group
// (with_task_group.h). A task is always resumed on the thread where it was started. So tasks that
// are started by one task take turns, and need no lock between two waits.
//
// A coroutine gets `context ctx` by value, and other parameters by value or by a reference that
// outlives it. A lambda with captures that is a coroutine must exist until the coroutine has
// returned: pass it to spawn(), with_timeout() or the go() of a group, which keep it. A task does
// not block: blocking work runs on a pool, by `co_await on(pool, ctx, f)`.
//
// A task is move-only and can be awaited once: `co_await f()`, or `co_await std::move(t)`. To await
// an empty one, or the same one again, throws std::logic_error. A task that is never awaited never
// begins; its parameters are destroyed with it. An exception that leaves the coroutine is rethrown
// where it is awaited, also one thrown by the destructor of a local variable.
//
// The frame of the coroutine is the only allocation. It is destroyed with the task object, which
// must not happen while the coroutine is between its begin and its end: whoever awaits it
// guarantees that by waiting. Awaiting many tasks, one after the other, uses no more stack than
// awaiting one. With clang, a task that awaits a task that awaits a task uses no stack either; with
// GCC, it uses as much as functions that call each other.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/detail/executor.h"

#pragma GCC visibility push(default)

namespace hangup {

template <class T = void>
class task;

namespace tree {

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 compiles a coroutine wrongly that has no local variable, but a `co_await` in the condition
// of an `if`, a loop or a `switch`: the promise is not where the compiler itself looks for it, so
// resuming it would destroy memory. This is found where the coroutine is called, before it begins.
// An optimising compiler removes the comparison from all others.
struct before_task {
  const task_promise& promise;
  bool await_ready() const noexcept { return false; }
  template <task_like P>
  void await_suspend(std::coroutine_handle<P> task) const noexcept {
    const task_promise& there = task.promise();
    if (reinterpret_cast<const char*>(&there) - reinterpret_cast<const char*>(&promise) != 0) {
      compiled_wrongly();
    }
  }
  void await_resume() const noexcept {}

 private:
  [[noreturn, gnu::cold]] static void compiled_wrongly() noexcept;
};
#else
struct before_task : std::suspend_always {
  explicit before_task(const task_promise&) noexcept {}
};
#endif

// What becomes of a coroutine at its end.
struct at_end_of_task {
  bool await_ready() const noexcept { return false; }
  template <task_like P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> over) const noexcept {
    task_promise& of = over.promise();
    if (of.at_end != nullptr) {
      // Destroyed later, from the executor, as the compiler's code may still use the frame.
      of.on->post(*of.at_end);
      return std::noop_coroutine();
    }
    return of.beginning ? std::noop_coroutine() : of.awaited_by;
  }
  void await_resume() const noexcept {}
};

template <class T>
class task_result : public task_promise {
 public:
  before_task initial_suspend() const noexcept { return before_task{*this}; }
  at_end_of_task final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

  template <class U = T>
  requires std::is_convertible_v<U, T>
  void return_value(U&& value) { value_.emplace(std::forward<U>(value)); }

  // After the end: the result, or throws what the coroutine threw.
  T take() {
    if (thrown_) {
      std::rethrow_exception(thrown_);
    }
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  std::exception_ptr thrown_;
};

template <>
class task_result<void> : public task_promise {
 public:
  before_task initial_suspend() const noexcept { return before_task{*this}; }
  at_end_of_task final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }
  void return_void() const noexcept {}
  void take() {
    if (thrown_) {
      std::rethrow_exception(thrown_);
    }
  }

 private:
  std::exception_ptr thrown_;
};

template <class T>
class root_task;

}  // namespace tree

template <class T>
class [[nodiscard]] task {
  static_assert(std::is_void_v<T> || std::is_object_v<T>, "a task returns a value or nothing");

 public:
  using value_type = T;
  class promise_type final : public tree::task_result<T> {
   public:
    task get_return_object() noexcept {
      return task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  task() noexcept = default;  // empty
  task(task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  task& operator=(task&& other) noexcept {
    if (auto old = std::exchange(frame_, std::exchange(other.frame_, {}))) {
      old.destroy();
    }
    return *this;
  }
  ~task() {
    if (frame_) {
      frame_.destroy();
    }
  }

  // Runs the coroutine, and gives what it returns or throws.
  auto operator co_await() && {
    if (!frame_ || frame_.done()) {
      throw std::logic_error("an empty task, or one that has returned, was awaited");
    }
    return awaiter{frame_};
  }

 private:
  friend class tree::root_task<T>;
  explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  // It has no destructor, as compilers do not agree on how often it would be called.
  struct awaiter {
    std::coroutine_handle<promise_type> frame;

    bool await_ready() const noexcept { return false; }
#if defined(__clang__)
    template <tree::task_like P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> by) const noexcept {
      begin(by);
      return frame;
    }
#else
    // GCC jumps to the coroutine that is to go on only if it optimises, and calls it otherwise. A
    // loop that awaits many tasks which do not wait would run out of stack. So here the task that
    // begins returns to this call, unless it has to wait.
    template <tree::task_like P>
    bool await_suspend(std::coroutine_handle<P> by) const noexcept {
      begin(by);
      frame.promise().beginning = true;
      frame.resume();
      frame.promise().beginning = false;
      return !frame.done();
    }
#endif
    T await_resume() const {
      return frame.promise().take();
    }

    template <tree::task_like P>
    void begin(std::coroutine_handle<P> by) const noexcept {
      tree::task_promise& mine = frame.promise();
      mine.on = by.promise().on;
      mine.started = by.promise().started;
      mine.awaited_by = by;
    }
  };

  std::coroutine_handle<promise_type> frame_;
};

namespace tree {

template <class T>
struct task_of {};
template <class T>
struct task_of<task<T>> {
  using value_type = T;
};

// Whether F is a function that makes a task for a context, and the task's type.
template <class F>
using task_for = std::invoke_result_t<F&, const context&>;
template <class F>
concept makes_task = requires {
  typename task_of<task_for<F>>::value_type;
};

// A task that no other task awaits. It is posted to its executor to begin, and once more when it
// has returned: then over() is called, on the executor's thread, and may destroy it.
template <class T>
class root_task : public ready {
 public:
  // `from` must live as long as this.
  explicit root_task(const location& from) noexcept : ready(&step) { started_at(&from); }

  // Any thread. To be called once. Throws std::logic_error if the task is empty.
  void start(executor& on, task<T> work) {
    if (!work.frame_) {
      throw std::logic_error("an empty task was started");
    }
    work_ = std::move(work);
    promise().on = &on;
    promise().started = started();
    promise().at_end = this;
    on.post(*this);
  }

 protected:
  ~root_task() = default;
  virtual void over() noexcept = 0;

  // In over(): the result, or throws what the task threw.
  T take() { return promise().take(); }
  // In over(): destroys the frame, if that must happen before this is destroyed.
  void destroy_frame() noexcept { work_ = {}; }

 private:
  static void step(ready& self) noexcept {
    auto& root = static_cast<root_task&>(self);
    if (!root.begun_) {
      root.begun_ = true;
      root.work_.frame_.resume();
    } else {
      root.over();
    }
  }
  task_result<T>& promise() noexcept { return work_.frame_.promise(); }

  task<T> work_;
  bool begun_ = false;
};

}  // namespace tree

namespace tree {

// GCC 12 destroys twice what a lambda has captured that is made within a `co_await` expression.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
template <class F>
concept may_be_awaited_with =
    std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<std::remove_reference_t<F>>;
#else
template <class F>
concept may_be_awaited_with = true;
#endif

// GCC 12 warns of the frame of a coroutine template that is called with a lambda.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

template <class F>
task_for<F> limited(context parent, clock::duration time, F f, location made) {
  const cancelable own = hangup::with_timeout(parent, time, {}, made);
  co_return co_await f(own.ctx);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace tree

// Runs a task with a time limit: f gets a context that ends then, or with `parent`. It keeps f.
// With GCC 12, a lambda that captures more than references and numbers must have a name.
//
//   auto row = co_await with_timeout(ctx, 2s, [&](const context& ctx) { return ask(ctx, db); });
template <class Rep, class Period, tree::makes_task F>
tree::task_for<F> with_timeout(const context& parent, std::chrono::duration<Rep, Period> time,
                               F&& f, location made = location::current()) {
  static_assert(tree::may_be_awaited_with<F>,
                "GCC 12 would destroy the captures twice: give the function a name, and pass that");
  return tree::limited<std::decay_t<F>>(parent, saturated(time), std::forward<F>(f), made);
}

}  // namespace hangup

#pragma GCC visibility pop
