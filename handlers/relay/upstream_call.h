// One call to an upstream, made by a task, with libcurl and a new connection. Whatever it waits for
// (a look-up, a connection, a TLS handshake, an answer, or its own client), it holds no thread,
// stops as soon as the context ends and closes the connection, so that the upstream notices. No
// redirects, no proxies, no cookies. For one task.
//
// libcurl says which sockets it waits for (CURLMOPT_SOCKETFUNCTION) and until when. The sockets are
// kept in an epoll set of the call's own, which is the one descriptor that the task waits for.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "context/turn.h"
#include "handlers/relay/upstream.h"
#include "handlers/relay/upstream_head.h"
#include "hangup/context/context.h"
#include "hangup/context/task.h"

namespace hangup::handlers {

class upstream_call {
 public:
  using headers = upstream_head::headers;

  // GET or HEAD of a target ("/spin?ms=5") with these headers. Throws http::problem_error (400) if
  // a header contains a control character or its name is not a token, (503) if there is no
  // descriptor left.
  upstream_call(const upstream& to, bool is_head, const std::string& target, const headers& with);
  ~upstream_call();  // breaks off a call that has not ended
  upstream_call(const upstream_call&) = delete;
  upstream_call& operator=(const upstream_call&) = delete;

  // Sends the request and waits for the head of the answer. Returns ctx.err() if the context ends
  // first. Throws http::problem_error (502 or 504), which names the upstream and says what went
  // wrong. To be called once.
  task<std::error_code> ask(const context& ctx);

  // The head of the answer, after ask(); it may be passed on.
  const upstream_head& head() const noexcept { return head_; }
  bool over() const noexcept { return over_; }  // there is no (more) body

  // Waits for the next piece of the body: valid until the next call. After the last one it is
  // empty. Nothing is read from the upstream between two calls, so that it waits while its reader
  // does. Returns and throws as ask() does.
  task<std::error_code> read(const context& ctx, std::string_view& piece);

 private:
  class transfer;

  task<std::error_code> locate(const context& ctx);
  enum class until { head, piece, end };
  enum class seen { what_was_waited_for, end, silence };
  task<std::error_code> run(const context& ctx, until what);
  task<seen> wait_for(const context& ctx, until what);
  bool is_there(until what) const noexcept;
  void check_head();
  std::error_code stopped(const context& ctx);
  void settle(upstream_end how) noexcept;
  [[noreturn]] void fail(int status, upstream_end how, const std::string& what);
  [[noreturn]] void fail_by(int code);
  bool head_line(std::string_view line);
  std::size_t body_piece(std::string_view piece);

  const upstream& to_;
  std::unique_ptr<transfer> curl_;  // null when the call has ended
  const context::clock::time_point began_ = context::clock::now();
  context::clock::time_point heard_ = context::clock::time_point::max();  // max: not asked yet
  asked_for asked_;
  upstream_head head_;
  std::size_t head_bytes_ = 0;
  bool head_too_large_ = false;
  bool shaking_ = false;
  bool over_ = false;
  bool settled_ = false;
  bool wanted_ = false;  // the body: read() has been called
  bool paused_ = false;  // libcurl has more of it, for which there is no room
  std::string piece_;    // what has been read of it
  tree::turn turn_;
};

}  // namespace hangup::handlers
