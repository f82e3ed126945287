// The part of a channel that does not depend on the type of its values; channel.h and select.h are
// built on it. Not for users.
//
// Invariants
// 1. A thread or task performs its own operation, under the lock of the one channel concerned, and
//   never holds the locks of two channels. So a select() performs exactly one operation or none,
//   whatever channels it has, and cannot deadlock.
// 2. Values are not handed over to a waiter: a waiter is told to try again. Each new value and
//   each new room in the channel notifies one waiter, which leaves the list. So while there are
//   waiters in a list, at least as many waiters have been notified, and have not tried yet, as
//   could proceed now. To preserve this, a waiter that was notified but leaves for another reason
//   (another channel, the end of its context, an exception) notifies the next one.
// 3. A notified waiter that cannot proceed goes back to the front of the list.
// 4. A waiter is woken, and leaves the list, under the lock of the channel. So no waiter is woken
//   after it has gone.
// 5. No waiter is in the list of a closed channel.
// 6. A task that was notified tries again on its executor's thread, before it is resumed. If it
//   cannot proceed, it stays suspended. So its coroutine sees a wait that returns once.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <span>
#include <system_error>
#include <type_traits>

#include "hangup/context/context.h"
#include "hangup/context/detail/sleeper.h"
#include "hangup/context/detail/task_wait.h"

#pragma GCC visibility push(default)

namespace hangup::channels {

class ring;

enum class way { in, out };
enum class answer { done, blocked, closed };

// One operation that a thread or task wants to perform on one channel. It is a part of the object
// that waits.
class operation {
 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

 protected:
  // `hears_close`: when the channel is closed, select() chooses this operation instead of dropping
  // it.
  operation(ring& on, way which, bool hears_close) noexcept
      : on_(on), way_(which), hears_close_(hears_close) {}
  // Only until it is first tried.
  operation(operation&& other) noexcept : operation(other.on_, other.way_, other.hears_close_) {}
  ~operation() = default;

 private:
  friend class ring;
  // Moves the value into or out of this place, under the lock. If it throws, nothing has changed.
  virtual void transfer(std::size_t place) = 0;

  ring& on_;
  const way way_;
  const bool hears_close_;
  bool joined_ = false;  // used by who waits only: it is in the list or has been notified
  // It is in the list; this and the following: guarded by the channel's mutex.
  bool linked_ = false;
  tree::sleeper* sleeper_ = nullptr;
  operation* prev_ = nullptr;
  operation* next_ = nullptr;
};

class ring {
 public:
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;

  void close() noexcept;
  std::size_t size() const noexcept;
  std::size_t capacity() const noexcept { return capacity_; }

  // Waits, as a thread, until one of the operations can be performed, performs it, and stores its
  // index in `which`. If none is performed, `which` is `none`, and the result is ctx.err() or, when
  // all have been dropped, channel_errc::closed. If channel_errc::closed is returned with an index
  // in `which`, the channel of that operation is closed and it has hears_close.
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static std::error_code wait(const context& ctx, std::span<operation* const> all,
                              std::size_t& which);
  static std::error_code try_now(operation& only);

 protected:
  explicit ring(std::size_t capacity);
  ~ring() = default;
  // The place of the nth value, counted from the oldest.
  std::size_t place(std::size_t nth) const noexcept;
  // The number of operations that wait in this direction.
  std::size_t waiting(way which) const noexcept;

 private:
  friend class suspended_operations;
  struct departure;
  struct list {
    operation* first = nullptr;
    operation* last = nullptr;
    void insert(operation& op, operation* prev, operation* next) noexcept;
    void push_front(operation& op) noexcept { insert(op, nullptr, first); }
    void push_back(operation& op) noexcept { insert(op, last, nullptr); }
    void remove(operation& op) noexcept;
    void notify_one() noexcept;
  };

  static void leave(std::span<operation* const> all) noexcept;
  static answer pass(std::span<operation* const> all, tree::sleeper* sleeper, std::size_t& which);
  answer attempt(operation& op, tree::sleeper* sleeper);
  answer advance(operation& op);
  void leave(operation& op) noexcept;
  list& waiters(way which) noexcept { return which == way::in ? senders_ : receivers_; }

  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards the rest
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  bool closed_ = false;
  list senders_;
  list receivers_;
};

// The same wait, of a task: see `suspended` (executor.h) for its steps. The task's own thread calls
// everything but wake().
class suspended_operations : tree::task_wait {
 protected:
  // All of these must outlive it. An exception that is thrown while the task is suspended is stored
  // in `thrown`.
  suspended_operations(const context& ctx, std::span<operation* const> all,
                       std::exception_ptr& thrown) noexcept
      : task_wait(ctx, context::clock::time_point::max(), &look_again),
        ctx_(ctx),
        all_(all),
        thrown_(thrown) {}
  ~suspended_operations() = default;

  bool over_at_once();
  // Returns whether the task has to be suspended.
  template <tree::task_like P>
  bool suspend_task(std::coroutine_handle<P> task) noexcept {
    prepare(task);
    return join();
  }
  // After the wait: as ring::wait().
  std::error_code result(std::size_t& which) const noexcept {
    which = which_;
    return result_;
  }

 private:
  static void look_again(ready& self) noexcept;
  bool join() noexcept;
  bool stays_suspended() noexcept;
  bool over_now() noexcept;
  bool settle(answer got) noexcept;

  const context& ctx_;
  const std::span<operation* const> all_;
  std::exception_ptr& thrown_;
  tree::sleeper me_{*this};
  std::size_t which_ = ring::none;
  std::error_code result_;
};

// GCC 12 destroys a temporary twice that is made within a `co_await` expression, if it is an
// aggregate or a lambda. That is noticed if there is something to destroy.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
template <class T>
concept survives_co_await = std::is_trivially_destructible_v<T> || !std::is_aggregate_v<T>;
template <class F>
concept function_survives_co_await = std::is_trivially_destructible_v<F>;
#else
template <class T>
concept survives_co_await = true;
template <class F>
concept function_survives_co_await = true;
#endif

// What is behind the wait objects of send(), receive() and select(). `Self` has
//   std::span<operation* const> all();
//   std::error_code finish(std::error_code result, std::size_t which);   // as ring::wait() says
//   static constexpr bool survives;                                      // `co_await` with GCC 12
template <class Self>
class waiting {
 public:
  explicit waiting(const context& ctx) noexcept : ctx_(ctx) {}
  std::error_code block() {
    std::size_t which = ring::none;
    const auto result = ring::wait(ctx_, self().all(), which);
    return self().finish(result, which);
  }

  class awaiter : suspended_operations {
   public:
    explicit awaiter(waiting& of) noexcept
        : suspended_operations(of.ctx_, of.self().all(), of.thrown_), of_(of) {
      static_assert(Self::survives,
                    "GCC 12 would destroy temporaries twice: the type of the value needs a "
                    "constructor, and functions may capture references and numbers only");
    }
    bool await_ready() { return over_at_once(); }
    template <tree::task_like P>
    bool await_suspend(std::coroutine_handle<P> task) noexcept {
      return suspend_task(task);
    }
    std::error_code await_resume() {
      if (of_.thrown_) {
        std::rethrow_exception(of_.thrown_);
      }
      std::size_t which = ring::none;
      const auto how = result(which);
      return of_.self().finish(how, which);
    }

   private:
    waiting& of_;
  };

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }

  const context& ctx_;  // a handle of its own would cost a third of a send
  std::exception_ptr thrown_;
};

template <class T, class Value>
class put;
template <class T>
class take;
template <class T, bool Moved>
class sending;
template <class T>
class receiving;

}  // namespace hangup::channels

#pragma GCC visibility pop
