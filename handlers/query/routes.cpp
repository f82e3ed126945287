#include "handlers/query/routes.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "handlers/jobs/routes.h"
#include "handlers/parameters.h"
#include "handlers/query/rows_out.h"
#include "hangup/http/problem.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::query {
namespace {

using json = nlohmann::ordered_json;

json as_json(const value& v) {
  return std::visit([](const auto& x) { return json(x); }, v);
}

json described(const parameter& p) {
  json j = {{"name", p.name}, {"type", type_name(p.allowed)}};
  if (p.otherwise) {
    j["default"] = as_json(*p.otherwise);
  }
  if (const auto* const limit = std::get_if<text_limit>(&p.allowed)) {
    j["max_bytes"] = limit->most;
  } else if (const auto* const whole = std::get_if<integer_range>(&p.allowed)) {
    j["minimum"] = whole->least;
    j["maximum"] = whole->most;
  } else {
    j["minimum"] = std::get<real_range>(p.allowed).least;
    j["maximum"] = std::get<real_range>(p.allowed).most;
  }
  return j;
}

json described(const named_database& s) {
  auto reports = json::array();
  for (const auto& [name, r] : s.reports()) {
    auto takes = json::array();
    for (const auto& p : r.parameters) {
      takes.push_back(described(p));
    }
    reports.push_back(
        {{"name", name}, {"description", r.description}, {"parameters", std::move(takes)}});
  }
  return {{"name", s.name()},
          {"kind", s.kind()},
          {"path", "/query/" + s.name()},
          {"reports", std::move(reports)}};
}

// The source and the report to run. If that is not possible, `res` is the problem.
struct question {
  const query::report* what = nullptr;
  arguments with{};
  format as{};
};

bool read_question(const named_database& s, const http::request& req, http::reply& res,
                   question& q) {
  const auto refuse = [&](int status, const std::string& detail) {
    res.problem(status, detail);
    return false;
  };
  const auto names = [&s] {
    std::string all;
    for (const auto& [name, r] : s.reports()) {
      all.append(all.empty() ? "" : ", ").append(name);
    }
    return all.empty() ? std::string("none") : all;
  };
  handlers::parameters p(req);
  const auto name = p.choice("report", "one of: " + names());
  if (!p.problem().empty()) {
    return refuse(400, p.problem());
  }
  const auto found = s.reports().find(name);
  if (found == s.reports().end()) {
    return refuse(404, "the database \"" + s.name() + "\" has no report \"" + name.substr(0, 64) +
                           "\"; it has: " + names());
  }
  std::string problem;
  auto with = read_arguments(found->second, given_by(req), {"report", "detach"}, problem);
  if (!with) {
    return refuse(400, problem);
  }
  q = {&found->second, std::move(*with), preferred(req.header_list("Accept"))};
  return true;
}

// What both parts of an answer need, the one before its head is sent and the one after.
struct asked {
  named_database& from;
  std::string report;
  std::function<void(const std::string&)> say;

  // Counts how the query ended, and logs it if the operator should know; errors caused by an
  // argument are not logged. Returns true if it was stopped.
  bool over(const context& ctx, std::error_code ec, const std::string& why) const {
    const auto end = end_of(ec);
    from.count(end);
    if (end != query_end::completed && end != query_end::stopped &&
        end != query_end::bad_argument) {
      say("database " + from.name() + ", report " + report + ": " + ec.message() + ": " + why +
          " [" + http::request_id(ctx) + "]");
    }
    return end == query_end::stopped;
  }
};

std::error_code stream_rows(const context& ctx, const asked& by, std::unique_ptr<running> q,
                            format as, http::body_writer& out) {
  rows_out rows(as, out);
  std::string why;
  const auto ec = q->rows(ctx, rows, why);
  q.reset();  // others may use the connection while the client reads the last rows
  if (by.over(ctx, ec, why.empty() ? rows.problem() : why)) {
    http::work_stopped(ctx);
    return ec;
  }
  if (ec) {
    rows.add_error(ec.message(), why.empty() ? rows.problem() : for_clients(ec, why));
    static_cast<void>(rows.finish(ctx));  // the answer is cut off anyway
    return ec;
  }
  return rows.finish(ctx);
}

// The same for a task. What it throws cuts the answer off.
task<> stream_rows(const context& ctx, const asked& by, std::unique_ptr<waiting_query> q, format as,
                   http::reply& res) {
  rows_reply rows(as, res);
  std::string why;
  const auto ec = co_await q->rows(ctx, rows, why);
  q.reset();  // others may use the connection while the client reads the last rows
  if (by.over(ctx, ec, why.empty() ? rows.problem() : why)) {
    http::work_stopped(ctx);
    co_return;
  }
  if (ec) {
    rows.add_error(ec.message(), why.empty() ? rows.problem() : for_clients(ec, why));
  }
  static_cast<void>(co_await rows.flush(ctx));
  if (ec) {
    throw http::problem_error(http_status(ec), ec.message());
  }
}

// Counts the rows that pass through.
class counted_rows final : public row_sink {
 public:
  counted_rows(rows_out& to, jobs::result& count) noexcept : to_(to), count_(count) {}
  std::error_code columns(const context& ctx, std::span<const std::string> names) override {
    return to_.columns(ctx, names);
  }
  std::error_code row(const context& ctx, std::span<const field> fields) override {
    const auto ec = to_.row(ctx, fields);
    if (!ec) {
      count_.count_row();
    }
    return ec;
  }
  std::error_code idle(const context& ctx) override { return to_.idle(ctx); }

 private:
  rows_out& to_;
  jobs::result& count_;
};

// The same for a job, which keeps the rows.
std::error_code keep_rows(const context& ctx, const asked& by, const question& q, jobs::result& to,
                          std::string& why) {
  std::error_code refused;
  http::body_writer out([&](std::string_view piece) {
    refused = to.write(piece);
    return !refused;
  });
  rows_out rows(q.as, out);
  counted_rows counted(rows, to);
  std::unique_ptr<running> begun;
  auto ec = by.from.engine().start(ctx, *q.what, q.with, begun, why);
  if (!ec) {
    ec = begun->rows(ctx, counted, why);
    begun.reset();
  }
  if (!ec) {
    ec = rows.finish(ctx);
  }
  if (refused) {  // the reason is not the database
    by.from.count(query_end::stopped);
    why = to.in_words(refused);
    return refused;
  }
  const auto& problem = rows.problem();  // the reason is a limit of this program
  by.over(ctx, ec, why.empty() ? problem : why);
  why = why.empty() ? problem : for_clients(ec, why);
  return ec;
}

// Whether to run it as a job. If that is nullopt, `res` is the problem.
std::optional<bool> wants_detached(const http::request& req, bool can, http::reply& res) {
  handlers::parameters p(req);
  const bool wants = p.flag("detach", false);
  std::string problem = p.problem();
  if (problem.empty() && wants && !can) {
    problem = "parameter \"detach\": found \"1\", allowed 0: there are no jobs here";
  } else if (problem.empty() && wants && req.method() != "POST") {
    res.set("Allow", "POST");
    res.problem(405, "parameter \"detach\": found \"1\", allowed 0 with " +
                         std::string(req.method()) + ", which starts nothing: ask by POST");
    return std::nullopt;
  } else if (problem.empty() && !wants && req.method() == "POST") {
    problem = handlers::wrong_parameter("detach", req.has_parameter("detach") ? "\"0\"" : "nothing",
                                        "1 with POST, which starts a job");
  }
  if (!problem.empty()) {
    res.problem(400, problem);
    return std::nullopt;
  }
  return wants;
}

}  // namespace

http::handler list_databases(const std::vector<const named_database*>& all) {
  auto databases = json::array({{{"name", "sim"},
                                 {"kind", "simulated"},
                                 {"path", "/query/sim"},
                                 {"parameters",
                                  {{{"name", "rows"}, {"type", "integer"}, {"default", 100}},
                                   {{"name", "row_ms"}, {"type", "integer"}, {"default", 10}},
                                   {{"name", "stream"}, {"type", "integer"}, {"default", 1}}}}}});
  for (const auto* s : all) {
    databases.push_back(described(*s));
  }
  const json page = {{"databases", std::move(databases)}};
  return [text = page.dump(2, ' ', false, json::error_handler_t::replace) + "\n"](
             const context&, const http::request&, http::reply& res) {
    res.body("application/json", text);
  };
}

namespace {

// Of a report: what the query is to be, and whether it is to be run now. If it is not, `res` says
// what has become of it.
bool is_to_run(const context& ctx, const http::request& req, http::reply& res, const asked& by,
               const question& q, const std::optional<later>& detached) {
  const auto detach = wants_detached(req, detached.has_value(), res);
  if (!detach || !*detach) {
    return detach.has_value();
  }
  jobs::accept(ctx, res, detached->jobs, detached->on,
               {.what = "database " + by.from.name() + ", report " + by.report,
                .content_type = content_type(q.as),
                .run = [by, q](const context& c, jobs::result& to, std::string& why) {
                  return keep_rows(c, by, q, to, why);
                }});
  return false;
}

// The answer to a query that could not begin.
void set_refused(const context& ctx, http::reply& res, const asked& by, std::error_code ec,
                 const std::string& why) {
  if (by.over(ctx, ec, why)) {
    http::work_stopped(ctx);
    return;
  }
  const int status = http_status(ec);
  if (status == 503) {
    res.set("Retry-After", "1");
  }
  res.problem(status, in_words(ec, why));
}

http::handler run_by_thread(named_database& from, std::function<void(const std::string&)> say,
                            std::optional<later> detached) {
  return [&from, say = std::move(say), detached](const context& ctx, const http::request& req,
                                                 http::reply& res) {
    question q;
    if (!read_question(from, req, res, q)) {
      return;
    }
    const asked by{from, q.what->name, say};
    if (!is_to_run(ctx, req, res, by, q, detached)) {
      return;
    }
    auto begun = std::make_shared<std::unique_ptr<running>>();
    if (req.method() != "HEAD") {
      std::string why;
      if (const auto ec = from.engine().start(ctx, *q.what, q.with, *begun, why)) {
        set_refused(ctx, res, by, ec, why);
        return;
      }
    }
    res.stream(content_type(q.as),
               [by, begun = std::move(begun), as = q.as](const context& c, http::body_writer& out) {
                 return stream_rows(c, by, std::move(*begun), as, out);
               });
  };
}

task<> run_as_task(const context& ctx, http::request& req, http::reply& res, named_database& from,
                   const std::function<void(const std::string&)>& say,
                   const std::optional<later>& detached) {
  question q;
  if (!read_question(from, req, res, q)) {
    co_return;
  }
  const asked by{from, q.what->name, say};
  if (!is_to_run(ctx, req, res, by, q, detached)) {
    co_return;
  }
  if (req.method() == "HEAD") {
    res.stream(content_type(q.as));
    co_return;
  }
  std::unique_ptr<waiting_query> begun;
  std::string why;
  if (const auto ec = co_await from.engine().as_tasks()->start(ctx, *q.what, q.with, begun, why)) {
    set_refused(ctx, res, by, ec, why);
    co_return;
  }
  res.stream(content_type(q.as));
  co_await stream_rows(ctx, by, std::move(begun), q.as, res);
}

}  // namespace

http::handler run_report(named_database& from, std::function<void(const std::string&)> say,
                         std::optional<later> detached) {
  if (from.engine().as_tasks() == nullptr) {
    return run_by_thread(from, std::move(say), detached);
  }
  return [&from, say = std::move(say), detached](const context& ctx, http::request& req,
                                                 http::reply& res) -> task<> {
    return run_as_task(ctx, req, res, from, say, detached);
  };
}

}  // namespace hangup::query
