#include "server/pages.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "handlers/json_list.h"
#include "handlers/parameters.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;

ordered ns(const std::optional<http::clock::time_point>& at) {
  return at ? ordered(std::chrono::nanoseconds(at->time_since_epoch()).count()) : ordered(nullptr);
}

ordered in_flight(const http::request_view& v, http::clock::time_point now) {
  const bool queued = v.state == http::request_state::queued;
  const auto* const runs_on = v.to->runs_on;
  ordered j = {{"number", v.number},
               {"id", v.id},
               {"route", v.to->path},
               {"method", v.method},
               {"target", handlers::shortened(v.target, v.target_bytes)},
               {"state", v.context_ended && !queued ? "canceled, still running"
                                                    : std::string(name(v.state))},
               {"age_ms", http::ms(now - v.started)},
               {"client", v.client},
               {"pool", runs_on != nullptr ? ordered(runs_on->name()) : ordered(nullptr)}};
  if (v.context_ended) {
    j["cause"] = v.cause;
    j["canceled_ms"] = http::ms(now - *v.context_ended);
    j["late"] = v.late;
  }
  return j;
}

ordered ended_one(const ended_requests::entry& e) {
  return {{"number", e.request},
          {"id", e.id},
          {"route", e.route},
          {"method", e.method},
          {"target", handlers::shortened(e.target, e.target_bytes)},
          {"client", e.client},
          {"end", name(e.end)},
          {"cause", e.cause.empty() ? ordered(nullptr) : ordered(e.cause)},
          {"status", e.status},
          {"started_ns", ns(e.started)},
          {"context_ended_ns", ns(e.context_ended)},
          {"work_stopped_ns", ns(e.work_stopped)},
          {"ended_ns", ns(e.ended)}};
}

// The requested number of entries. If it is not allowed, returns nullopt and sets `res`.
std::optional<std::size_t> limit_of(const http::request& req, http::reply& res, std::size_t usual,
                                    std::size_t most) {
  handlers::parameters p(req);
  const auto limit = p.number("limit", std::min(usual, most), 1, most);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return std::nullopt;
  }
  return limit;
}

// When the last of the `limit` oldest requests began. Only the times are kept in memory.
http::clock::time_point begin_of_oldest(const http::server& server, std::size_t limit) {
  std::vector<http::clock::time_point> begins;
  if (server.in_flight_count() > limit) {
    server.each_in_flight([&](const http::request_view& v) {
      begins.push_back(v.started);
      return true;
    });
  }
  if (begins.size() <= limit) {
    return http::clock::time_point::max();
  }
  const auto last = begins.begin() + static_cast<std::ptrdiff_t>(limit) - 1;
  std::nth_element(begins.begin(), last, begins.end());
  return *last;
}

std::error_code write_in_flight(const context& ctx, const http::server& server, std::size_t limit,
                                http::body_writer& out) {
  handlers::json_list page(out, {{"total", server.in_flight_count()}}, "in_flight");
  const auto now = http::clock::now();
  const auto last = begin_of_oldest(server, limit);
  std::error_code ec;
  server.each_in_flight([&](const http::request_view& v) {
    if (v.started > last) {
      return true;
    }
    ec = page.add(ctx, in_flight(v, now));
    return !ec && --limit > 0;
  });
  return ec ? ec : page.finish(ctx);
}

std::error_code write_ended(const context& ctx, const ended_requests& ended, std::size_t limit,
                            http::body_writer& out) {
  handlers::json_list page(out, {{"lost", ended.lost()}}, "ended");
  const auto ec = handlers::add_newest_first(ctx, page, ended, limit, ended_one);
  return ec ? ec : page.finish(ctx);
}

task<> say_whether_ready(const context& ctx, const http::server& server,
                         const missing_things& missing, http::reply& res) {
  std::string why = server.draining() ? "the server is draining" : "";
  if (why.empty()) {
    const auto lines = co_await missing(ctx);
    for (const auto& line : lines) {
      why.append(why.empty() ? "" : "; ").append(line);
    }
  }
  if (why.empty()) {
    res.body("text/plain", "ready\n");
    co_return;
  }
  res.set("Retry-After", "1");
  res.problem(503, why);
}

}  // namespace

void add_pages(http::server& server, const ended_requests& ended, making pages) {
  using http::reply;
  using http::request;
  server.handle({.method = "GET",
                 .path = "/healthz",
                 .answer = [](const context&, const request&, reply& res) {
                   res.body("text/plain", "ok\n");
                 }});
  server.handle({.method = "GET",
                 .path = "/requests",
                 .runs_on = &pages.on,
                 .deadline = pages.deadline,
                 .as_written = true,
                 .answer = [&server](const context&, const request& req, reply& res) {
                   if (const auto limit = limit_of(req, res, 1000, 100'000)) {
                     res.stream("application/json",
                                [&server, limit](const context& c, http::body_writer& out) {
                                  return write_in_flight(c, server, *limit, out);
                                });
                   }
                 }});
  server.handle({.method = "GET",
                 .path = "/requests/ended",
                 .runs_on = &pages.on,
                 .deadline = pages.deadline,
                 .as_written = true,
                 .answer = [&ended](const context&, const request& req, reply& res) {
                   if (const auto limit = limit_of(req, res, 100, ended.size())) {
                     res.stream("application/json",
                                [&ended, limit](const context& c, http::body_writer& out) {
                                  return write_ended(c, ended, *limit, out);
                                });
                   }
                 }});
}

void add_readiness_page(http::server& server, loop& runs_on, std::chrono::milliseconds deadline,
                        missing_things missing) {
  server.handle({.method = "GET",
                 .path = "/readyz",
                 .on_loop = &runs_on,
                 .deadline = deadline,
                 .as_written = true,
                 .answer = [&server, missing = std::move(missing)](
                               const context& ctx, http::request&, http::reply& res) -> task<> {
                   return say_whether_ready(ctx, server, missing, res);
                 }});
}

void add_metrics_page(http::server& server, std::function<const metrics&()> find, making pages) {
  server.handle(
      {.method = "GET",
       .path = "/metrics",
       .runs_on = &pages.on,
       .deadline = pages.deadline,
       .as_written = true,
       .answer = [find = std::move(find)](const context&, const http::request&, http::reply& res) {
         res.stream(
             "text/plain; version=0.0.4; charset=utf-8",
             [&of = find()](const context& c, http::body_writer& out) { return of.write(c, out); });
       }});
}

}  // namespace hangup::server
