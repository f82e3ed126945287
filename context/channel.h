// What the stages of a pipeline hand to each other: a bounded queue, first in, first out, whose
// waits end with their context. So a stage ends with its request, also when it is idle on its input
// or stuck on its output.
//
//   channel<std::string> lines(64);
//   while (read(line) && !lines.send(ctx, line)) {         // one stage
//   }
//   for (std::string next; !lines.receive(ctx, next);) {   // the next
//     write(next);
//   }
//
// All functions are thread-safe, for any number of senders and receivers. An operation takes one
// lock. One that has to wait registers with its context, sleeps on a futex and allocates nothing;
// those that wait are woken in the order in which they came, but a thread that comes by just then
// may be served before one that is waking up. select() (select.h) waits for one of several.
//
// The capacity is at least 1. There is no rendezvous (Go's capacity 0), as that hands a value from
// one waiting thread to another, which may be leaving with its context at that moment: sent, and
// never received. Here each thread does its own operation when it can, or leaves without a trace.
// Who must know that a value has arrived lets the receiver answer.
//
// Memory order: what a thread did before it sent a value happens before whatever the thread that
// receives it does afterwards. The same holds between close() and whoever is told `closed`, and
// between a receive and the send that takes the room it has made.
//
// T can be moved, constructed and assigned; nothing else. A value is constructed in the channel and
// out of it under its lock (moved; copied where an lvalue is sent), so these constructors must not
// use the channel. If one throws, the exception leaves the call and nothing has been sent or
// received: order and number of the values are as before, and the one that was being moved is what
// its move has left. The assignment to the caller's variable runs without the lock, when the value
// has left the channel: if it throws, that value is lost, and nothing else.
//
// A channel may be destroyed when no call uses it. A send, receive or close of which another thread
// has seen the effect uses it no more. What is left in it is destroyed with it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "context/channel_ring.h"
#include "context/context.h"

namespace hangup {

enum class channel_errc {
  closed = 1,  // it is closed and, for a receiver, drained
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
  // Allocates the room for so many values, at least 1 (0: std::invalid_argument).
  explicit channel(std::size_t capacity)
      : ring(capacity), values_(std::allocator<T>().allocate(capacity)) {}
  ~channel();
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  // Waits for room. channel_errc::closed if it is closed, now or while it waits; ctx.err() if the
  // context has ended, also if there is room. A value that is not sent is destroyed: who wants to
  // keep it uses select() and on_send(), which leave it alone.
  [[nodiscard]] std::error_code send(const context& ctx, T value);

  // Waits for a value. channel_errc::closed if it is closed and drained; ctx.err() if the context
  // has ended, also if there is a value. Nothing is assigned to `into` unless it is received.
  [[nodiscard]] std::error_code receive(const context& ctx, T& into);

  // The same without a wait: channel_errc::full or channel_errc::empty instead. A value that is not
  // sent is left alone.
  [[nodiscard]] std::error_code try_send(T&& value);
  [[nodiscard]] std::error_code try_send(const T& value) requires std::is_copy_constructible_v<T>;
  [[nodiscard]] std::error_code try_receive(T& into);

  // Senders get channel_errc::closed from now on, also those that wait. Receivers drain what is
  // left, then get the same. The second call does nothing.
  using ring::close;

  // How many values are in it: while others use it, how many there were just now.
  using ring::capacity;
  using ring::size;

 private:
  template <class U, class Value>
  friend class channels::put;
  template <class U>
  friend class channels::take;

  T* const values_;  // room for `capacity` of them; which are there, the ring knows
};

namespace channels {

template <class T, class Value>  // T: is moved from; const T: is copied
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
  T& value() noexcept { return *value_; }  // once it has been received

 private:
  void transfer(std::size_t place) final {
    T* const value = from_.values_ + place;
    value_.emplace(std::move(*value));
    std::destroy_at(value);
  }

  channel<T>& from_;
  std::optional<T> value_;
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
std::error_code channel<T>::send(const context& ctx, T value) {
  channels::put<T, T> op(*this, value);
  return wait(ctx, op);
}

template <class T>
std::error_code channel<T>::receive(const context& ctx, T& into) {
  channels::take<T> op(*this);
  const auto ec = wait(ctx, op);
  if (!ec) {
    into = std::move(op.value());
  }
  return ec;
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

template <>
struct std::is_error_code_enum<hangup::channel_errc> : std::true_type {};
