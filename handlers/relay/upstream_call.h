// One call to an upstream, made by the thread that works for the request, with libcurl and a new
// connection. Whatever it waits for (a look-up, a connection, a TLS handshake, an answer, or its
// own client), it stops as soon as the context ends and closes the connection, so that the upstream
// notices. No redirects, no proxies, no cookies. For one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "handlers/relay/upstream.h"
#include "handlers/relay/upstream_head.h"
#include "hangup/context/context.h"

namespace hangup::handlers {

class upstream_call {
 public:
  using headers = upstream_head::headers;
  using taker = std::function<std::error_code(std::string_view piece)>;

  // GET or HEAD of a target ("/spin?ms=5") with these headers. Throws http::problem_error (400) if
  // a header contains a control character or its name is not a token.
  upstream_call(const upstream& to, bool is_head, const std::string& target, const headers& with);
  ~upstream_call();  // breaks off a call that has not ended
  upstream_call(const upstream_call&) = delete;
  upstream_call& operator=(const upstream_call&) = delete;

  // Sends the request and waits for the head of the answer. Returns ctx.err() if the context ends
  // first. Throws http::problem_error (502 or 504), which names the upstream and says what went
  // wrong. To be called once.
  std::error_code ask(const context& ctx);

  // The head of the answer, after ask(); it may be passed on.
  const upstream_head& head() const noexcept { return head_; }
  bool over() const noexcept { return over_; }  // there is no (more) body

  // Passes on the body as it arrives. While `take` waits, nothing is read from the upstream, so
  // that it waits too. If `take` returns an error, the call is broken off and the error returned.
  // Otherwise returns and throws as ask() does. To be called once.
  std::error_code body(const context& ctx, const taker& take);

 private:
  struct handles;

  std::error_code locate(const context& ctx);
  enum class seen { head, end, silence };
  std::error_code run(const context& ctx, bool until_head);
  seen transfer(const context& ctx, bool until_head, int& code);
  void check_head();
  std::error_code stopped(const context& ctx);
  void settle(upstream_end how) noexcept;
  [[noreturn]] void fail(int status, upstream_end how, const std::string& what);
  [[noreturn]] void fail_by(int code);
  bool head_line(std::string_view line);
  std::size_t body_piece(std::string_view piece);

  const upstream& to_;
  std::unique_ptr<handles> curl_;  // null when the call has ended
  const context::clock::time_point began_ = context::clock::now();
  context::clock::time_point heard_ = context::clock::time_point::max();  // max: not asked yet
  asked_for asked_;
  upstream_head head_;
  std::size_t head_bytes_ = 0;
  bool head_too_large_ = false;
  bool shaking_ = false;
  bool over_ = false;
  bool settled_ = false;
  const taker* take_ = nullptr;
  std::error_code taken_;
};

}  // namespace hangup::handlers
