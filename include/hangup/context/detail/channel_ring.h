// The part of a channel that does not depend on the type of its values; channel.h and select.h are
// built on it. Not for users.
//
// Invariants
// 1. A thread performs its own operation, under the lock of the one channel concerned, and never
//   holds the locks of two channels. So a select() performs exactly one operation or none, whatever
//   channels it has, and cannot deadlock.
// 2. Values are not handed over to a waiter: a waiter is told to try again. Each new value and
//   each new room in the channel notifies one waiter, which leaves the list. So while there are
//   waiters in a list, at least as many waiters have been notified, and have not tried yet, as
//   could proceed now. To preserve this, a waiter that was notified but leaves for another reason
//   (another channel, the end of its context, an exception) notifies the next one.
// 3. A notified waiter that cannot proceed goes back to the front of the list.
// 4. A waiter is woken, and leaves the list, under the lock of the channel. So no waiter is woken
//   after it has gone.
// 5. No waiter is in the list of a closed channel.
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <system_error>

#include "hangup/context/context.h"

namespace hangup::channels {

class parker;
class ring;

enum class way { in, out };
enum class answer { done, blocked, closed };

// One operation that a thread wants to perform on one channel. It lives on the stack of the thread.
class operation {
 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

 protected:
  // `hears_close`: when the channel is closed, select() chooses this operation instead of dropping
  // it.
  operation(ring& on, way which, bool hears_close) noexcept
      : on_(on), way_(which), hears_close_(hears_close) {}
  ~operation() = default;

 private:
  friend class ring;
  // Moves the value into or out of this place, under the lock. If it throws, nothing has changed.
  virtual void transfer(std::size_t place) = 0;

  ring& on_;
  const way way_;
  const bool hears_close_;
  bool joined_ = false;  // used by its own thread only: it is in the list or has been notified
  // It is in the list; this and the following: guarded by the channel's mutex.
  bool linked_ = false;
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

  // Waits until one of the operations can be performed, performs it, and stores its index in
  // `which`. If none is performed, `which` is `none`, and the result is ctx.err() or, when all have
  // been dropped, channel_errc::closed. If channel_errc::closed is returned with an index in
  // `which`, the channel of that operation is closed and it has hears_close.
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static std::error_code wait(const context& ctx, std::span<operation* const> all,
                              std::size_t& which);
  static std::error_code wait(const context& ctx, operation& only);
  static std::error_code try_now(operation& only);

 protected:
  explicit ring(std::size_t capacity);
  ~ring() = default;
  // The place of the nth value, counted from the oldest.
  std::size_t place(std::size_t nth) const noexcept;
  // The number of operations that wait in this direction.
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
