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
#include "server/ended_page.h"
#include "server/in_flight_page.h"
#include "server/page_target.h"

namespace hangup::server {
namespace {

using json = nlohmann::ordered_json;

peer_question question_of(const context& ctx, const http::request& req, std::string_view path,
                          peer_page page, std::string_view instance = {}) {
  page_target t(path);
  for (const auto& [name, value] : req.parameters()) {
    if (instance.empty() || name != "server") {  // the key has it
      t.add(name, value);
    }
  }
  if (!instance.empty()) {
    t.add("server", instance);
  }
  return {req.method() == "HEAD" ? "GET" : std::string(req.method()),
          t.text(),
          page,
          http::request_id(ctx),
          client_text(req),
          std::string(req.header("Authorization").value_or(""))};
}

// What stands for a replica in a key: a path has no ':' and '.' there.
std::string name_in_key(std::string replica) {
  std::replace_if(
      replica.begin(), replica.end(), [](char c) { return !http::is_alphanumeric(c); }, '_');
  return replica;
}

// Which server of this replica it was, for a key. Another that takes its place uses its numbers
// again.
std::string instance_in(const json& page) {
  constexpr std::size_t most = 16;
  const auto it = page.find("server");
  const auto said = it != page.end() && it->is_string() ? it->get<std::string>() : std::string();
  return said.size() <= most && std::all_of(said.begin(), said.end(), http::is_alphanumeric)
             ? said
             : std::string();
}

// Each request gets the key by which it can be ended from here.
void add_keys(json& requests, const std::string& replica, const std::string& instance) {
  for (auto& one : requests) {
    one["key"] = name_in_key(replica) + "-" + instance + "-" +
                 std::to_string(one["number"].get<std::uint64_t>());
  }
}

// What it has answered, or why not. Its own words are those that read_peer_json() knows, and none
// of them takes the place of ours.
json entry_of(const peer_answer& a, peer_page page) {
  json entry = {{"replica", a.replica}, {"error", a.error.empty() ? json(nullptr) : json(a.error)}};
  if (a.end == peer_end::answered) {
    auto read = read_peer_json(a.body, page).members;
    const auto instance = instance_in(read);
    for (auto& [name, value] : read.items()) {
      if (value.is_array()) {
        add_keys(value, a.replica, instance);
      }
      entry.emplace(name, std::move(value));
    }
  }
  return entry;
}

std::vector<peer_answer> ask_all(const context& ctx, const peers& of, const peer_question& what) {
  const auto patience = of.patience(ctx);
  std::vector<peer_answer> not_asked;
  const auto replicas = of.addresses(patience.ctx, not_asked);
  auto answers = of.ask(patience.ctx, replicas, what);
  std::move(not_asked.begin(), not_asked.end(), std::back_inserter(answers));
  return answers;
}

bool has_answered(const peer_answer& a) {
  return a.end == peer_end::answered;
}

// None of them has answered: 504 if all of them are late.
void say_why_none(http::reply& res, const std::string& what,
                  const std::vector<peer_answer>& answers) {
  constexpr std::size_t most_named = 8;
  auto detail = what;
  for (std::size_t i = 0; i < std::min(answers.size(), most_named); ++i) {
    detail.append("; ").append(answers[i].replica).append(": ").append(answers[i].error);
  }
  if (answers.size() > most_named) {
    detail.append("; and ").append(std::to_string(answers.size() - most_named)).append(" more");
  }
  const bool late = std::all_of(answers.begin(), answers.end(),
                                [](const auto& a) { return a.end == peer_end::timed_out; });
  res.problem(late ? 504 : 502, detail);
}

void show(const context& ctx, const peers& of, std::string_view path, peer_page page,
          const http::request& req, http::reply& res) {
  handlers::parameters p(req);
  static_cast<void>(p.number("limit", 1, 1, most_peer_entries));
  const auto wrong = !p.problem().empty()           ? p.problem()
                     : page == peer_page::in_flight ? wrong_with_in_flight(req)
                                                    : wrong_with_ended(req);
  if (!wrong.empty()) {
    res.problem(400, wrong);
    return;
  }
  auto answers = ask_all(ctx, of, question_of(ctx, req, path, page));
  if (ctx.done()) {
    return;  // without a head: so the client is told why by its status
  }
  if (std::none_of(answers.begin(), answers.end(), has_answered)) {
    say_why_none(res, "no replica has answered", answers);
    return;
  }
  res.stream("application/json",
             [answers = std::move(answers), page](const context& c, http::body_writer& out) {
               handlers::json_list list(out, json::object(), "replicas");
               for (const auto& a : answers) {
                 if (const auto ec = list.add(c, entry_of(a, page))) {
                   return ec;
                 }
               }
               return list.finish(c);
             });
}

void say_done(http::reply& res, const json& what) {
  res.status(202);
  res.set("Cache-Control", "no-store");
  res.body("application/json", what.dump(-1, ' ', true) + "\n");
}

void end_many(const context& ctx, const peers& of, const http::request& req, http::reply& res) {
  if (const auto wrong = wrong_with_ending_many(req); !wrong.empty()) {
    res.problem(400, wrong);
    return;
  }
  const auto answers = ask_all(ctx, of, question_of(ctx, req, "/requests", peer_page::end_many));
  if (std::none_of(answers.begin(), answers.end(), has_answered)) {
    say_why_none(res, "no replica has done it", answers);
    return;
  }
  std::uint64_t stopping = 0;  // it has no end at which it begins anew: see read_peer_json()
  auto replicas = json::array();
  for (const auto& a : answers) {
    auto entry = entry_of(a, peer_page::end_many);
    stopping += has_answered(a) ? entry["stopping"].get<std::uint64_t>() : 0;
    replicas.push_back(std::move(entry));
  }
  say_done(res, {{"stopping", stopping}, {"replicas", std::move(replicas)}});
}

// What is told of one that has not ended a request. What it says about its own clients and its own
// token would be wrong here.
int status_of(const peer_answer& a) {
  if (a.end == peer_end::timed_out) {
    return 504;
  }
  return a.end == peer_end::failed && (a.status == 400 || a.status == 404) ? a.status : 502;
}

struct key_parts {
  std::string replica;  // as name_in_key() has it
  std::string instance;
  std::uint64_t number = 0;
};

std::optional<key_parts> parts_of(std::string_view key) {
  const auto last = key.rfind('-');
  const auto first = last == std::string_view::npos ? last : key.substr(0, last).rfind('-');
  if (first == std::string_view::npos) {
    return std::nullopt;
  }
  const auto number = http::number_in_name(key.substr(last + 1));
  return number ? std::optional(key_parts{std::string(key.substr(0, first)),
                                          std::string(key.substr(first + 1, last - first - 1)),
                                          *number})
                : std::nullopt;
}

// Only a replica of admin.peers is asked, whatever the key says.
void end_one(const context& ctx, const peers& of, const http::request& req, http::reply& res) {
  const auto key = parts_of(req.path_parameter());
  const auto patience = of.patience(ctx);
  std::vector<peer_answer> not_asked;
  const auto all = key ? of.addresses(patience.ctx, not_asked) : std::vector<std::string>();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& replica) {
    return name_in_key(replica) == key->replica;
  });
  if (found == all.end()) {
    res.problem(404, "no replica has this request, or the one that had it is gone");
    return;
  }
  const auto what = question_of(ctx, req, "/requests/" + std::to_string(key->number),
                                peer_page::end_one, key->instance);
  const auto a = of.ask(patience.ctx, {*found}, what).at(0);
  if (has_answered(a)) {
    say_done(res, entry_of(a, peer_page::end_one));
  } else {
    res.problem(status_of(a), "the replica " + *found + ": " + a.error);
  }
}

}  // namespace

void add_replica_pages(http::server& server, const peers& of, page_pool pages) {
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
    show(ctx, of, "/requests", peer_page::in_flight, req, res);
  });
  add("GET", "/replicas/requests/ended", [&of](const context& ctx, const request& req, reply& res) {
    show(ctx, of, "/requests/ended", peer_page::ended, req, res);
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
