#include "server/in_flight_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "handlers/json_list.h"
#include "server/csv_list.h"
#include "server/page_parameters.h"
#include "server/request_words.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;
using handlers::parameters;

struct in_flight_wanted {
  std::string route;  // empty: any
  std::string state;
  std::uint64_t limit = 0;
  std::uint64_t after = 0;  // only those with a greater number
};

in_flight_wanted in_flight_of(parameters& p, const http::request& req) {
  in_flight_wanted w;
  w.route = route_of(p);
  w.state = state_of(p, req);
  w.limit = p.number("limit", 1000, 1, most_entries);
  w.after = after_of(p, 0);
  return w;
}

std::string next_page(const in_flight_wanted& w, std::uint64_t last) {
  page_target t("/requests");
  add_if(t, "route", w.route);
  add_if(t, "state", w.state);
  t.add("limit", w.limit);
  t.add("after", last);
  return as_next(t);
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

bool is_one(const http::request_view& v, const in_flight_wanted& w) {
  return v.number > w.after && (w.route.empty() || v.to->path == w.route) &&
         (w.state.empty() || (is_stopping(v) ? w.state == stopping : w.state == name(v.state)));
}

// Which requests are shown. Only where they are is kept in memory, for one page of them.
struct chosen {
  struct one {
    std::uint64_t number;
    int connection;
    bool operator<(const one& other) const noexcept { return number < other.number; }
  };
  std::vector<one> all;  // in order
  bool are_all = true;
};

// While it looks, `all` is a heap with the greatest number on top, which has to go if there is one
// too many.
chosen choose(const http::server& server, const in_flight_wanted& w) {
  chosen c;
  server.each_in_flight([&](const http::request_view& v) {
    if (!is_one(v, w)) {
      return true;
    }
    c.all.push_back({v.number, v.connection});
    std::push_heap(c.all.begin(), c.all.end());
    if (c.all.size() > w.limit) {
      std::pop_heap(c.all.begin(), c.all.end());
      c.all.pop_back();
      c.are_all = false;
    }
    return true;
  });
  std::sort_heap(c.all.begin(), c.all.end());
  return c;
}

// Each request is looked at again when it is written: all of them would need much memory. Those
// that have ended meanwhile are not shown.
template <class Page>
std::error_code write_in_flight(const context& ctx, const http::server& server, const chosen& c,
                                Page& page) {
  for (const auto& one : c.all) {
    if (const auto v = server.find_in_flight(one.number, one.connection)) {
      if (const auto ec = page.add(ctx, in_flight_one(*v, http::clock::now()))) {
        return ec;
      }
    }
  }
  return page.finish(ctx);
}

}  // namespace

void show_in_flight(const http::server& server, const std::string& instance,
                    const http::request& req, http::reply& res) {
  parameters p(req);
  const auto wanted = in_flight_of(p, req);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return;
  }
  auto c = choose(server, wanted);
  if (!c.are_all) {
    res.set("Link", next_page(wanted, c.all.back().number));
  }
  if (wants_csv(req)) {
    res.stream(query::content_type(query::format::csv),
               [&server, c = std::move(c)](const context& ctx, http::body_writer& out) {
                 csv_list page(out, in_flight_columns());
                 return write_in_flight(ctx, server, c, page);
               });
  } else {
    res.stream("application/json",
               [&server, instance, c = std::move(c)](const context& ctx, http::body_writer& out) {
                 handlers::json_list page(
                     out, {{"server", instance}, {"total", server.in_flight_count()}}, "in_flight");
                 return write_in_flight(ctx, server, c, page);
               });
  }
  res.set("Vary", "Accept");  // once: a stream that is not JSON has it already
}

std::string wrong_with_in_flight(const http::request& req) {
  parameters p(req);
  static_cast<void>(in_flight_of(p, req));
  return p.problem();
}

}  // namespace hangup::server
