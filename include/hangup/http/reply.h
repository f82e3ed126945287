// Streamed answers: a handler sets a function that produces the body piece by piece. Each piece is
// sent when it is made, and no faster than the client reads.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include "hangup/context/context.h"
#include "hangup/http/httplib.h"

namespace hangup::http {

class body_writer {
 public:
  explicit body_writer(httplib::DataSink& sink) noexcept : sink_(sink) {}

  // Sends a piece. Waits while the client does not read; in a route without a pool it does not
  // wait, and the piece is kept, up to options::spot_output. Returns ctx.err() once the context has
  // ended, or std::errc::broken_pipe if the client has left. In both cases the producer must stop
  // and return that error.
  std::error_code write(const context& ctx, std::string_view piece);

 private:
  httplib::DataSink& sink_;
};

// Produces the whole body. If it returns an error, the answer is cut off, and the client sees that
// it is incomplete.
using producer = std::function<std::error_code(const context& ctx, body_writer& out)>;

// Makes the answer a stream of this content type. It is chunked; for HTTP/1.0 the close of the
// connection ends it. `produce` is called once, on the handler's thread after the handler has
// returned, but not for HEAD.
//
// Closing a browser tab should stop the work. But a browser saves NDJSON, CSV and similar types as
// a download, which continues after the tab is closed. So if Accept prefers text/html to the
// content type, as it does when a person opens a page, the same bytes are sent as text/plain with
// X-Content-Type-Options: nosniff, and the browser shows them. Other clients get the type itself.
// Answers of such types have Vary: Accept. All streams have Cache-Control: no-store, unless that
// header has already been set.
void stream(const context& ctx, const httplib::Request& req, httplib::Response& res,
            const std::string& content_type, producer produce);

}  // namespace hangup::http
