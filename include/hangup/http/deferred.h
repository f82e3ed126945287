// An answer that is sent later, by any thread, after the handler has returned: for work that is
// done elsewhere and tells when it is over. Meanwhile the request holds no thread.
//
//   void rows(const hangup::context&, const http::request& req, http::reply& res) {
//     start_query(std::string(req.parameter("of").value_or("all")),
//                 [later = res.defer()](const std::string& rows) {
//                   static_cast<void>(later.send([&rows](http::reply& r) {
//                     r.body("text/csv", rows);
//                   }));
//                 });
//   }
//
// The work has the request's context, ctx(), and stops when it ends. If the context ends before
// there is an answer, the request is over at once, and is answered as one whose handler has
// stopped: 504, 503, or nothing if the client has left. What is sent after that is dropped. If all
// copies of this object are destroyed without an answer, that is a 500.
//
// The http::request is gone when the request is over, which may be at any time. So copy what the
// work needs of it before the handler returns, as above.
//
// Such an answer is not compressed, and its body has at most options::spot_output bytes (16 MiB),
// as no thread waits for the client; a larger one, or a stream, is a 500.
//
// Thread-safe. It may be kept for as long as one likes, also beyond the server: it holds the
// context, and no connection.
#pragma once

#include <functional>
#include <memory>
#include <system_error>

#include "hangup/context/context.h"

#pragma GCC visibility push(default)

namespace hangup::http {

class deferral;
class reply;

class deferred {
 public:
  const context& ctx() const noexcept;

  // Answers the request. `make` is called once, by this thread, and makes the reply as a handler
  // does, but sets a body and not a stream. What it throws becomes an answer as if the handler had
  // thrown it. If the request has ended, also because its answer has been sent, it returns
  // ctx().err(); if another call has made the answer and it has not been sent yet,
  // std::errc::already_connected. `make` is not called then. Does not wait for the client.
  std::error_code send(const std::function<void(reply& res)>& make) const;

 private:
  friend class reply;
  struct handle;
  explicit deferred(std::shared_ptr<const handle> of) noexcept : of_(std::move(of)) {}

  std::shared_ptr<const handle> of_;
};

}  // namespace hangup::http

#pragma GCC visibility pop
