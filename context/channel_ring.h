// All of a channel but the type of its values: what channel.h and select.h are made of. Not for
// users.
//
// Invariants
//   1. A thread does its own operation, under the lock of the one channel that it concerns; it
//   never
//      holds two of these locks. So a select does exactly one operation or none, in any mix of
//      channels, and cannot deadlock.
//   2. Nothing is handed over: who waits is told to try again. Each value that comes and each room
//      that is made notifies one waiter, which leaves the list. So as long as somebody waits in a
//      list, at least as many have been notified, and not yet tried, as could go on now. To keep
//      that true, a waiter that has been notified and leaves with something else (another channel,
//      the end of its context, an exception) notifies the next in its place.
//   3. A waiter that has been notified and finds nothing goes back to the front of the list.
//   4. A waiter is woken under the lock of the channel and leaves the list under it, so nobody can
//      wake one that is gone.
//   5. In a closed channel nobody waits.
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <system_error>

#include "context/context.h"

namespace hangup::channels {

class parker;
class ring;

enum class way { in, out };
enum class answer { done, blocked, closed };

// One thing that a thread wants of one channel: an object on its stack.
class operation {
 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

 protected:
  // When the channel is closed, one that hears the close has its turn; others drop out.
  operation(ring& on, way which, bool hears_close) noexcept
      : on_(on), way_(which), hears_close_(hears_close) {}
  ~operation() = default;

 private:
  friend class ring;
  // Moves the value into or out of this place, under the lock. If it throws, nothing has happened.
  virtual void transfer(std::size_t place) = 0;

  ring& on_;
  const way way_;
  const bool hears_close_;
  bool joined_ = false;  // its own thread's note: it is in the list, or has been notified
  bool linked_ = false;  // it is in the list; this and the rest are guarded by the channel's mutex
  parker* sleeper_ = nullptr;
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

  // Waits until one of the operations can go on, does it and says which. If none is done, `which`
  // is `none` and the result is ctx.err() or, when all have dropped out, channel_errc::closed. That
  // code with an operation in `which` says that this one has heard the close.
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static std::error_code wait(const context& ctx, std::span<operation* const> all,
                              std::size_t& which);
  static std::error_code wait(const context& ctx, operation& only);
  static std::error_code try_now(operation& only);

 protected:
  explicit ring(std::size_t capacity);
  ~ring() = default;
  // Where the nth value is, counted from the oldest.
  std::size_t place(std::size_t nth) const noexcept;
  // How many operations wait in this direction.
  std::size_t waiting(way which) const noexcept;

 private:
  struct list {
    operation* first = nullptr;
    operation* last = nullptr;
    void insert(operation& op, operation* prev, operation* next) noexcept;
    void push_front(operation& op) noexcept { insert(op, nullptr, first); }
    void push_back(operation& op) noexcept { insert(op, last, nullptr); }
    void remove(operation& op) noexcept;
    void notify_one() noexcept;
  };
  struct departure;

  static answer pass(std::span<operation* const> all, parker* sleeper, std::size_t& which);
  answer attempt(operation& op, parker* sleeper);
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

template <class T, class Value>
class put;
template <class T>
class take;

}  // namespace hangup::channels
