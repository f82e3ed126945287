// For handlers of cpp-httplib, which keep their types and get a context in front:
//
//   void report(const hangup::context& ctx, const httplib::Request& req, httplib::Response& res) {
//     res.set_content(made_for(ctx, req.get_param_value("of")), "text/plain");
//   }
//
// It is the `answer` of a route like any other (handler.h). The request is filled from what was
// checked, and the answer is written by hangup. Both live until the content provider, if there is
// one, has returned.
//
// What differs from cpp-httplib's own server: Parameters are those of the query and of a form in
// the body (form.h). A body that is not the form that its Content-Type says is refused with 400,
// and one with too many fields with 413, before the handler is called. A range is sent only if the
// answer has "Accept-Ranges: bytes". Headers whose name is not a token are left out, and control
// characters in a value are sent as spaces. Headers that the connection sets itself are ignored,
// but for the Content-Length of an answer to HEAD. A status below 200 or above 599 is a 500.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/http/detail/httplib_call.h"
#include "hangup/http/handler.h"
#include "hangup/http/httplib.h"
#include "hangup/http/problem.h"
#include "hangup/http/reply.h"

namespace hangup::http {

// A native handler that calls this one: fills a httplib::Request from the request, and takes over
// the httplib::Response, with its content provider, into the reply. So both are read and written by
// the same code. Empty if `h` is.
inline native_handler from_httplib(httplib_handler h) {
  if (!h) {
    return {};
  }
  return [h = std::move(h)](const context& ctx, const request& req, reply& res) {
    const auto of = std::make_shared<detail::httplib_call>();
    detail::fill(of->req, req);
    detail::let_it_ask(of->req, ctx);
    of->res.version = "HTTP/1.1";
    h(ctx, of->req, of->res);
    detail::take_over(of->res, req, res);
    if (of->res.content_provider_) {
      detail::set_provider(of, res);
    }
  };
}

namespace detail {
template <>
struct httplib_adapter<httplib::Request> {
  static constexpr bool is_there = true;
  static native_handler native(httplib_handler h) { return from_httplib(std::move(h)); }
};
}  // namespace detail

// Makes the answer a stream of this content type: as reply::stream() does.
inline void stream(const context& ctx, const httplib::Request& req, httplib::Response& res,
                   const std::string& content_type, producer produce) {
  auto provider = [ctx, produce = std::move(produce)](std::size_t, httplib::DataSink& sink) {
    body_writer out(
        [&sink](std::string_view piece) { return sink.write(piece.data(), piece.size()); });
    if (produce(ctx, out)) {
      work_stopped(ctx);  // ignored if the producer has called it earlier
      return false;
    }
    sink.done();
    return true;
  };
  const auto type = detail::type_of_stream_for(content_type, detail::joined(req.headers, "Accept"));
  if (!res.has_header("Cache-Control")) {
    res.set_header("Cache-Control", "no-store");
  }
  if (type.varies) {
    res.set_header("Vary", "Accept");
  }
  if (type.as_text) {
    res.set_header("X-Content-Type-Options", "nosniff");
  }
  res.set_chunked_content_provider(type.name, std::move(provider));
}

// Turns the answer into this problem: as reply::problem() does.
inline void set_problem(httplib::Response& res, int status, std::string_view detail,
                        std::string_view request_id) {
  res.status = status;
  res.set_content(problem_body(status, detail, request_id), problem_type);
}

}  // namespace hangup::http
