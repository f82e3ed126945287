#include "server/pages.h"

#include <nlohmann/json.hpp>

#include "handlers/parameters.h"
#include "http/problem.h"
#include "http/request.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;

ordered ns(const std::optional<http::clock::time_point>& at) {
  return at ? ordered(std::chrono::nanoseconds(at->time_since_epoch()).count()) : ordered(nullptr);
}

// In ASCII: an operator reads it in a terminal, and strangers have written parts of it.
std::string text(const ordered& page) {
  return page.dump(2, ' ', true, ordered::error_handler_t::replace) + "\n";
}

ordered in_flight(const http::request_view& v, http::clock::time_point now) {
  const bool queued = v.state == http::request_state::queued;
  const auto* const runs_on = v.to->runs_on;
  ordered j = {{"id", v.id},
               {"route", v.to->path},
               {"method", v.method},
               {"target", v.target},
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
  return {{"id", e.id},
          {"route", e.route},
          {"method", e.method},
          {"target", e.target},
          {"client", e.client},
          {"end", name(e.end)},
          {"cause", e.cause.empty() ? ordered(nullptr) : ordered(e.cause)},
          {"status", e.status},
          {"started_ns", ns(e.started)},
          {"context_ended_ns", ns(e.context_ended)},
          {"work_stopped_ns", ns(e.work_stopped)},
          {"ended_ns", ns(e.ended)}};
}

}  // namespace

void add_pages(http::server& server, const ended_requests& ended) {
  server.handle({.method = "GET",
                 .path = "/healthz",
                 .answer = [](const context&, const httplib::Request&, httplib::Response& res) {
                   res.set_content("ok\n", "text/plain");
                 }});
  server.handle(
      {.method = "GET",
       .path = "/requests",
       .as_written = true,
       .answer = [&server](const context&, const httplib::Request&, httplib::Response& res) {
         const auto now = http::clock::now();
         auto list = ordered::array();
         for (const auto& v : server.in_flight()) {
           list.push_back(in_flight(v, now));
         }
         res.set_content(text({{"in_flight", std::move(list)}}), "application/json");
       }});
  server.handle(
      {.method = "GET",
       .path = "/requests/ended",
       .as_written = true,
       .answer = [&ended](const context& ctx, const httplib::Request& req, httplib::Response& res) {
         handlers::parameters p(req);
         const auto limit =
             p.number("limit", std::min<std::size_t>(ended.size(), 100), 1, ended.size());
         if (!p.problem().empty()) {
           http::set_problem(res, 400, p.problem(), http::request_id(ctx));
           return;
         }
         auto list = ordered::array();
         for (const auto& e : ended.newest_first(limit)) {
           list.push_back(ended_one(e));
         }
         res.set_content(text({{"ended", std::move(list)}, {"lost", ended.lost()}}),
                         "application/json");
       }});
}

void add_readiness_page(http::server& server, pool* runs_on, std::chrono::milliseconds deadline,
                        std::function<std::vector<std::string>(const context&)> missing) {
  server.handle(
      {.method = "GET",
       .path = "/readyz",
       .runs_on = runs_on,
       .deadline = deadline,
       .as_written = true,
       .answer = [&server, missing = std::move(missing)](
                     const context& ctx, const httplib::Request&, httplib::Response& res) {
         std::string why = server.draining() ? "the server is draining" : "";
         if (why.empty()) {
           for (const auto& line : missing(ctx)) {
             why.append(why.empty() ? "" : "; ").append(line);
           }
         }
         if (why.empty()) {
           res.set_content("ready\n", "text/plain");
           return;
         }
         res.set_header("Retry-After", "1");
         http::set_problem(res, 503, why, http::request_id(ctx));
       }});
}

void add_metrics_page(http::server& server, std::function<const metrics&()> find) {
  server.handle({.method = "GET",
                 .path = "/metrics",
                 .as_written = true,
                 .answer = [find = std::move(find)](const context&, const httplib::Request&,
                                                    httplib::Response& res) {
                   res.set_content(find().text(), "text/plain; version=0.0.4; charset=utf-8");
                 }});
}

}  // namespace hangup::server
