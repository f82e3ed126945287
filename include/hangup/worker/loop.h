// The few threads that run tasks. A task that waits holds none of them, so as many tasks can wait
// as there is memory for: their frames, and a few hundred bytes for each.
//
//   loop tasks({.name = "tasks", .threads = 2});
//   std::error_code ec = spawn(tasks, request, [](const context& ctx) { return serve(ctx); });
//
//   int n = run_blocking(count());   // in main() and in tests
//
//   // Within a task: a worker of a pool blocks, and the task does not.
//   ec = co_await on(queries, request, [&](const context& ctx) { ask(ctx); });
//
// A task belongs to the thread on which it was started, and is always resumed there; so do the
// tasks that it awaits. Tasks that are spawned by a task of the loop start on the same thread, all
// others take turns. The threads do not take work from each other: tasks that share data and a
// thread need no lock, a wait that ends on its own thread costs no lock and no wake-up of another,
// and a loop whose tasks wait has little to share out. It costs that tasks that compute for long
// delay those of their thread while another thread may be idle; such work belongs on a pool, by
// on(). A task that does not come back to its thread is reported: see loop_options::held.
//
// The end of a context wakes the tasks that wait on it, from any thread, with one wake-up for all
// of a thread. Timers and descriptors are those of the loop's own threads (a heap and an epoll set
// each). A task that sleeps in a handler also hears itself when its client leaves; if a task holds
// the thread for more than 20 ms, the server hears that for the others, as it does for threads.
//
// All functions are thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "hangup/context/bridge.h"
#include "hangup/context/context.h"
#include "hangup/context/detail/timer.h"
#include "hangup/context/late.h"
#include "hangup/context/task.h"
#include "hangup/worker/pool.h"

#pragma GCC visibility push(default)

namespace hangup {
namespace tree {
class lane;
}

enum class loop_errc {
  full = 1,  // as many tasks as there may be: rejected at once, try again later
  stopped,   // the loop is being destroyed
};

const std::error_category& loop_category() noexcept;

inline std::error_code make_error_code(loop_errc e) noexcept {
  return {static_cast<int>(e), loop_category()};
}

// A task that holds a thread of a loop: it has been running for long without a wait.
struct held_thread {
  std::string_view loop;
  location started;  // where the task was spawned
  bool over;         // false: it still runs; true: it has now come back
};

struct held_report {
  context::clock::duration after{};  // zero: no reports. It may take half as long again
  // Called on the timer thread, and again, with `over` set, on the thread of the loop when the task
  // has come back. Must be short and must not throw.
  std::function<void(const held_thread&)> call{};
};

struct loop_options {
  std::string name{};
  unsigned threads = 1;       // at least 1
  std::size_t max_tasks = 0;  // how many spawned tasks there may be; 0: any number
  // Called with any exception that leaves a spawned task, except a std::system_error with an error
  // of contexts (as canceled_error is): to be ended is not a failure. If it is not set, such an
  // exception terminates the process.
  std::function<void(std::exception_ptr)> on_exception{};
  late_report late{};  // reports tasks that go on after their context has ended
  held_report held{};
};

class loop;
template <tree::makes_task F>
[[nodiscard]] std::error_code spawn(loop& on, const context& ctx, F f,
                                    location from = location::current());

class loop {
 public:
  struct stats {
    std::size_t tasks = 0;       // spawned and not over
    std::uint64_t rejected = 0;  // since the start: there were too many
    std::size_t late = 0;        // of `tasks`: reported as late stoppers
    std::size_t held = 0;        // threads that are held by a task now, as reported
  };

  // Starts the threads. Throws std::invalid_argument if there are none, and std::system_error if
  // one cannot be started or lacks a descriptor.
  explicit loop(loop_options how);
  // Ends the contexts of all spawned tasks, with cause_kind::shutdown, and waits until the tasks
  // are over. Not to be called by a task of the loop.
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  const std::string& name() const noexcept { return how_.name; }
  unsigned threads() const noexcept { return how_.threads; }
  stats now() const;
  // Whether a thread runs this task now, which otherwise waits: `started` is that of the task
  // itself (tree::this_task), not a copy.
  bool runs(const location& started) const noexcept;

 private:
  template <tree::makes_task F>
  friend std::error_code spawn(loop& on, const context& ctx, F f, location from);
  friend std::error_code spawn(loop& on, const context& ctx, task<> work, location from);

  // One of the tasks that there may be.
  class place {
   public:
    explicit place(loop& of) noexcept : of_(&of) {}
    place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    place& operator=(place&&) = delete;
    ~place() {
      if (of_ != nullptr) {
        of_->leave();
      }
    }
    loop& of() const noexcept { return *of_; }

   private:
    loop* of_;
  };

  struct spawned : tree::root_task<void> {
    spawned(place mine, const location& where)
        : root_task(from), in(std::move(mine)), from(where) {}
    virtual ~spawned() = default;
    void over() noexcept final;
    void report_if_late(const context& ctx);

    const place in;  // left last
    const location from;
    std::optional<late_watch> watch;
  };
  template <class F>
  struct spawned_by final : spawned {
    spawned_by(place mine, const context& ctx, F fn, const location& where)
        : spawned(std::move(mine), where),
          own(with_either(ctx, in.of().all_.ctx)),
          f(std::move(fn)) {
      report_if_late(own.ctx);
    }
    const cancelable own;
    F f;  // the coroutine may be a lambda, whose captures are here
  };

  // Looks whether the tasks come back, and whether the threads look at their descriptors.
  struct look_out final : tree::timer {
    explicit look_out(loop& l) noexcept : of(l) {}
    void expire() noexcept override;
    loop& of;
  };

  std::error_code enter(const context& ctx);
  void leave() noexcept;
  void escaped(std::exception_ptr what) const;
  void start(spawned& s, task<> work);
  struct thread;
  bool reports_held() const noexcept {
    return how_.held.call && how_.held.after > context::clock::duration::zero();
  }
  void look_soon(context::clock::duration after) noexcept;
  void look() noexcept;
  void look_for_held(thread& t, context::clock::time_point now) noexcept;
  bool look_for_unheard(thread& t, context::clock::time_point now) noexcept;
  void tell_held(location started, bool over) noexcept;
  void stop_threads() noexcept;

  const loop_options how_;
  const late_report late_;  // how_.late, and counts late stoppers
  const cancelable all_;    // ends all spawned tasks
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  stats stats_;
  bool stopping_ = false;

  const context::clock::duration look_every_;
  std::vector<std::unique_ptr<thread>> threads_;
  std::atomic<std::size_t> turn_{0};
  look_out look_out_{*this};
  std::atomic<bool> looking_{false};
  std::mutex look_mutex_;  // guards the next
  bool look_no_more_ = false;
};

// Starts a task, f(ctx), on the loop. The context that f gets ends with `ctx` and when the loop is
// destroyed. f is kept until the task is over, so it may be a lambda with captures.
//
// Returns loop_errc::full, loop_errc::stopped, or ctx.err() if the context has already ended; then
// f is not called. Never blocks. f itself is called here, and what it throws leaves spawn(); the
// coroutine that it makes begins on the loop. An empty task throws std::logic_error. Besides the
// frame, it allocates a record and a context.
template <tree::makes_task F>
std::error_code spawn(loop& on, const context& ctx, F f, location from) {
  static_assert(std::is_same_v<tree::task_for<F>, task<>>, "nobody would look at a result");
  if (const auto refused = on.enter(ctx)) {
    return refused;
  }
  auto record = std::make_unique<loop::spawned_by<F>>(loop::place(on), ctx, std::move(f), from);
  task<> work = record->f(std::as_const(record->own.ctx));
  on.start(*record, std::move(work));
  static_cast<void>(record.release());  // it deletes itself, and may have done so
  return {};
}
// The same for a task that exists. It does not get a context, so `ctx` must be the one that it was
// made with, or one that ends with it; if the loop is to end the task, let spawn() call a function.
// It allocates a record.
[[nodiscard]] std::error_code spawn(loop& on, const context& ctx, task<> work,
                                    location from = location::current());

namespace tree {

// Serves tasks on the calling thread.
class own_executor {
 public:
  own_executor();  // throws std::system_error if a descriptor cannot be made
  ~own_executor();
  executor& get() noexcept;
  void run(const bool& over) noexcept;

 private:
  const std::unique_ptr<lane> lane_;
};

template <class T>
struct awaited_by_thread final : root_task<T> {
  using root_task<T>::root_task;
  using root_task<T>::take;
  void over() noexcept override { returned = true; }
  bool returned = false;
};

// co_await on(...): a job of the pool that wakes its task. F is a reference if the function has a
// name.
template <class F>
class [[nodiscard]] pool_call final : job {
 public:
  pool_call(pool& where, const context& ctx, F&& f, pool::owner whose, const location& from)
      : pool_(where), ctx_(ctx), whose_(whose), from_(from), f_(std::forward<F>(f)) {}

  bool await_ready() const noexcept { return false; }
  template <task_like P>
  bool await_suspend(std::coroutine_handle<P> task) noexcept {
    waits_.prepare(task);
    if (const auto refused = pool_.post(ctx_, *this, whose_, from_)) {
      result_ = refused;
      return false;
    }
    return waits_.suspend();
  }
  std::error_code await_resume() {
    if (thrown_) {
      std::rethrow_exception(thrown_);
    }
    return result_;
  }

 private:
  struct waiting final : suspended {};

  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<F&, const context&>>) {
        f_(ctx_);
      } else {
        result_ = f_(ctx_);
      }
    } catch (...) {
      thrown_ = std::current_exception();
    }
    waits_.wake();
  }
  void dropped() noexcept override {
    result_ = ctx_.err();
    waits_.wake();
  }

  pool& pool_;
  const context ctx_;
  const pool::owner whose_;
  const location from_;
  F f_;
  waiting waits_;
  std::error_code result_;
  std::exception_ptr thrown_;
};

}  // namespace tree

// Runs a task on the calling thread, which serves it until it is over; gives what it returns or
// throws. Throws std::system_error if there is no descriptor left for an epoll set, and
// std::logic_error if the task is empty. Within a task it would block the thread of its loop.
template <class T>
T run_blocking(task<T> work, location from = location::current()) {
  tree::own_executor here;
  tree::awaited_by_thread<T> root(from);
  root.start(here.get(), std::move(work));
  here.run(root.returned);
  return root.take();
}

// Runs f(ctx) on a worker of the pool, and comes back to the task's own thread. To the pool it is a
// job of the owner `whose`: a handler says http::client_of(ctx), so that no client can keep the
// others from the pool. The result is what
// f returns, if it returns std::error_code; what it throws is rethrown. If f is not run, it is what
// pool::post() returned, or ctx.err() when the context has ended in the queue. Once f runs, it is
// waited for: it must look at its context to end early. With GCC 12, a lambda that captures more
// than references and numbers must have a name.
template <class F>
auto on(pool& where, const context& ctx, F&& f, pool::owner whose = pool::nobody,
        location from = location::current()) {
  static_assert(tree::may_be_awaited_with<F>,
                "GCC 12 would destroy the captures twice: give the function a name, and pass that");
  return tree::pool_call<F>(where, ctx, std::forward<F>(f), whose, from);
}

}  // namespace hangup

#pragma GCC visibility pop

template <>
struct std::is_error_code_enum<hangup::loop_errc> : std::true_type {};
