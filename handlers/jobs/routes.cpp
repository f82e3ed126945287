#include "handlers/jobs/routes.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "handlers/json_list.h"
#include "handlers/own_pages.h"
#include "handlers/parameters.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::jobs {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* one_path = "/jobs/{id}";
constexpr const char* result_path = "/jobs/{id}/result";

// The format of the log: "2026-11-21T20:15:16.123Z"
std::string in_utc(view::time at) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at - whole).count();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm t{};
  ::gmtime_r(&seconds, &t);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &t);
  std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(ms));
  return text.data();
}

json in_utc(const std::optional<view::time>& at) {
  return at ? json(in_utc(*at)) : json(nullptr);
}

json in_json(const view& v) {
  json j = {{"id", v.id},
            {"state", name(v.state)},
            {"what", v.what},
            {"request_id", v.request_id},
            {"accepted", in_utc(v.accepted)},
            {"started", in_utc(v.started)},
            {"ended", in_utc(v.ended)},
            {"expires", in_utc(v.expires)},
            {"rows", v.rows},
            {"bytes", v.bytes},
            {"cause", v.cause.empty() ? json(nullptr) : json(v.cause)},
            {"result", nullptr}};
  if (v.state == state::done) {
    j["result"] = "/jobs/" + v.id + "/result";
  }
  return j;
}

void set_json(http::reply& res, const json& j) {
  res.body("application/json", j.dump(2, ' ', true, json::error_handler_t::replace) + "\n");
  res.set("Cache-Control", "no-store");
}

void set_unknown(http::reply& res) {
  res.problem(404, "there is no such job, or it has been forgotten");
}

void list(const store& of, const http::request& req, http::reply& res) {
  handlers::parameters p(req);
  const auto limit = p.number("limit", 100, 1, 100'000);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return;
  }
  res.stream("application/json",
             [&of, limit](const context& c, http::body_writer& out) -> std::error_code {
               handlers::json_list page(out, json::object(), "jobs");
               const auto ec = handlers::add_newest_first(c, page, of, limit,
                                                          [](const view& v) { return in_json(v); });
               return ec ? ec : page.finish(c);
             });
}

void show(const store& of, const http::request& req, http::reply& res) {
  const auto v = of.find(req.path_parameter());
  v ? set_json(res, in_json(*v)) : set_unknown(res);
}

void end(store& of, const context& ctx, const http::request& req, http::reply& res) {
  const auto e = of.end(req.path_parameter(), "DELETE, request " + http::request_id(ctx));
  if (!e) {
    set_unknown(res);
    return;
  }
  const bool over = is_over(e->job.state);
  auto j = in_json(e->job);
  if (e->was_over) {
    j["result"] = nullptr;
    j["expires"] = nullptr;
    j["forgotten"] = true;
  }
  res.status(over ? 200 : 202);  // 202: it has been told to stop and has not stopped yet
  set_json(res, j);
}

void send_head(const store& of, const std::string& id, http::reply& res,
               std::shared_ptr<const result>& made) {
  const auto v = of.find(id);
  made = of.result_of(id);
  if (!v || (v->state == state::done && !made)) {  // it may be removed between the two calls
    set_unknown(res);
    return;
  }
  if (made) {
    res.stream(v->content_type);
    return;
  }
  const bool wait = !is_over(v->state);
  if (wait) {
    res.set("Retry-After", "1");
  }
  res.problem(wait ? 409 : 410, "the job is " + std::string(name(v->state)) +
                                    (v->cause.empty() ? "" : ": " + v->cause) +
                                    (wait ? "; there is no result yet" : "; there is no result"));
}

hangup::task<> send(const store& of, const context& ctx, const http::request& req,
                    http::reply& res) {
  handlers::parameters p(req);
  const bool waits = p.flag("wait", false);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    co_return;
  }
  const std::string id(req.path_parameter());
  std::error_code ec;
  if (waits) {
    ec = co_await of.wait_over(ctx, id);
  }
  std::shared_ptr<const result> made;
  if (!ec) {
    send_head(of, id, res, made);
  }
  if (made) {
    for (const auto& piece : made->pieces()) {
      ec = co_await res.write(ctx, piece);
      if (ec) {
        break;
      }
    }
  }
  if (ec) {
    http::work_stopped(ctx);
  }
}

}  // namespace

void accept(const context& ctx, http::reply& res, store& to, pool& on, new_job what) {
  if (ctx.done()) {
    return;  // a client that has left would never learn the id
  }
  const auto b = to.start(ctx, on, std::move(what));
  if (!b.job) {
    res.set("Retry-After", std::to_string(b.retry_after.count()));
    res.problem(503, "no job was started: " + b.detail);
    return;
  }
  res.status(202);
  res.set("Location", "/jobs/" + b.job->id);
  set_json(res, in_json(*b.job));
}

void add_routes(http::server& to, store& of, sending results, listing pages) {
  using http::reply;
  using http::request;
  to.handle(
      {.method = "GET",
       .path = "/jobs",
       .runs_on = &pages.on,
       .deadline = pages.deadline,
       .as_written = true,
       .serves = http::audience::operators,
       .answer = [&of](const context&, const request& req, reply& res) { list(of, req, res); }});
  to.handle(
      {.method = "GET",
       .path = one_path,
       .as_written = true,
       .answer = [&of](const context&, const request& req, reply& res) { show(of, req, res); }});
  to.handle({.method = "DELETE",
             .path = one_path,
             .as_written = true,
             .answer = handlers::for_own_pages([&of](const context& ctx, const request& req,
                                                     reply& res) { end(of, ctx, req, res); })});
  to.handle({.method = "GET",
             .path = result_path,
             .on_loop = &results.on,
             .max_in_flight = results.max_in_flight,
             .deadline = results.deadline,
             .on_half_close = results.on_half_close,
             .as_written = true,
             .answer = [&of](const context& ctx, request& req, reply& res) -> hangup::task<> {
               return send(of, ctx, req, res);
             }});
}

}  // namespace hangup::jobs
