// The answer that a handler makes. It is whole, or it is streamed:
//
//   void report(const hangup::context&, const http::request& req, http::reply& res) {
//     if (!req.has_parameter("of")) {
//       res.problem(400, "parameter \"of\" is missing");
//     } else if (req.parameter("as") == "text") {
//       res.body("text/plain", "all is well\n");
//     } else {
//       res.stream("application/x-ndjson", [](const hangup::context& c, http::body_writer& out) {
//         return out.write(c, "{\"row\":1}\n");
//       });
//     }
//   }
//
// What belongs to the connection (framing, Content-Length, Date, X-Request-Id, Connection) is added
// when it is sent. No byte that a head must not have can be sent: set() and add() refuse it.
//
// Until the handler returns, it belongs to the handler; one thread at a time may use it. An answer
// that another thread makes later: deferred.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "hangup/context/context.h"
#include "hangup/http/deferred.h"
#include "hangup/http/piece_wait.h"
#include "hangup/http/request.h"

#pragma GCC visibility push(default)

namespace hangup::http {

class piece_sink;

// Takes the pieces of a streamed body. Each piece is sent when it is made, and no faster than the
// client reads.
class body_writer {
 public:
  // Where the pieces go; it returns false if nothing more can be sent.
  using sink = std::function<bool(std::string_view piece)>;
  explicit body_writer(sink to) noexcept : to_(std::move(to)) {}

  // Sends a piece. Waits while the client does not read; in a route without a pool it does not
  // wait, and the piece is kept, up to options::spot_output. Returns ctx.err() once the context has
  // ended, or std::errc::broken_pipe if nothing more can be sent: the client has left, or the piece
  // goes beyond the length of the body or beyond spot_output. In all cases the producer must stop
  // and return that error.
  std::error_code write(const context& ctx, std::string_view piece);

 private:
  sink to_;
};

// Produces the whole body. If it returns an error, the answer is cut off, and the client sees that
// it is incomplete.
using producer = std::function<std::error_code(const context& ctx, body_writer& out)>;
// Produces `length` bytes of a body, from its byte number `first` on.
using part_producer = std::function<std::error_code(const context& ctx, body_writer& out,
                                                    std::uint64_t first, std::uint64_t length)>;

class reply {
 public:
  // An answer to this request, which must outlive it; the context is kept. The server makes it; so
  // do tests of handlers.
  reply(const context& ctx, const request& req) noexcept;
  ~reply();
  reply(const reply&) = delete;
  reply& operator=(const reply&) = delete;

  // 200 unless something else is set. Throws std::invalid_argument unless it is 200..599. An answer
  // from 400 on without a body gets a problem as its body; 204, 205 and 304 have no body.
  void status(int code);
  int status() const noexcept { return status_ != 0 ? status_ : 200; }

  // Sets a header in place of all with this name, or adds one more line. Throws
  // std::invalid_argument if the name is not a token or the value has a control character other
  // than a tab (RFC 9110 5.5), and for the headers that the connection sets itself: Connection,
  // Keep-Alive, Content-Length, Transfer-Encoding, Trailer, X-Request-Id.
  void set(std::string_view name, std::string_view value);
  void add(std::string_view name, std::string_view value);
  void remove(std::string_view name) noexcept;
  bool has(std::string_view name) const noexcept { return header(name).has_value(); }
  // The value of the first line with this name, in any letter case. Valid until a header is
  // changed.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;

  // The whole body. It replaces what was there before, as the two below do.
  void body(std::string_view content_type, std::string text);

  // A stream. It is chunked; for HTTP/1.0 the close of the connection ends it. `produce` is called
  // once, on the handler's thread after the handler has returned, but not for HEAD. Objects that it
  // owns are destroyed before the request ends.
  //
  // Closing a browser tab should stop the work. But a browser saves NDJSON, CSV and similar types
  // as a download, which continues after the tab is closed. So if Accept prefers text/html to the
  // content type, as it does when a person opens a page, the same bytes are sent as text/plain with
  // X-Content-Type-Options: nosniff, and the browser shows them. Other clients get the type itself.
  // Answers of such types have Vary: Accept. All streams have Cache-Control: no-store, unless that
  // header has already been set.
  void stream(std::string_view content_type, producer produce);
  // The same for a body of known length, which is not chunked. It must have exactly that length: a
  // piece that goes beyond it is not sent, and the answer is cut off, as it is if bytes are
  // missing.
  void stream(std::string_view content_type, std::uint64_t length, part_producer produce);

  // The same for a handler that is a task: it writes the pieces itself, by write(). Its headers are
  // sent with the first piece, and cannot be changed after that.
  //
  //   res.stream("text/csv");
  //   for (const auto& row : rows) {
  //     if (const std::error_code ec = co_await res.write(ctx, row)) {
  //       co_return;  // the client has left, or the time is over
  //     }
  //   }
  void stream(std::string_view content_type);
  void stream(std::string_view content_type, std::uint64_t length);
  // Sends a piece, and waits, without a thread, while the client does not read: so the handler
  // produces no faster than that. An empty piece sends the headers, if they have not been sent.
  // Returns what body_writer::write() does. After an error the handler returns; the answer is then
  // cut off, as it is if the handler throws, or returns after the end of its context. To HEAD only
  // the headers are sent: it returns std::errc::broken_pipe, and the answer is complete.
  //
  // Throws std::logic_error if it is not such a stream. In a test, or in a handler that is no task,
  // the pieces are the body().
  write_wait write(const context& ctx, std::string_view piece) noexcept {
    return {*this, ctx, piece};
  }

  // Lets the client ask for one range of a 200 whose length is known (RFC 9110 14), and says so by
  // Accept-Ranges. Without this, a Range header is ignored. Such an answer is not compressed.
  void offer_ranges();

  // An error as application/problem+json (problem.h), in place of any body. Headers stay.
  void problem(int code, std::string_view detail);

  // The answer is sent later, maybe by another thread: see deferred.h. From then on, what the
  // handler does with this reply, or throws, has no effect on the answer. (What it throws is told
  // to observers.) Throws std::logic_error if it is called twice.
  deferred defer();

  // Nothing has been set.
  void clear() noexcept;

  // --- what a handler has made, for tests of handlers ---
  std::string_view body() const noexcept { return body_; }
  bool is_streamed() const noexcept { return produce_.index() != 0; }
  // Produces what is streamed, once, as the server does.
  std::error_code produce(const context& ctx, body_writer& out);
  // The answer to which this reply was deferred, once it has been sent; null before. Rethrows what
  // making it has thrown.
  const reply* sent_later();

 private:
  friend struct reply_access;  // for the server: see http/run/reply_access.h
  struct in_pieces {};

  void set_stream_headers(std::string_view content_type);

  const context ctx_;
  const request& req_;
  int status_ = 0;     // 0: not set
  std::string lines_;  // the headers, as they are sent
  std::string body_;
  std::variant<std::monostate, producer, part_producer, in_pieces> produce_;
  std::optional<std::uint64_t> length_{};    // of what is streamed; empty: not known
  std::optional<std::uint64_t> for_head_{};  // see reply_access
  bool in_ranges_ = false;
  bool defers_ = false;
  std::shared_ptr<deferral> later_;
  piece_sink* sink_ = nullptr;  // set: a task answers
};

}  // namespace hangup::http

#pragma GCC visibility pop
