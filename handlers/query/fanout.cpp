#include "handlers/query/fanout.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "handlers/parameters.h"
#include "handlers/query/merged_parts.h"
#include "hangup/http/problem.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::query {
namespace {

constexpr std::size_t longest_name = 64;

struct question {
  std::vector<part> parts{};
  std::optional<planned_failure> fails{};
  format as{};
};

[[noreturn]] void refuse(int status, const std::string& detail) {
  throw http::problem_error(status, detail);
}

// The databases to query, in the order of the configuration.
std::vector<named_database*> asked(const std::vector<named_database*>& all,
                                   const std::string& database, const std::string& report) {
  std::vector<named_database*> found;
  std::string names;
  for (auto* s : all) {
    names.append(names.empty() ? "" : ", ").append(s->name());
    if ((database.empty() || s->name() == database) && s->reports().contains(report)) {
      found.push_back(s);
    }
  }
  if (!found.empty()) {
    return found;
  }
  const bool known =
      std::any_of(all.begin(), all.end(), [&](auto* s) { return s->name() == database; });
  if (!database.empty() && !known) {
    refuse(404, "there is no database \"" + database + "\" here; there are: " + names);
  }
  refuse(404, (database.empty() ? "no database here" : "the database \"" + database + "\"") +
                  (database.empty() ? " has a report \"" : " has no report \"") + report +
                  "\"; GET /query lists those that there are");
}

arguments arguments_of(const report& r, std::multimap<std::string, std::string> given,
                       std::size_t number, std::size_t of) {
  for (const auto& [name, text] :
       {std::pair("part", std::to_string(number)), {"parts", std::to_string(of)}}) {
    if (std::any_of(r.parameters.begin(), r.parameters.end(),
                    [name = name](const auto& p) { return p.name == name; })) {
      given.emplace(name, text);
    }
  }
  std::string problem;
  auto read = read_arguments(r, given, {}, problem);
  if (!read) {
    refuse(400, problem);
  }
  return std::move(*read);
}

// Those of /fanout itself. It also gives a report each part's number and the number of parts.
constexpr std::array own = {"parts", "database", "report", "fail", "after_ms"};

void refuse_own_parameters(const report& r, const std::string& name) {
  for (const auto& p : r.parameters) {
    if (p.name != "parts" && std::find(own.begin(), own.end(), p.name) != own.end()) {
      refuse(400, "the report \"" + name + "\" has a parameter \"" + p.name +
                      "\", and so has /fanout: ask for it at /query/{database}");
    }
  }
}

question read_question(const http::request& req, const fanout_options& how,
                       const std::vector<named_database*>& over) {
  handlers::parameters p(req);
  const auto parts = p.number("parts", std::min(4U, how.max_parts), 1, how.max_parts);
  const auto database = p.text_or("database", "", longest_name);
  const auto report = p.text_or("report", how.report.c_str(), longest_name);
  const auto failing = p.number("fail", 0, 0, parts - 1);
  constexpr std::uint64_t hour_ms = 3'600'000;
  const auto after = p.number("after_ms", 0, 0, hour_ms);
  if (!p.problem().empty()) {
    refuse(400, p.problem());
  }
  auto given = given_by(req);
  for (const auto* name : own) {
    given.erase(name);
  }
  if (given.contains("part")) {
    refuse(400, handlers::wrong_parameter("part", "one", "none: each part has its own number"));
  }
  const auto from = asked(over, database, report);
  for (const auto* s : from) {
    refuse_own_parameters(s->reports().at(report), report);
  }
  question q;
  q.as = preferred(req.header_list("Accept"));
  if (req.has_parameter("fail")) {
    q.fails = {failing, std::chrono::milliseconds(after)};
  }
  for (std::size_t i = 0; i < parts; ++i) {
    auto* const s = from[i % from.size()];
    const auto& r = s->reports().at(report);
    q.parts.push_back({s, &r, arguments_of(r, given, i, parts)});
  }
  return q;
}

}  // namespace

std::string_view name(part_end e) noexcept {
  static constexpr std::array<std::string_view, part_ends> names = {"completed", "failed",
                                                                    "sibling_failed", "stopped"};
  return names[static_cast<std::size_t>(e)];
}

fanout::fanout(fanout_options how, std::vector<named_database*> over)
    : how_(std::move(how)),
      over_(std::move(over)),
      permits_(how_.parts_at_once, how_.spare_parts),
      blocking_({.name = "fanout",
                 .workers = how_.parts_at_once + how_.spare_parts,
                 .queue = how_.parts_at_once + how_.spare_parts}) {}

http::handler fanout::handler() {
  return [this](const context& ctx, http::request& req, http::reply& res) -> task<> {
    return answer(ctx, req, res);
  };
}

task<> fanout::answer(const context& ctx, const http::request& req, http::reply& res) {
  auto q = read_question(req, how_, over_);
  if (req.method() == "HEAD") {
    res.stream(content_type(q.as));
    co_return;
  }
  permit first;
  if (const auto ec = co_await permits_.take_later(ctx, how_.wait, first)) {
    if (ec != errc::busy) {
      http::work_stopped(ctx);
      co_return;
    }
    refused_.fetch_add(1, std::memory_order_relaxed);
    refuse(503, "no part could begin within " + std::to_string(how_.wait.count()) + " ms: " +
                    std::to_string(how_.parts_at_once) + " are running, which is the limit");
  }
  merged_parts all(std::move(q.parts), q.as, q.fails, permits_, blocking_, how_.say);
  const counted count(*this, all);
  if (co_await all.answer(ctx, res, std::move(first))) {
    http::work_stopped(ctx);
  }
}

// Counts the parts of a request when it has ended, in whatever way.
fanout::counted::~counted() {
  const auto ends = parts_.ends();
  for (std::size_t e = 0; e < ends.size(); ++e) {
    of_.ended_[e].fetch_add(ends[e], std::memory_order_relaxed);
  }
}

}  // namespace hangup::query
