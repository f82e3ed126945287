#include "server/end_pages.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "handlers/own_pages.h"
#include "handlers/parameters.h"
#include "handlers/utf8.h"
#include "hangup/http/causes.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "http/wire/number.h"
#include "server/asking_client.h"
#include "server/request_words.h"

namespace hangup::server {
namespace {

using handlers::parameters;
using json = nlohmann::ordered_json;

constexpr std::size_t most_reason_bytes = 200;
constexpr std::size_t most_instance_bytes = 64;
constexpr std::uint64_t most_age_ms = 1'000'000'000;

// Those of ASCII, and those of Unicode behind it: U+0080 to U+009F.
bool has_controls(std::string_view text) {
  while (!text.empty()) {
    const auto [size, c] = handlers::first_character(text);
    if (size > 0 && (c < 0x20 || (c >= 0x7f && c < 0xa0))) {
      return true;
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));  // what is no UTF-8 is skipped
  }
  return false;
}

cause cause_of(parameters& p) {
  auto reason = p.text_or("reason", "", most_reason_bytes);
  if (has_controls(reason)) {
    p.wrong("reason", "control characters", "none of them");
  }
  return {.kind = http::causes::operator_request, .text = std::move(reason)};
}

// Which requests are meant, and why they end.
struct many {
  cause why;
  std::string route;  // empty: any
  std::chrono::milliseconds age;
};

many many_of(parameters& p, const http::request& req) {
  many m{cause_of(p), route_of(p),
         std::chrono::milliseconds(p.number("older_than_ms", 0, 0, most_age_ms))};
  if (m.route.empty() && !req.has_parameter("older_than_ms")) {
    p.wrong("route", "neither it nor older_than_ms", "one of them, or both");
  }
  return m;
}

void say(http::reply& res, const json& what) {
  res.status(202);
  res.set("Cache-Control", "no-store");
  res.body("application/json", what.dump() + "\n");
}

void end_one(http::server& server, const std::string& instance, const http::asker& by,
             const http::request& req, http::reply& res) {
  parameters p(req);
  const auto why = cause_of(p);
  const auto of = p.text_or("server", instance, most_instance_bytes);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return;
  }
  const auto number = http::number_in_name(req.path_parameter());
  const auto found =
      number && of == instance ? server.end_request(*number, why, by) : http::ending::unknown;
  if (found == http::ending::unknown) {
    res.problem(404, of == instance ? "there is no request in flight with this number"
                                    : "the server that had this request is gone");
    return;
  }
  say(res, {{"number", *number}, {"state", "stopping"}});
}

void end_many(http::server& server, const http::asker& by, const http::request& req,
              http::reply& res) {
  parameters p(req);
  const auto meant = many_of(p, req);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return;
  }
  const auto begun_before = http::clock::now() - meant.age;
  const auto is_meant = [&](const http::request_view& v) {
    return v.to->serves != http::audience::operators && v.started <= begun_before &&
           (meant.route.empty() || v.to->path == meant.route);
  };
  // Not "ended": one whose answer is as good as sent may still be completed.
  say(res, {{"stopping", server.end_requests(is_meant, meant.why, by)}});
}

}  // namespace

std::string wrong_with_ending_many(const http::request& req) {
  parameters p(req);
  static_cast<void>(many_of(p, req));
  return p.problem();
}

void add_end_pages(http::server& server, page_pool pages, bool with_token,
                   const std::string& instance) {
  using http::reply;
  using http::request;
  const auto add = [&](const char* path, pool* on, http::handler answer) {
    server.handle({.method = "DELETE",
                   .path = path,
                   .runs_on = on,
                   .deadline = pages.deadline,
                   .as_written = true,
                   .serves = http::audience::operators,
                   .answer = handlers::for_own_pages(std::move(answer))});
  };
  const auto asker = [with_token](const context& ctx, const request& req) {
    return http::asker{http::request_id(ctx), asking_client(req, with_token)};
  };
  // On the spot: it waits for nobody, and so it works while all workers send long pages.
  add("/requests/{number}", nullptr,
      [&server, instance, asker](const context& ctx, const request& req, reply& res) {
        end_one(server, instance, asker(ctx, req), req, res);
      });
  add("/requests", &pages.on, [&server, asker](const context& ctx, const request& req, reply& res) {
    end_many(server, asker(ctx, req), req, res);
  });
}

}  // namespace hangup::server
