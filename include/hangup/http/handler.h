// What answers the requests of a route: a function of one of three kinds.
//
//   (const context&, const http::request&, http::reply&)             native: request.h, reply.h
//   (const context&, const httplib::Request&, httplib::Response&)    see httplib_handler.h
//   (context, http::request&, http::reply&), which returns task<>    a task: hangup/context/task.h
//
// Several threads call it at once, one for each request, so it must be thread-safe; and it must be
// copyable, as for std::function.
//
// All check the context, or pass it to the functions that wait, and return when it has ended. They
// need not make an answer then: the client is told 504 for a deadline, and 503 if the server stops
// or an operator has ended the request. If they do make one, it is sent instead, where that is
// still possible: as whole as after no end, whatever has ended the context. They may throw
// problem_error (problem.h) and canceled_error; any other exception gives a 500. So does a
// canceled_error if the context of the request has not ended: it is that of another context.
//
// A task runs on the loop of its route (route::on_loop), and holds no thread while it waits. Its
// request is over when the coroutine has returned. Until then the request, the reply and the
// context exist: the parameters may be references to them. (`context ctx` by value is needed where
// a coroutine is called with a context that is a temporary.) The handler itself, with what a lambda
// has captured, lives as long as the server. The task waits for whatever it starts with the
// context, the request or the reply, before it returns. Between two waits it must not block, nor
// compute for long: all tasks of its thread wait meanwhile.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/task.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace httplib {
struct Request;
struct Response;
}  // namespace httplib

#pragma GCC visibility push(default)

namespace hangup::http {

using native_handler = std::function<void(const context& ctx, const request& req, reply& res)>;
using httplib_handler =
    std::function<void(const context& ctx, const httplib::Request& req, httplib::Response& res)>;
using task_handler = std::function<task<>(const context& ctx, request& req, reply& res)>;

namespace detail {
// How a handler of cpp-httplib becomes a native one. httplib_handler.h has what does it.
template <class Request>
struct httplib_adapter {
  static constexpr bool is_there = false;
};
}  // namespace detail

// What can be called as a handler of each kind.
template <class F>
concept task_callable = requires(F& f, const context& ctx, request& req, reply& res) {
  { f(ctx, req, res) } -> std::same_as<task<>>;
};
template <class F>
concept native_callable =
    std::is_invocable_v<F&, const context&, const request&, reply&> && !requires {
  typename tree::task_of<std::invoke_result_t<F&, const context&, const request&,
                                              reply&>>::value_type;  // nobody would await it
};
template <class F>
concept httplib_callable =
    std::is_invocable_v<F&, const context&, const httplib::Request&, httplib::Response&>;

// What is meant as a handler, though it may take other parameters: nothing else converts to one.
template <class F>
concept function_like = task_callable<F> || native_callable<F> || httplib_callable<F> ||
    std::is_function_v<std::remove_pointer_t<F>> || requires {
  &F::operator();
};

// Any of these kinds. Empty if it is made without one.
class handler {
 public:
  handler() = default;

  template <class F>
  requires(!std::same_as<F, handler> && function_like<F>)
      handler(F f) {  // NOLINT(google-explicit-constructor)
    static_assert(task_callable<F> || native_callable<F> || httplib_callable<F>,
                  "a handler takes (const hangup::context&, const hangup::http::request&, "
                  "hangup::http::reply&), or (const hangup::context&, const httplib::Request&, "
                  "httplib::Response&), or it takes (hangup::context, hangup::http::request&, "
                  "hangup::http::reply&) and returns hangup::task<>; and it is copyable");
    if constexpr (task_callable<F>) {
      task_ = std::move(f);
    } else if constexpr (native_callable<F>) {
      answer_ = std::move(f);
    } else if constexpr (httplib_callable<F>) {
      using adapter =
          detail::httplib_adapter<std::conditional_t<std::is_void_v<F>, void, httplib::Request>>;
      static_assert(adapter::is_there,
                    "for handlers of cpp-httplib, include <hangup/http/httplib_handler.h>");
      answer_ = adapter::native(std::move(f));
    }
  }

  explicit operator bool() const noexcept { return static_cast<bool>(answer_) || is_task(); }
  bool is_task() const noexcept { return static_cast<bool>(task_); }

  // Calls it, if it is no task.
  void operator()(const context& ctx, const request& req, reply& res) const {
    answer_(ctx, req, res);
  }
  // The task that answers this request, if it is one. All three must outlive that.
  task<> begin(const context& ctx, request& req, reply& res) const { return task_(ctx, req, res); }

 private:
  native_handler answer_;
  task_handler task_;
};

}  // namespace hangup::http

#pragma GCC visibility pop
