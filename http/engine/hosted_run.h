// One request that another engine answers, on a worker: the stream between it and the connection.
// What it writes is sent as it is; the answer is only read along, to know its status and its end.
// Not for users.
#pragma once

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "hangup/context/after_func.h"
#include "hangup/http/detail/hosted_connections.h"
#include "http/engine/both_ends.h"
#include "http/net/descriptor.h"
#include "http/run/handler_run.h"
#include "http/wire/answer_scan.h"

namespace hangup::http {

// What is the same for all requests.
struct hosted_rules {
  detail::hosted_server& server;
  std::size_t keep_alive_max;
  std::uint64_t most_body;
  const route& to;  // of paths that have no other
};

class hosted_run final : public handler_run, private detail::hosted_exchange {
 public:
  hosted_run(connection& c, const options& how, watcher& hears, const std::atomic<bool>& draining,
             const hosted_rules& rules);

  // As those of handler_run.
  bool run();
  bool wrote() const noexcept { return wrote_ || handler_run::wrote(); }

 private:
  // hosted_exchange
  const context& ctx() const noexcept override { return x_.ctx(); }
  const request& checked() const noexcept override { return *c_.incoming; }
  detail::both_ends ends() const override { return detail::ends_of(c_.fd()); }
  bool is_last() const noexcept override { return !c_.session.keeps(); }
  bool has_plain_range() const noexcept override;
  long read(char* to, std::size_t size) override;
  long write(std::string_view bytes) override;
  std::string_view buffered() const noexcept override { return std::string_view(in_).substr(at_); }
  void consume(std::size_t size) noexcept override { at_ += std::min(size, in_.size() - at_); }
  bool is_writable() override { return flush() && is_alive(); }
  bool is_alive() const noexcept override { return !broken_ && !x_.ctx().done(); }
  int closed_descriptor() override;
  int descriptor() const noexcept override { return c_.fd(); }
  void refuse(int status, std::string_view detail) override;

  bool more();
  bool await_more();
  void frame(std::string& data);
  void begin_answer(std::string_view head);
  bool put(std::string_view bytes);
  bool flush();
  bool answer_instead();
  bool answer_what_was_thrown(const std::exception_ptr& thrown);

  struct signal {
    int fd;
    void operator()() const noexcept;
  };

  const hosted_rules& rules_;
  answer_scan scan_;
  std::string in_;  // what the engine reads next: the head, then the body
  std::size_t at_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool is_chunked_ = false;
  bool ended_ = false;        // the engine has got all of the body
  bool late_read_ = false;    // it wanted more of the body when it had answered
  std::string held_;          // the head of the answer, until its body comes
  bool is_replaced_ = false;  // the answer is not sent, as another one is
  bool broken_ = false;
  bool wrote_ = false;
  http::descriptor closed_;
  std::optional<after_func<signal>> on_end_;  // last: destroyed before what it uses
};

}  // namespace hangup::http
