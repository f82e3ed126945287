// Waits for one of several channels, and for the context:
//
//   std::error_code ec = select(
//       ctx,
//       on_receive(jobs, [&](job j) { begin(j); }),
//       on_send(results, next, [&] { next = {}; }));
//
// Exactly one case happens, or none. If it is one, its function is called, here, with no lock held
// and nothing registered (it may use the same channels, also in a select of its own), and the
// result is empty. What it throws leaves select(); its value has been received or sent all the
// same. If it is none, nothing has been received, nothing sent, no function called, and the result
// is ctx.err() or channel_errc::closed.
//
// A case whose channel is closed (and drained, if it receives) drops out: the others are waited
// for, and when all have dropped out the result is channel_errc::closed. So a loop around a select
// of two inputs ends when both have ended, and never runs hot on the first that has. Who must hear
// of one end while others stay open gives the case a third argument: a function that is then called
// as that case's turn, each time, until the caller stops asking.
//
//   while (!over && !select(ctx, on_receive(jobs, begin, [&] { over = true; }),
//                           on_receive(others, begin))) {
//   }
//
// Fairness: the search for a case that can go on starts at a random one. So of n cases each one
// that can go on is taken with a probability of at least 1/n, however busy the others are.
//
// The same channel may be in several cases, to receive and to send. Any number of threads may
// select in any order of channels. A select that finds no case ready costs two locks per case and
// one registration with the context; it allocates nothing. A time limit is a context with a
// deadline.
#pragma once

#include <cstddef>
#include <system_error>
#include <type_traits>
#include <utility>

#include "context/channel.h"

namespace hangup {
namespace channels {

struct drop_out {
  void operator()() const noexcept {}
};

template <class IfClosed>
inline constexpr bool hears_close = !std::is_same_v<IfClosed, drop_out>;

template <class T, class Then, class IfClosed>
class [[nodiscard]] receive_case final : public take<T> {
  static_assert(std::is_void_v<std::invoke_result_t<Then&, T>>, "nobody would look at a result");

 public:
  receive_case(channel<T>& from, Then then, IfClosed if_closed)
      : take<T>(from, hears_close<IfClosed>),
        then_(std::move(then)),
        if_closed_(std::move(if_closed)) {}
  void run(bool closed) { closed ? if_closed_() : then_(std::move(this->value())); }

 private:
  Then then_;
  IfClosed if_closed_;
};

template <class T, class Value, class Then, class IfClosed>
class [[nodiscard]] send_case final : public put<T, Value> {
  static_assert(std::is_void_v<std::invoke_result_t<Then&>>, "nobody would look at a result");

 public:
  send_case(channel<T>& to, Value& value, Then then, IfClosed if_closed)
      : put<T, Value>(to, value, hears_close<IfClosed>),
        then_(std::move(then)),
        if_closed_(std::move(if_closed)) {}
  void run(bool closed) { closed ? if_closed_() : then_(); }

 private:
  Then then_;
  IfClosed if_closed_;
};

}  // namespace channels

// Cases are made in the call to select() and die with it; what they refer to lives longer.

// Receives a value and calls then(value).
template <class T, class Then, class IfClosed = channels::drop_out>
auto on_receive(channel<T>& from, Then then, IfClosed if_closed = {}) {
  return channels::receive_case<T, Then, IfClosed>(from, std::move(then), std::move(if_closed));
}

// Sends the value and calls then(). An rvalue is moved from, and an lvalue copied, only if this
// case is the one that happens.
template <class T, class Then = channels::drop_out, class IfClosed = channels::drop_out>
auto on_send(channel<T>& to, std::type_identity_t<T>&& value, Then then = {},
             IfClosed if_closed = {}) {
  return channels::send_case<T, T, Then, IfClosed>(to, value, std::move(then),
                                                   std::move(if_closed));
}
template <class T, class Then = channels::drop_out, class IfClosed = channels::drop_out>
auto on_send(channel<T>& to, const std::type_identity_t<T>& value, Then then = {},
             IfClosed if_closed = {}) {
  return channels::send_case<T, const T, Then, IfClosed>(to, value, std::move(then),
                                                         std::move(if_closed));
}

template <class... Cases>
[[nodiscard]] std::error_code select(const context& ctx, Cases&&... cases) {
  static_assert(sizeof...(Cases) > 0, "to wait for the context alone there is wait_done()");
  static_assert((!std::is_lvalue_reference_v<Cases> && ...), "make the cases in the call");
  channels::operation* const all[] = {&cases...};
  std::size_t which = channels::ring::none;
  const auto ec = channels::ring::wait(ctx, all, which);
  if (which == channels::ring::none) {
    return ec;
  }
  std::size_t i = 0;
  ((i++ == which ? cases.run(static_cast<bool>(ec)) : void()), ...);
  return {};
}

}  // namespace hangup
