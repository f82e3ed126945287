#include "server/replica_pages.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "handlers/json_list.h"
#include "handlers/own_pages.h"
#include "handlers/parameters.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "http/wire/grammar.h"
#include "http/wire/number.h"
#include "server/asking_client.h"
#include "server/end_pages.h"
#include "server/page_target.h"

namespace hangup::server {
namespace {

using json = nlohmann::ordered_json;

constexpr std::uint64_t most_entries_of_each = 1000;

peer_question question_of(const context& ctx, const http::request& req, std::string_view path) {
  page_target t(path);
  for (const auto& [name, value] : req.parameters()) {
    t.add(name, value);
  }
  return {req.method() == "HEAD" ? "GET" : std::string(req.method()), t.text(),
          http::request_id(ctx), client_text(req),
          std::string(req.header("Authorization").value_or(""))};
}

// What it has answered, or why not.
json answer_of(const peer_answer& a) {
  json entry = {{"replica", a.replica}, {"error", nullptr}};
  auto body = json::parse(a.body, nullptr, false);
  if (a.status == 0) {
    entry["error"] = a.error;
  } else if (!body.is_object()) {
    entry["error"] = "status " + std::to_string(a.status) + ", and no JSON";
  } else if (a.status / 100 != 2) {
    const auto detail = body.find("detail");
    entry["error"] =
        "status " + std::to_string(a.status) +
        (detail != body.end() && detail->is_string() ? ": " + detail->get<std::string>()
                                                     : std::string());
  } else {
    entry.update(body);
  }
  return entry;
}

// What stands for a replica in a key: a path has no ':' and '.' there.
std::string name_in_key(std::string replica) {
  std::replace_if(
      replica.begin(), replica.end(), [](char c) { return !http::is_alphanumeric(c); }, '_');
  return replica;
}

// Each request gets the key by which it can be ended from here.
void add_keys(json& entry) {
  for (const auto* const list : {"in_flight", "ended"}) {
    const auto found = entry.find(list);
    if (found == entry.end() || !found->is_array()) {
      continue;
    }
    for (auto& one : *found) {
      const auto number = one.is_object() ? one.find("number") : one.end();
      if (one.is_object() && number != one.end() && number->is_number_unsigned()) {
        one["key"] =
            name_in_key(entry["replica"]) + "-" + std::to_string(number->get<std::uint64_t>());
      }
    }
  }
}

std::vector<peer_answer> ask_all(const context& ctx, const peers& of, const peer_question& what) {
  const auto patience = of.patience(ctx);
  std::vector<peer_answer> not_asked;
  const auto replicas = of.addresses(patience.ctx, not_asked);
  auto answers = of.ask(patience.ctx, replicas, what);
  std::move(not_asked.begin(), not_asked.end(), std::back_inserter(answers));
  return answers;
}

void show(const context& ctx, const peers& of, std::string_view path, const http::request& req,
          http::reply& res) {
  handlers::parameters p(req);
  static_cast<void>(p.number("limit", 1, 1, most_entries_of_each));
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return;
  }
  auto answers = ask_all(ctx, of, question_of(ctx, req, path));
  res.stream("application/json",
             [answers = std::move(answers)](const context& c, http::body_writer& out) {
               handlers::json_list page(out, json::object(), "replicas");
               for (const auto& a : answers) {
                 auto entry = answer_of(a);
                 add_keys(entry);
                 if (const auto ec = page.add(c, entry)) {
                   return ec;
                 }
               }
               return page.finish(c);
             });
}

void end_many(const context& ctx, const peers& of, const http::request& req, http::reply& res) {
  if (const auto wrong = wrong_with_ending_many(req); !wrong.empty()) {
    res.problem(400, wrong);
    return;
  }
  const auto answers = ask_all(ctx, of, question_of(ctx, req, "/requests"));
  std::uint64_t stopping = 0;
  std::string failed;
  std::size_t failures = 0;
  auto replicas = json::array();
  for (const auto& a : answers) {
    auto entry = answer_of(a);
    const auto count = entry.find("stopping");
    stopping +=
        count != entry.end() && count->is_number_unsigned() ? count->get<std::uint64_t>() : 0;
    if (const auto& error = entry["error"]; error.is_string()) {
      failed.append("; ").append(a.replica).append(": ").append(error.get<std::string>());
      ++failures;
    }
    replicas.push_back(std::move(entry));
  }
  if (failures == answers.size()) {
    res.problem(502, "no replica has done it" + failed);
    return;
  }
  res.status(202);
  res.set("Cache-Control", "no-store");
  const json all = {{"stopping", stopping}, {"replicas", std::move(replicas)}};
  res.body("application/json", all.dump(-1, ' ', true, json::error_handler_t::replace) + "\n");
}

// Only a replica of admin.peers is asked, whatever the key says.
void end_one(const context& ctx, const peers& of, const http::request& req, http::reply& res) {
  const std::string key(req.path_parameter());
  const auto dash = key.rfind('-');
  const auto number = dash == std::string::npos
                          ? std::nullopt
                          : http::number_in_name(std::string_view(key).substr(dash + 1));
  const auto name = key.substr(0, dash);
  const auto patience = of.patience(ctx);
  std::vector<peer_answer> not_asked;
  const auto all = number ? of.addresses(patience.ctx, not_asked) : std::vector<std::string>();
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const auto& replica) { return name_in_key(replica) == name; });
  if (found == all.end()) {
    res.problem(404, "no replica has this request, or the one that had it is gone");
    return;
  }
  const auto a =
      of.ask(patience.ctx, {*found}, question_of(ctx, req, "/requests/" + std::to_string(*number)))
          .at(0);
  const auto entry = answer_of(a);
  if (a.status / 100 != 2 || !entry["error"].is_null()) {
    const auto status = a.status >= 400 && a.status < 500 ? a.status : 502;
    res.problem(status, "the replica " + *found + ": " + entry["error"].get<std::string>());
    return;
  }
  res.status(a.status);
  res.set("Cache-Control", "no-store");
  res.body("application/json", entry.dump(-1, ' ', true, json::error_handler_t::replace) + "\n");
}

}  // namespace

void add_replica_pages(http::server& server, const peers& of, making pages) {
  using http::reply;
  using http::request;
  const auto add = [&](const char* method, const char* path, http::handler answer) {
    server.handle({.method = method,
                   .path = path,
                   .runs_on = &pages.on,
                   .deadline = pages.deadline,
                   .as_written = true,
                   .serves = http::audience::operators,
                   .answer = std::move(answer)});
  };
  add("GET", "/replicas/requests", [&of](const context& ctx, const request& req, reply& res) {
    show(ctx, of, "/requests", req, res);
  });
  add("GET", "/replicas/requests/ended", [&of](const context& ctx, const request& req, reply& res) {
    show(ctx, of, "/requests/ended", req, res);
  });
  add("DELETE", "/replicas/requests",
      handlers::for_own_pages([&of](const context& ctx, const request& req, reply& res) {
        end_many(ctx, of, req, res);
      }));
  add("DELETE", "/replicas/requests/{key}",
      handlers::for_own_pages([&of](const context& ctx, const request& req, reply& res) {
        end_one(ctx, of, req, res);
      }));
}

}  // namespace hangup::server
