#include "server/pages.h"

#include <string>
#include <utility>

#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::server {
namespace {

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

void add_liveness_page(http::server& server) {
  using http::reply;
  using http::request;
  server.handle({.method = "GET",
                 .path = "/healthz",
                 .answer = [](const context&, const request&, reply& res) {
                   res.body("text/plain", "ok\n");
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

void add_metrics_page(http::server& server, std::function<const metrics&()> find, page_pool pages) {
  server.handle(
      {.method = "GET",
       .path = "/metrics",
       .runs_on = &pages.on,
       .deadline = pages.deadline,
       .as_written = true,
       .serves = http::audience::operators,
       .answer = [find = std::move(find)](const context&, const http::request&, http::reply& res) {
         res.stream(
             "text/plain; version=0.0.4; charset=utf-8",
             [&of = find()](const context& c, http::body_writer& out) { return of.write(c, out); });
       }});
}

}  // namespace hangup::server
