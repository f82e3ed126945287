#include "handlers/relay/relay.h"

#include <algorithm>

#include "handlers/parameters.h"
#include "handlers/relay/upstream_call.h"
#include "handlers/relay/via.h"
#include "hangup/http/problem.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "http/wire/header_list.h"
#include "http/wire/random_hex.h"

namespace hangup::handlers {
namespace {

using std::chrono::milliseconds;

// Time for the way back: the upstream's 504 says more than this server's, so it should arrive
// before this server's own deadline.
constexpr milliseconds margin{20};
constexpr std::size_t longest_name = 32;

void append_encoded(std::string_view text, std::string& out) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back("0123456789ABCDEF"[byte >> 4U]);
      out.push_back("0123456789ABCDEF"[byte & 0xfU]);
    }
  }
}

class target {
 public:
  explicit target(std::string path) : text_(std::move(path)) {}
  void add(std::string_view name, std::string_view value) {
    text_.push_back(text_.find('?') == std::string::npos ? '?' : '&');
    append_encoded(name, text_);
    text_.push_back('=');
    append_encoded(value, text_);
  }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

// Which target to request from which upstream.
struct order {
  const upstream* to = nullptr;
  std::string target;
};

order order_of(const http::request& req, const relay_options& options) {
  parameters p(req);
  const auto hops = p.number("hops", 1, 1, options.max_hops);
  const auto by = p.text_or("upstream", "next", longest_name);
  const auto what = p.text_or("target", "sim", longest_name);
  if (!p.problem().empty()) {
    throw http::problem_error(400, p.problem());
  }
  const auto known = options.upstreams.find(by);
  if (known == options.upstreams.end()) {
    throw http::problem_error(404, "there is no upstream \"" + by + "\" here");
  }
  const auto path = options.targets.find(what);
  if (path == options.targets.end()) {
    throw http::problem_error(404, "there is no target \"" + what + "\" here");
  }
  target t(hops == 1 ? path->second : "/relay");
  if (hops > 1) {
    t.add("hops", std::to_string(hops - 1));
    t.add("upstream", by);
    t.add("target", what);
  }
  for (const auto& [name, value] : req.parameters()) {
    if (name != "hops" && name != "upstream" && name != "target") {
      t.add(name, value);
    }
  }
  return {known->second.get(), t.text()};
}

// The lines with this name as one list; empty if the client's Connection header lists the name.
std::string header_list(const http::request& req, const char* name) {
  return lists(req.header_list("Connection"), name) ? std::string() : req.header_list(name);
}

// The Via of the request to the upstream: the received one, and this server.
std::string via_of(const http::request& req, const std::string& self, unsigned max_hops) {
  auto via = req.header_list("Via");
  const auto been = received_by(via);
  if (std::find(been.begin(), been.end(), self) != been.end()) {
    throw http::problem_error(508, "this request has already passed through this server");
  }
  if (been.size() >= max_hops) {
    throw http::problem_error(508, "this request has passed through " +
                                       std::to_string(been.size()) + " servers, allowed " +
                                       std::to_string(max_hops));
  }
  via.append(via.empty() ? "" : ", ").append(req.is_http_1_0() ? "1.0 " : "1.1 ");
  return via + self;
}

// The headers that make the answer depend on what the client already has (RFC 9110 13 and 14). The
// upstream evaluates them, and its 206, 304, 412 or 416 is passed on. A header that may occur only
// once but occurs twice is left out, and so is a Range of several ranges, which would multiply the
// answer.
void add_conditions(const http::request& req, upstream_call::headers& h) {
  for (const auto* name : {"If-Match", "If-None-Match"}) {
    if (auto list = header_list(req, name); !list.empty()) {
      h.emplace_back(name, std::move(list));
    }
  }
  const auto one = [&req](const char* name) {
    return req.count_header(name) == 1 ? header_list(req, name) : std::string();
  };
  const auto add = [&](const char* name) {
    if (auto value = one(name); !value.empty()) {
      h.emplace_back(name, std::move(value));
    }
  };
  add("If-Modified-Since");
  add("If-Unmodified-Since");
  const auto range = one("Range");
  if (req.method() == "GET" && range.starts_with("bytes=") &&
      range.find(',') == std::string::npos) {
    add("Range");
    add("If-Range");
  }
}

upstream_call::headers headers_for(const context& ctx, const http::request& req,
                                   const upstream& to) {
  const auto accept = header_list(req, "Accept");
  upstream_call::headers h = {{"Accept", accept.empty() ? "*/*" : accept},
                              {"X-Request-Id", http::request_id(ctx)}};
  if (const auto* const t = http::trace_of(ctx)) {
    h.emplace_back("traceparent", t->header());
    if (!t->state().empty()) {
      h.emplace_back("tracestate", t->state());
    }
  }
  if (const auto deadline = ctx.deadline()) {
    constexpr milliseconds day{86'400'000};  // the upstream does not accept more
    const auto left = std::min(
        day, std::chrono::duration_cast<milliseconds>(*deadline - context::clock::now()) - margin);
    if (left.count() <= 0) {
      throw http::problem_error(504,
                                "there is no time left to ask the upstream \"" + to.name() + "\"");
    }
    h.emplace_back("X-Request-Timeout-Ms", std::to_string(left.count()));
  }
  return h;
}

// Also for an empty body: the status is the upstream's, and so is the head of an answer to HEAD.
void set_head(http::reply& res, const upstream_head& head) {
  res.status(head.status());
  for (const auto& [name, value] : head.handed_on()) {
    res.set(name, value);
  }
  if (head.has_content()) {
    const auto type = head.content_type();
    res.stream(type.empty() ? "application/octet-stream" : type);
  }
}

}  // namespace

http::handler relay(std::shared_ptr<const relay_options> options) {
  const std::string self = "hangup-" + http::random_hex(12);  // unique among servers
  return [options = std::move(options), self](const context& ctx, http::request& req,
                                              http::reply& res) -> task<> {
    const auto what = order_of(req, *options);
    auto headers = headers_for(ctx, req, *what.to);
    add_conditions(req, headers);
    headers.emplace_back("Via", via_of(req, self, options->max_hops));
    upstream_call call(*what.to, req.method() == "HEAD", what.target, headers);
    if (co_await call.ask(ctx)) {
      http::work_stopped(ctx);
      if (ctx.cause()->kind == cause_kind::deadline) {
        throw http::problem_error(504, "the upstream \"" + what.to->name() +
                                           "\" had not answered when the deadline passed");
      }
      co_return;
    }
    set_head(res, call.head());
    std::string_view piece;
    std::error_code ec = co_await call.read(ctx, piece);
    while (!ec && !piece.empty()) {
      ec = co_await res.write(ctx, piece);
      if (!ec) {
        ec = co_await call.read(ctx, piece);
      }
    }
    if (ec) {
      http::work_stopped(ctx);
    }
  };
}

}  // namespace hangup::handlers
