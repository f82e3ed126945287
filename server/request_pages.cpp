#include "server/request_pages.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "handlers/json_list.h"
#include "handlers/parameters.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "http/wire/number.h"
#include "server/csv_list.h"
#include "server/page_target.h"
#include "server/request_words.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;
using handlers::parameters;

constexpr std::uint64_t most_entries = 100'000;  // of one page

// --- what is asked for ---

struct in_flight_wanted {
  std::string route;  // empty: any
  std::string state;
  std::uint64_t limit = 0;
  std::uint64_t after = 0;  // only those with a greater number
};

struct ended_wanted {
  ended_requests::filter which;
  std::uint64_t limit = 0;
  std::uint64_t after = ended_requests::newest;  // only those that ended before this one
};

// "30s": so long ago; "81234567890": the time that the pages show, in nanoseconds.
http::clock::time_point since_of(parameters& p) {
  using std::chrono::milliseconds;
  constexpr std::size_t most_bytes = 32;
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> units{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  constexpr auto none = http::clock::time_point::min();
  const auto text = p.text_or("since", "", most_bytes);
  if (text.empty()) {
    return none;
  }
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = http::whole_number<std::int64_t>(std::string_view(text).substr(0, digits));
  const auto unit = std::string_view(text).substr(digits);
  if (number && unit.empty()) {
    return http::clock::time_point(std::chrono::nanoseconds(*number));
  }
  for (const auto& [word, ms] : units) {
    constexpr std::int64_t most_ms = 1'000'000'000'000;  // decades
    if (number && unit == word && *number <= most_ms / ms) {
      return http::clock::now() - milliseconds(*number * ms);
    }
  }
  p.wrong("since", handlers::shown_text(text),
          "nanoseconds as in ended_ns, or a time ago such as 500ms, 30s, 5m, 2h");
  return none;
}

std::uint64_t after_of(parameters& p, std::uint64_t otherwise) {
  return p.number("after", otherwise, 0, std::numeric_limits<std::int64_t>::max());
}

in_flight_wanted in_flight_of(parameters& p, const http::request& req) {
  in_flight_wanted w;
  w.route = route_of(p);
  w.state = state_of(p, req);
  w.limit = p.number("limit", 1000, 1, most_entries);
  w.after = after_of(p, 0);
  return w;
}

ended_wanted ended_of(parameters& p, const http::request& req) {
  ended_wanted w;
  w.which.route = route_of(p);
  w.which.end = end_of(p, req);
  w.which.since = since_of(p);
  w.limit = p.number("limit", 100, 1, most_entries);
  w.after = after_of(p, ended_requests::newest);
  return w;
}

// --- the link to the next page ---

void add_if(page_target& to, std::string_view name, std::string_view value) {
  if (!value.empty()) {
    to.add(name, value);
  }
}

std::string as_next(const page_target& t) {
  return "<" + t.text() + ">; rel=\"next\"";
}

std::string next_page(const in_flight_wanted& w, std::uint64_t last) {
  page_target t("/requests");
  add_if(t, "route", w.route);
  add_if(t, "state", w.state);
  t.add("limit", w.limit);
  t.add("after", last);
  return as_next(t);
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

// --- entries ---

ordered ns(const std::optional<http::clock::time_point>& at) {
  return at ? ordered(std::chrono::nanoseconds(at->time_since_epoch()).count()) : ordered(nullptr);
}

ordered in_flight_one(const http::request_view& v, http::clock::time_point now) {
  const auto* const runs_on = v.to->runs_on;
  ordered j = {{"number", v.number},
               {"id", v.id},
               {"route", v.to->path},
               {"method", v.method},
               {"target", handlers::shortened(v.target, v.target_bytes)},
               {"state", is_stopping(v) ? "canceled, still running" : std::string(name(v.state))},
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

const std::vector<std::string>& in_flight_columns() {
  static const std::vector<std::string> all{"number", "id",    "route",       "method",
                                            "target", "state", "age_ms",      "client",
                                            "pool",   "cause", "canceled_ms", "late"};
  return all;
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

// --- requests in flight ---

bool is_one(const http::request_view& v, const in_flight_wanted& w) {
  return v.number > w.after && (w.route.empty() || v.to->path == w.route) &&
         (w.state.empty() || (is_stopping(v) ? w.state == stopping : w.state == name(v.state)));
}

// Which requests are shown. Only their numbers are kept in memory.
struct chosen {
  std::vector<std::uint64_t> numbers;  // in order
  bool are_all = true;
};

chosen choose(const http::server& server, const in_flight_wanted& w) {
  chosen c;
  server.each_in_flight([&](const http::request_view& v) {
    if (is_one(v, w)) {
      c.numbers.push_back(v.number);
    }
    return true;
  });
  std::sort(c.numbers.begin(), c.numbers.end());
  c.are_all = c.numbers.size() <= w.limit;
  c.numbers.resize(std::min<std::size_t>(c.numbers.size(), w.limit));
  return c;
}

// The requests are looked at again, some at a time: all of them would need much memory. Those that
// have ended meanwhile are not shown.
template <class Page>
std::error_code write_in_flight(const context& ctx, const http::server& server, const chosen& c,
                                Page& page) {
  constexpr std::size_t at_once = 1000;
  for (std::size_t first = 0; first < c.numbers.size(); first += at_once) {
    const auto begin = c.numbers.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = c.numbers.begin() +
                     static_cast<std::ptrdiff_t>(std::min(first + at_once, c.numbers.size()));
    std::vector<http::request_view> some;
    const auto now = http::clock::now();
    server.each_in_flight([&](const http::request_view& v) {
      if (std::binary_search(begin, end, v.number)) {
        some.push_back(v);
      }
      return !ctx.done();
    });
    std::sort(some.begin(), some.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
    for (const auto& v : some) {
      if (const auto ec = page.add(ctx, in_flight_one(v, now))) {
        return ec;
      }
    }
  }
  return page.finish(ctx);
}

void show_in_flight(const http::server& server, const http::request& req, http::reply& res) {
  parameters p(req);
  const auto wanted = in_flight_of(p, req);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return;
  }
  auto c = choose(server, wanted);
  if (!c.are_all) {
    res.set("Link", next_page(wanted, c.numbers.back()));
  }
  res.set("Vary", "Accept");
  if (wants_csv(req)) {
    res.stream(query::content_type(query::format::csv),
               [&server, c = std::move(c)](const context& ctx, http::body_writer& out) {
                 csv_list page(out, in_flight_columns());
                 return write_in_flight(ctx, server, c, page);
               });
    return;
  }
  res.stream("application/json",
             [&server, c = std::move(c)](const context& ctx, http::body_writer& out) {
               handlers::json_list page(out, {{"total", server.in_flight_count()}}, "in_flight");
               return write_in_flight(ctx, server, c, page);
             });
}

// --- requests that have ended ---

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
      if (const auto ec = page.add(ctx, one(entry))) {
        return ec;
      }
    }
    before = some.back().number;
    left -= some.size();
  }
  return page.finish(ctx);
}

void show_ended(const ended_requests& ended, const http::request& req, http::reply& res) {
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
  }
  res.set("Vary", "Accept");
  if (wants_csv(req)) {
    res.stream(query::content_type(query::format::csv),
               [&ended, wanted](const context& ctx, http::body_writer& out) {
                 csv_list page(out, ended_columns());
                 return write_ended(ctx, ended, wanted, page, ended_row);
               });
    return;
  }
  res.stream("application/json", [&ended, wanted](const context& ctx, http::body_writer& out) {
    handlers::json_list page(out, {{"lost", ended.lost()}}, "ended");
    return write_ended(ctx, ended, wanted, page, ended_one);
  });
}

}  // namespace

void add_request_pages(http::server& server, const ended_requests& ended, making pages) {
  using http::reply;
  using http::request;
  server.handle({.method = "GET",
                 .path = "/requests",
                 .runs_on = &pages.on,
                 .deadline = pages.deadline,
                 .as_written = true,
                 .serves = http::audience::operators,
                 .answer = [&server](const context&, const request& req, reply& res) {
                   show_in_flight(server, req, res);
                 }});
  server.handle({.method = "GET",
                 .path = "/requests/ended",
                 .runs_on = &pages.on,
                 .deadline = pages.deadline,
                 .as_written = true,
                 .serves = http::audience::operators,
                 .answer = [&ended](const context&, const request& req, reply& res) {
                   show_ended(ended, req, res);
                 }});
}

}  // namespace hangup::server
