// One call to one upstream, made by the thread that works for the request (libcurl underneath, a
// connection of its own for each call). Whatever it waits for, a name, a connection, a TLS
// handshake, an answer, or our own client, it stops at once when the context ends, and the
// connection is closed: which is how the upstream hears of it. No redirects, no proxies, no
// cookies. For one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "context/context.h"
#include "handlers/upstream.h"
#include "handlers/upstream_head.h"

namespace hangup::handlers {

class upstream_call {
 public:
  using headers = upstream_head::headers;
  using taker = std::function<std::error_code(std::string_view piece)>;

  // GET, or HEAD, of a target ("/spin?ms=5") with these headers. Throws http::problem_error, 400,
  // if one of them has a control character in it, or a name that is not a token.
  upstream_call(const upstream& to, bool is_head, const std::string& target, const headers& with);
  ~upstream_call();  // breaks off a call that is not over
  upstream_call(const upstream_call&) = delete;
  upstream_call& operator=(const upstream_call&) = delete;

  // Asks, and waits for the head of the answer. ctx.err() if the context ends first. Throws
  // http::problem_error, 502 or 504, that names the upstream and says what it did. Once.
  std::error_code ask(const context& ctx);

  // The head of the answer, after ask(): one that can be handed on.
  const upstream_head& head() const noexcept { return head_; }
  bool over() const noexcept { return over_; }  // there is no (more) body

  // Hands on the body as it comes; while `take` waits, the upstream is not read, and waits too. An
  // error of `take` breaks the call off and is returned. Ends and throws as ask() does. Once.
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
  std::unique_ptr<handles> curl_;  // gone when it is over
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
