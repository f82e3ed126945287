#include "server/ended_page.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/json_list.h"
#include "server/csv_list.h"
#include "server/page_parameters.h"
#include "server/request_words.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;
using handlers::parameters;

struct ended_wanted {
  ended_requests::filter which;
  std::uint64_t limit = 0;
  std::uint64_t after = ended_requests::newest;  // only those that ended before this one
  std::uint64_t last = 0;  // and not before this one: with it the next page begins
};

ended_wanted ended_of(parameters& p, const http::request& req) {
  ended_wanted w;
  w.which.route = route_of(p);
  w.which.end = end_of(p, req);
  w.which.since = since_of(p);
  w.limit = p.number("limit", 100, 1, most_entries);
  w.after = after_of(p, ended_requests::newest);
  return w;
}

std::string next_page(const ended_wanted& w, std::uint64_t last) {
  page_target t("/requests/ended");
  add_if(t, "route", w.which.route);
  add_if(t, "end", w.which.end ? name(*w.which.end) : std::string_view());
  if (w.which.since > http::clock::time_point()) {
    const auto since = std::chrono::nanoseconds(w.which.since.time_since_epoch());
    t.add("since", static_cast<std::uint64_t>(since.count()));
  }
  t.add("limit", w.limit);
  t.add("after", last);
  return as_next(t);
}

ordered ns(const std::optional<http::clock::time_point>& at) {
  return at ? ordered(std::chrono::nanoseconds(at->time_since_epoch()).count()) : ordered(nullptr);
}

ordered by_whom(const std::optional<http::asker>& by) {
  return by ? ordered{{"request", by->request}, {"client", by->client}} : ordered(nullptr);
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
          {"by", by_whom(e.by)},
          {"status", e.status},
          {"started_ns", ns(e.started)},
          {"context_ended_ns", ns(e.context_ended)},
          {"work_stopped_ns", ns(e.work_stopped)},
          {"ended_ns", ns(e.ended)}};
}

// In CSV who asked is two columns.
ordered ended_row(const ended_requests::entry& e) {
  auto j = ended_one(e);
  j["by_request"] = e.by ? ordered(e.by->request) : ordered(nullptr);
  j["by_client"] = e.by ? ordered(e.by->client) : ordered(nullptr);
  return j;
}

const std::vector<std::string>& ended_columns() {
  static const std::vector<std::string> all{"number",
                                            "id",
                                            "route",
                                            "method",
                                            "target",
                                            "client",
                                            "end",
                                            "cause",
                                            "by_request",
                                            "by_client",
                                            "status",
                                            "started_ns",
                                            "context_ended_ns",
                                            "work_stopped_ns",
                                            "ended_ns"};
  return all;
}

template <class Page, class One>
std::error_code write_ended(const context& ctx, const ended_requests& ended, const ended_wanted& w,
                            Page& page, One one) {
  constexpr std::uint64_t at_once = 64;
  auto left = w.limit;
  auto before = w.after;
  while (left > 0) {
    const auto some = ended.newest_first(std::min(left, at_once), before, w.which);
    if (some.empty()) {
      break;
    }
    for (const auto& entry : some) {
      if (entry.number < w.last) {  // newer ones have gone meanwhile: this is of the next page
        return page.finish(ctx);
      }
      if (const auto ec = page.add(ctx, one(entry))) {
        return ec;
      }
    }
    before = some.back().number;
    left -= some.size();
  }
  return page.finish(ctx);
}

}  // namespace

void show_ended(const ended_requests& ended, const std::string& instance, const http::request& req,
                http::reply& res) {
  parameters p(req);
  auto wanted = ended_of(p, req);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return;
  }
  // What ends from now on is not on this page: so it ends where the link to the next one says.
  wanted.after = std::min(wanted.after, ended.next());
  if (const auto last = ended.last_of(wanted.limit, wanted.after, wanted.which)) {
    res.set("Link", next_page(wanted, *last));
    wanted.last = *last;
  }
  if (wants_csv(req)) {
    res.stream(query::content_type(query::format::csv),
               [&ended, wanted](const context& ctx, http::body_writer& out) {
                 csv_list page(out, ended_columns());
                 return write_ended(ctx, ended, wanted, page, ended_row);
               });
  } else {
    res.stream(
        "application/json", [&ended, instance, wanted](const context& ctx, http::body_writer& out) {
          handlers::json_list page(out, {{"server", instance}, {"lost", ended.lost()}}, "ended");
          return write_ended(ctx, ended, wanted, page, ended_one);
        });
  }
  res.set("Vary", "Accept");  // once: a stream that is not JSON has it already
}

std::string wrong_with_ended(const http::request& req) {
  parameters p(req);
  static_cast<void>(ended_of(p, req));
  return p.problem();
}

}  // namespace hangup::server
