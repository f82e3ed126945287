// What answers the requests of a route: a function of one of two kinds.
//
//   (const context&, const http::request&, http::reply&)             native: request.h, reply.h
//   (const context&, const httplib::Request&, httplib::Response&)    see httplib_handler.h
//
// Several threads call it at once, one for each request, so it must be thread-safe; and it must be
// copyable, as for std::function.
//
// Both check the context, or pass it to the functions that wait, and return when it has ended. They
// need not make an answer then; if they do, it is sent where that is still possible. They may throw
// problem_error (problem.h) and canceled_error; any other exception gives a 500. So does a
// canceled_error if the context of the request has not ended: it is that of another context.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace httplib {
struct Request;
struct Response;
}  // namespace httplib

namespace hangup::http {

using native_handler = std::function<void(const context& ctx, const request& req, reply& res)>;
using httplib_handler =
    std::function<void(const context& ctx, const httplib::Request& req, httplib::Response& res)>;

// A native handler that calls this one: fills a httplib::Request from the request, and takes over
// the httplib::Response, with its content provider, into the reply. So both are read and written by
// the same code. httplib_handler.h says what differs from cpp-httplib's own server.
native_handler from_httplib(httplib_handler h);

// What can be called as a handler of either kind.
template <class F>
concept native_callable = std::is_invocable_v<F&, const context&, const request&, reply&>;
template <class F>
concept httplib_callable =
    std::is_invocable_v<F&, const context&, const httplib::Request&, httplib::Response&>;

// What is meant as a handler, though it may take other parameters: nothing else converts to one.
template <class F>
concept function_like = native_callable<F> || httplib_callable<F> ||
    std::is_function_v<std::remove_pointer_t<F>> || requires {
  &F::operator();
};

// Either kind. Empty if it is made without one.
class handler {
 public:
  handler() = default;

  template <class F>
  requires(!std::same_as<F, handler> && function_like<F>)
      handler(F f) {  // NOLINT(google-explicit-constructor)
    static_assert(native_callable<F> || httplib_callable<F>,
                  "a handler takes (const hangup::context&, const hangup::http::request&, "
                  "hangup::http::reply&) or (const hangup::context&, const httplib::Request&, "
                  "httplib::Response&), and is copyable");
    if constexpr (native_callable<F>) {
      answer_ = std::move(f);
    } else if constexpr (httplib_callable<F>) {
      answer_ = from_httplib(std::move(f));
    }
  }

  void operator()(const context& ctx, const request& req, reply& res) const {
    answer_(ctx, req, res);
  }
  explicit operator bool() const noexcept { return static_cast<bool>(answer_); }

 private:
  native_handler answer_;
};

}  // namespace hangup::http
