// The context of a request that a `watched` or `hosted` cpp-httplib server (watched.h, hosted.h) is
// serving:
//
//   server.Get("/report", [](const httplib::Request& req, httplib::Response& res) {
//     const hangup::context& ctx = hangup::http::context_of(req);
//     if (std::error_code ec = hangup::sleep_for(ctx, 10s)) {  // stands for the work
//       return;                                                // the client has left
//     }
//     res.set_content("done\n", "text/plain");
//   });
//
// It ends when the client leaves, with a cause that says how (causes.h), and when the server stops,
// with cause_kind::shutdown. When the answer has been sent, or given up, it ends with
// cause_kind::handler_returned.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/http/httplib.h"

namespace hangup::http {
namespace detail {

// How far the answer to one request has come. Atomic because the frames of a WebSocket are written
// by two threads.
struct answer_progress {
  context client = background();  // ends when the client leaves; other ends do not matter here
  std::shared_ptr<const void> keeps{};  // what copies of the request need
  std::atomic<bool> begun{false};       // the status line has been written, and not that of a 1xx
  std::atomic<bool> lost{false};        // some of it was not written, as the client had left
  bool stands_for_none = false;  // an empty 200 after the end of the context is not sent: `hosted`
};

// What a request carries. It is kept as the `response_handler` of the request, which only clients
// of cpp-httplib use, because copies of the request keep that too.
struct kept_context {
  context ctx;
  std::shared_ptr<const answer_progress> answer;

  bool operator()(const httplib::Response&) const { return true; }
};

inline const kept_context* kept_by(const httplib::Request& req) noexcept {
  return req.response_handler.template target<kept_context>();
}

}  // namespace detail

// The context of this request. The reference is valid as long as the request, or the copy of a
// request, that was passed; copy the context to keep it longer.
//
// It works wherever cpp-httplib hands out the request that it is serving: in handlers, in those for
// pre-routing, pre-request, post-routing, errors, exceptions and 100-continue, in loggers, and for
// content readers and providers through the request that their handler got. It works for copies
// too, on any thread. A handler that hangup's own server calls (httplib_handler.h) finds the
// context that it got as its first parameter.
//
// The context is background(), which never ends, for every other request: of a plain
// httplib::Server, of a client, made by hand, or refused before it was complete (error handlers and
// loggers are called with requests whose head was malformed).
//
// Thread-safe, as reading a `const httplib::Request` is. Costs about two comparisons; allocates
// nothing.
[[nodiscard]] inline const context& context_of(const httplib::Request& req) noexcept {
  static const context none = background();
  const auto* const kept = detail::kept_by(req);
  return kept == nullptr ? none : kept->ctx;
}

}  // namespace hangup::http
