// Waits for one of several channels, or for the end of the context:
//
//   std::error_code ec = select(
//       ctx,
//       on_receive(jobs, [&](job j) { begin(j); }),
//       on_send(results, next, [&] { next = {}; }));
//
// A task says `co_await select(...)` and holds no thread while it waits.
//
// At most one case is performed. If one is, its function is called and the result is empty. The
// function runs in the calling thread or task, without a lock and with nothing registered, so it
// may use the same channels and call select() itself. In a task it must not wait: what has to wait
// is done after the select(). With GCC 12, it captures references and numbers only. If it throws,
// the exception leaves select(), but the value has still been received or sent. If no case is
// performed, nothing is received or sent, no function is called, and the result is ctx.err() or
// channel_errc::closed.
//
// A case whose channel is closed (and empty, if it receives) is dropped, and select() waits for the
// others. When all cases are dropped, the result is channel_errc::closed. So a loop around a
// select() of two inputs ends when both have been closed, and does not spin while only one of them
// is. To learn that one channel is closed while others are open, give its case a third argument: a
// function that is then called as that case's result, on every select() that includes the case.
//
//   while (!over && !select(ctx, on_receive(jobs, begin, [&] { over = true; }),
//                           on_receive(others, begin))) {
//   }
//
// Fairness: the search for a case that can be performed starts at a random one. So of n cases, each
// one that can be performed is chosen with a probability of at least 1/n, however busy the others
// are.
//
// The same channel may be in several cases, to receive and to send. Any number of threads and tasks
// may select from the same channels, listed in any order. If no case is ready, a select() costs two
// locks per case and one registration with the context; it allocates nothing. For a time limit, use
// a context with a deadline.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "hangup/context/channel.h"

#pragma GCC visibility push(default)

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
  static constexpr bool survives =
      function_survives_co_await<Then> && function_survives_co_await<IfClosed>;
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
  static constexpr bool survives = function_survives_co_await<Then> &&
                                   function_survives_co_await<IfClosed> &&
                                   (std::is_const_v<Value> || survives_co_await<T>);
  send_case(channel<T>& to, Value& value, Then then, IfClosed if_closed)
      : put<T, Value>(to, value, hears_close<IfClosed>),
        then_(std::move(then)),
        if_closed_(std::move(if_closed)) {}
  void run(bool closed) { closed ? if_closed_() : then_(); }

 private:
  Then then_;
  IfClosed if_closed_;
};

template <class... Cases>
class selecting : public waiting<selecting<Cases...>> {
 public:
  static constexpr bool survives = (Cases::survives && ...);
  explicit selecting(const context& ctx, Cases&&... cases)
      : waiting<selecting>(ctx), cases_(std::move(cases)...) {
    std::apply([this](Cases&... each) { all_ = {&each...}; }, cases_);
  }
  std::span<operation* const> all() noexcept { return all_; }
  std::error_code finish(std::error_code result, std::size_t which) {
    if (which == ring::none) {
      return result;
    }
    const auto run_it = [&](Cases&... cases) {
      std::size_t i = 0;
      ((i++ == which ? cases.run(static_cast<bool>(result)) : void()), ...);
    };
    std::apply(run_it, cases_);
    return {};
  }

 private:
  std::tuple<Cases...> cases_;
  std::array<operation*, sizeof...(Cases)> all_;
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
[[nodiscard]] auto select(const context& ctx, Cases&&... cases) {
  static_assert(sizeof...(Cases) > 0, "to wait for the context alone there is wait_done()");
  static_assert((!std::is_lvalue_reference_v<Cases> && ...), "make the cases in the call");
  return tree::wait_object<channels::selecting<Cases...>>(std::in_place, ctx, std::move(cases)...);
}

}  // namespace hangup

#pragma GCC visibility pop
