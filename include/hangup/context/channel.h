// A bounded first-in, first-out queue between the stages of a pipeline. Its waits return when the
// context ends. So a stage ends with its request even if it is waiting for input or for room in its
// output.
//
//   channel<std::string> lines(64);
//   while (read(line) && !lines.send(ctx, line)) {         // one stage
//   }
//   for (std::string next; !lines.receive(ctx, next);) {   // the next
//     write(next);
//   }
//
// A stage is a thread, as here, or a task: `co_await lines.receive(ctx, next)` (wait.h). A channel
// may have both at each end.
//
// All functions are thread-safe, for any number of senders and receivers. An operation takes one
// lock. If it has to wait, it registers with its context and allocates nothing; a thread sleeps on
// a futex, a task is suspended. Waiting threads and tasks are woken in the order in which they
// began to wait, but one that arrives at that moment may be served before one that is just waking
// up. To wait for one of several channels, use select() (select.h).
//
// The capacity is at least 1. Channels without capacity, as in Go, are not supported: there a value
// is handed directly to a waiting thread, whose context may be ending at that moment, so that a
// value could be sent but never received. Here each thread and each task performs its own
// operation, or leaves without having changed anything. A sender that must know that a value has
// been received needs an answer from the receiver.
//
// The wait that send() and receive() return refers to the context, the channel and the variable, so
// these must outlive it: convert or await it in the same expression.
//
// Memory order: what a thread or task does before it sends a value happens before what another does
// after receiving it. The same holds between close() and a call that returns `closed`, and between
// a receive and the send that uses the room it made.
//
// T must be move-constructible and move-assignable. A value is moved into the channel (copied, if
// an lvalue is sent) and out of it while the channel's lock is held, so these constructors must not
// use the channel. If one of them throws, the exception leaves the call and nothing has been sent
// or received: the channel has the same values in the same order. The value being moved is in
// whatever state its constructor has left it. The assignment to the caller's variable happens
// without the lock, after the value has left the channel; if it throws, that one value is lost.
//
// With GCC 12, a task cannot send an aggregate that has something to destroy by moving from it: the
// compiler destroys temporaries of that kind twice in a `co_await` expression. Such a type gets a
// constructor.
//
// A channel may be destroyed when no call uses it. Once another thread has seen the effect of a
// send, receive or close, that call no longer uses the channel. The values that are left are
// destroyed with the channel.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/detail/channel_ring.h"
#include "hangup/context/detail/wait_object.h"

#pragma GCC visibility push(default)

namespace hangup {

enum class channel_errc {
  closed = 1,  // the channel is closed; for a receiver: and empty
  empty,       // try_receive() only; == std::errc::operation_would_block
  full,        // try_send() only; == std::errc::operation_would_block
};

const std::error_category& channel_category() noexcept;

inline std::error_code make_error_code(channel_errc e) noexcept {
  return {static_cast<int>(e), channel_category()};
}

template <class T>
class channel : protected channels::ring {
  static_assert(std::is_move_constructible_v<T> && std::is_move_assignable_v<T>);

 public:
  // Allocates room for `capacity` values. Throws std::invalid_argument if that is 0.
  explicit channel(std::size_t capacity)
      : ring(capacity), values_(std::allocator<T>().allocate(capacity)) {}
  ~channel();
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  // Sends a value; waits while the channel is full. Returns channel_errc::closed if the channel is
  // closed before the value is sent, and ctx.err() if the context has ended, even if there is room.
  // A value that is not sent is destroyed. To keep it in that case, use select() with on_send().
  [[nodiscard]] auto send(const context& ctx, T&& value) {
    return tree::wait_object<channels::sending<T, true>>(std::in_place, ctx, *this,
                                                         std::move(value));
  }
  [[nodiscard]] auto send(const context& ctx,
                          const T& value) requires std::is_copy_constructible_v<T> {
    return tree::wait_object<channels::sending<T, false>>(std::in_place, ctx, *this, value);
  }

  // Receives a value; waits while the channel is empty. Returns channel_errc::closed if it is
  // closed and empty, and ctx.err() if the context has ended, even if there is a value. `into` is
  // assigned only if a value was received.
  [[nodiscard]] auto receive(const context& ctx, T& into) {
    return tree::wait_object<channels::receiving<T>>(std::in_place, ctx, *this, into);
  }

  // The same without waiting: they return channel_errc::full or channel_errc::empty instead. A
  // value that is not sent is not moved from.
  [[nodiscard]] std::error_code try_send(T&& value);
  [[nodiscard]] std::error_code try_send(const T& value) requires std::is_copy_constructible_v<T>;
  [[nodiscard]] std::error_code try_receive(T& into);

  // Closes the channel. From now on send() returns channel_errc::closed, also for threads that are
  // waiting in it. Receivers get the values that are left, and then channel_errc::closed. The
  // second call does nothing.
  using ring::close;

  // The number of values in the channel. While other threads use it, the number may already have
  // changed.
  using ring::capacity;
  using ring::size;

 private:
  template <class U, class Value>
  friend class channels::put;
  template <class U>
  friend class channels::take;

  T* const values_;  // room for `capacity` values; the ring knows which exist
};

namespace channels {

template <class T, class Value>  // T: the value is moved from; const T: it is copied
class put : public operation {
 public:
  put(channel<T>& to, Value& value, bool hears_close = false) noexcept
      : operation(to, way::in, hears_close), to_(to), value_(value) {}

 private:
  void transfer(std::size_t place) final {
    std::construct_at(to_.values_ + place, static_cast<Value&&>(value_));
  }

  channel<T>& to_;
  Value& value_;
};

template <class T>
class take : public operation {
 public:
  explicit take(channel<T>& from, bool hears_close = false) noexcept
      : operation(from, way::out, hears_close), from_(from) {}
  T& value() noexcept { return *value_; }  // valid once a value has been received

 private:
  void transfer(std::size_t place) final {
    T* const value = from_.values_ + place;
    value_.emplace(std::move(*value));
    std::destroy_at(value);
  }

  channel<T>& from_;
  std::optional<T> value_;
};

template <class T, bool Moved>
class sending : public waiting<sending<T, Moved>> {
 public:
  static constexpr bool survives = !Moved || survives_co_await<T>;
  template <class U>
  sending(const context& ctx, channel<T>& to, U&& value)
      : waiting<sending>(ctx), value_(std::forward<U>(value)), op_(to, value_) {}
  std::span<operation* const> all() noexcept { return {&only_, 1}; }
  std::error_code finish(std::error_code result, std::size_t) noexcept { return result; }

 private:
  T value_;
  put<T, T> op_;
  operation* const only_ = &op_;
};

template <class T>
class receiving : public waiting<receiving<T>> {
 public:
  static constexpr bool survives = true;
  receiving(const context& ctx, channel<T>& from, T& into) noexcept
      : waiting<receiving>(ctx), into_(into), op_(from) {}
  std::span<operation* const> all() noexcept { return {&only_, 1}; }
  std::error_code finish(std::error_code result, std::size_t) {
    if (!result) {
      into_ = std::move(op_.value());
    }
    return result;
  }

 private:
  T& into_;
  take<T> op_;
  operation* const only_ = &op_;
};

}  // namespace channels

template <class T>
channel<T>::~channel() {
  for (std::size_t nth = 0, count = size(); nth < count; ++nth) {
    std::destroy_at(values_ + place(nth));
  }
  std::allocator<T>().deallocate(values_, capacity());
}

template <class T>
std::error_code channel<T>::try_send(T&& value) {
  channels::put<T, T> op(*this, value);
  return try_now(op);
}

template <class T>
std::error_code channel<T>::try_send(const T& value) requires std::is_copy_constructible_v<T> {
  channels::put<T, const T> op(*this, value);
  return try_now(op);
}

template <class T>
std::error_code channel<T>::try_receive(T& into) {
  channels::take<T> op(*this);
  const auto ec = try_now(op);
  if (!ec) {
    into = std::move(op.value());
  }
  return ec;
}

}  // namespace hangup

#pragma GCC visibility pop

template <>
struct std::is_error_code_enum<hangup::channel_errc> : std::true_type {};
