// Answers that are streamed: a handler says how its body is produced, piece by piece, and the
// pieces go out as they come, no faster than the client reads.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include "context/context.h"
#include "http/httplib.h"

namespace hangup::http {

class body_writer {
 public:
  explicit body_writer(httplib::DataSink& sink) noexcept : sink_(sink) {}

  // Sends a piece; waits while the client does not read (on the spot it does not wait: the piece is
  // kept). ctx.err() once the context has ended, std::errc::broken_pipe if the client is gone
  // otherwise: either way the producer stops and returns it.
  std::error_code write(const context& ctx, std::string_view piece);

 private:
  httplib::DataSink& sink_;
};

// Produces the whole body. An error breaks the answer off: the client sees that it is not complete.
using producer = std::function<std::error_code(const context& ctx, body_writer& out)>;

// Makes the answer a stream of this content type: chunked, or for HTTP/1.0 ended by the close.
// `produce` is called once, on the thread of the handler after it has returned, and not for HEAD.
//
// Closing a tab has to stop what is shown in it. A browser saves NDJSON, CSV and the like as a
// download, which goes on when the tab is closed: where Accept prefers text/html to the type, as it
// does when somebody opens a page, the same bytes are sent as text/plain with
// X-Content-Type-Options: nosniff, and shown. Everybody else gets the type. Answers of such types
// say Vary: Accept. All say Cache-Control: no-store, unless that header has been set before.
void stream(const context& ctx, const httplib::Request& req, httplib::Response& res,
            const std::string& content_type, producer produce);

}  // namespace hangup::http
