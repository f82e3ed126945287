#include "server/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "server/config_keys.h"
#include "server/schema.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const char* const shipped = "config/server.json";  // tests run in the root of the source tree

std::string error_of(const std::string& text) {
  try {
    parse(text, "c.json");
    return "";
  } catch (const config_error& wrong) {
    return wrong.what();
  }
}

// A document that sets one key, given by its dotted path.
std::string document(const std::string& path, const json& value) {
  auto pointer = "/" + path;
  std::replace(pointer.begin(), pointer.end(), '.', '/');
  json d = json::object();
  if (path.starts_with("pools.")) {  // what the routes need, and what a pool needs
    d["pools"] = json::parse(R"({"query": {"workers": 1}, "cpu": {"workers": 1},
                                 "search": {"workers": 1}, "p": {"workers": 1}})");
  }
  if (path.starts_with("databases.")) {  // what a database and a report need
    d["databases"] = json::parse(R"({"p": {"kind": "sqlite", "file": "x.db"}})");
  }
  if (path.starts_with("databases.p.reports.")) {
    d["databases"]["p"]["reports"] = json::parse(R"({"p": {"sql": "SELECT 1"}})");
  }
  if (path.starts_with("jobs.max_")) {  // one result fits into all of them
    d["jobs"] = {{"max_result_bytes", 1}, {"max_total_bytes", std::int64_t{1} << 36U}};
  }
  d[json::json_pointer(pointer)] = value;
  return d.dump();
}

// Calls `each` for every key with a value of its own; of a map, for those of a member named "p".
void for_each_key(const std::function<void(const std::string& path, const json& node)>& each) {
  const std::function<void(const std::string&, const json&)> walk = [&](const std::string& path,
                                                                        const json& node) {
    if (node.at("type") != "object") {
      each(path, node);
      return;
    }
    const auto inside = path.empty() ? "" : path + ".";
    const auto properties = node.value("properties", json::object());
    for (const auto& property : properties.items()) {
      walk(inside + property.key(), property.value());
    }
    if (node.at("additionalProperties").is_object()) {
      walk(inside + "p", node.at("additionalProperties"));
    }
  };
  walk("", json(config_keys().schema));
}

json document_of_defaults() {
  auto complete = json::object();
  EXPECT_TRUE(config_schema().complete(complete).empty());
  return complete;
}

TEST(config, the_shipped_file_states_the_defaults_and_every_one_of_them) {
  std::ifstream file(shipped);
  ASSERT_TRUE(file) << shipped << " is not in the current directory";
  auto stated = json::parse(file);
  auto with_all = stated;  // of a parameter it states what is of its type
  ASSERT_TRUE(config_schema().complete(with_all).empty());
  stated["databases"]["sqlite"]["reports"] = with_all["databases"]["sqlite"]["reports"];
  EXPECT_EQ(stated, document_of_defaults());
  EXPECT_EQ(load(shipped), defaults());
}

TEST(config, the_defaults_are_those_of_the_design) {
  const auto c = defaults();
  EXPECT_EQ(c.listen.host, "127.0.0.1");
  EXPECT_EQ(c.listen.port, 8080);
  EXPECT_EQ(c.listen.path, "");
  EXPECT_EQ(c.listen.mode, 0660U);
  EXPECT_TRUE(c.listen.more.empty());
  EXPECT_EQ(c.listen.backlog, 1024);
  EXPECT_EQ(c.log.level, log_level::info);
  EXPECT_EQ(c.log.format, log_format::text);
  EXPECT_EQ(c.log.queue, 8192u);
  EXPECT_TRUE(c.log.skip.empty());
  EXPECT_EQ(c.http.front_threads, 2u);
  EXPECT_EQ(c.http.front_loops, 1u);
  EXPECT_EQ(c.http.max_connections, 10'000u);
  EXPECT_EQ(c.http.max_head_bytes, 16u * 1024);
  EXPECT_EQ(c.http.max_headers, 100u);
  EXPECT_EQ(c.http.max_body_bytes, 8u * 1024 * 1024);
  EXPECT_EQ(c.http.body_buffer_bytes, 64u * 1024);
  EXPECT_EQ(c.http.head_timeout, 10s);
  EXPECT_EQ(c.http.idle_timeout, 60s);
  EXPECT_EQ(c.http.body_timeout, 30s);
  EXPECT_EQ(c.http.body_min_rate, 1024u);
  EXPECT_EQ(c.http.write_timeout, 30s);
  EXPECT_EQ(c.http.write_min_rate, 1024u);
  EXPECT_EQ(c.http.spot_deadline, 10s);
  EXPECT_EQ(c.http.linger_timeout, 1s);
  EXPECT_EQ(c.http.late_after, 1s);
  EXPECT_EQ(c.http.keepalive_idle, 10s);
  EXPECT_EQ(c.http.keepalive_interval, 5s);
  EXPECT_EQ(c.http.keepalive_probes, 3);
  EXPECT_EQ(c.http.user_timeout, 30s);
  using pool = config::pool_t;
  EXPECT_EQ(c.pools, (std::map<std::string, pool>{{"query", pool{64, 1024, 25}},
                                                  {"cpu", pool{2, 64, 25}},
                                                  {"search", pool{4, 64, 25}}}));
  EXPECT_EQ(c.tasks, (config::tasks_t{c.http.front_threads, 100ms}));
  EXPECT_EQ(c.routes.query_sim, (config::route_t{"query", 30s}));
  EXPECT_EQ(c.routes.query_sim_task, (config::task_route_t{100'000, 30s}));
  EXPECT_EQ(c.routes.spin, (config::route_t{"cpu", 60s}));
  EXPECT_EQ(c.routes.search, (config::route_t{"search", 30s}));
  EXPECT_EQ(c.routes.relay, (config::task_route_t{1'000, 60s}));
  EXPECT_EQ(c.routes.fanout, (config::task_route_t{1'000, 30s}));
  EXPECT_EQ(c.fanout, (config::fanout_t{"revenue_by_country", 32, 6, 25, 2s}));
  EXPECT_TRUE(c.databases.at("sqlite").reports.contains(c.fanout.report));
  EXPECT_LT(c.fanout.parts_at_once, c.databases.at("sqlite").connections);
  EXPECT_EQ(c.routes.job_result, (config::task_route_t{1'000, 60s}));
  EXPECT_EQ(c.jobs, (config::jobs_t{64, 16U << 20U, 128U << 20U, 10min, 10min, 25}));
  EXPECT_TRUE(c.relay.upstreams.empty());
  EXPECT_EQ(c.relay.targets, (std::map<std::string, std::string>{{"sim", "/query/sim"},
                                                                 {"sim_task", "/query/sim/task"},
                                                                 {"spin", "/spin"},
                                                                 {"search", "/search"}}));
  EXPECT_EQ(c.relay.max_hops, 8u);
  EXPECT_EQ(c.relay.connect_timeout, 2s);
  EXPECT_EQ(c.relay.stall_timeout, 60s);
  EXPECT_EQ(c.relay.max_head_bytes, 64u * 1024);
  EXPECT_EQ(c.search.root, "build/corpus");
  EXPECT_TRUE(c.search.sample);
  EXPECT_FALSE(c.search.cross_mounts);
  EXPECT_EQ(parse(R"({"search": {"max_matches_limit": 5}})", "f").search.root, "")
      << "what is searched is said";
  EXPECT_EQ(c.search.max_matches_limit, 100'000u);
  EXPECT_EQ(c.requests.completed, 1024u);
  EXPECT_EQ(c.requests.not_completed, 4096u);
  EXPECT_EQ(c.stopping.announce, 0s);
  EXPECT_EQ(c.stopping.drain, 10s);
  EXPECT_EQ(c.stopping.stop, 5s);
}

TEST(config, every_number_may_be_its_least_and_its_most_and_nothing_beyond) {
  auto numbers = 0;
  for_each_key([&](const std::string& path, const json& node) {
    if (node.at("type") != "integer") {
      return;
    }
    ++numbers;
    const auto least = node.at("minimum").get<std::int64_t>();
    const auto most = node.at("maximum").get<std::int64_t>();
    const auto range = ", allowed " + std::to_string(least) + ".." + std::to_string(most);
    EXPECT_EQ(error_of(document(path, least)), "");
    EXPECT_EQ(error_of(document(path, most)), "");
    for (const auto beyond : {least - 1, most + 1}) {
      EXPECT_EQ(error_of(document(path, beyond)),
                "c.json: " + path + ": found " + std::to_string(beyond) + range);
    }
    EXPECT_EQ(error_of(document(path, "x")),
              "c.json: " + path + ": found a string, allowed an integer" + range.substr(9));
  });
  EXPECT_GT(numbers, 20);
}

TEST(config, every_text_has_its_lengths_and_every_word_is_one_of_its_words) {
  for_each_key([&](const std::string& path, const json& node) {
    if (node.at("type") != "string") {
      return;
    }
    if (node.contains("enum")) {
      for (const auto& word : node.at("enum")) {
        EXPECT_EQ(error_of(document(path, word)), "");
      }
      EXPECT_NE(error_of(document(path, "no such word")), "");
      return;
    }
    // A good length may still name no pool: it is the length that must not be complained of.
    const auto least = node.value("minLength", std::size_t{0});
    const auto most = node.at("maxLength").get<std::size_t>();
    const auto complains = [&](std::size_t length) {
      return error_of(document(path, std::string(length, 'x'))).find(" characters, allowed") !=
             std::string::npos;
    };
    EXPECT_FALSE(complains(least)) << path;
    EXPECT_FALSE(complains(most)) << path;
    EXPECT_TRUE(complains(most + 1)) << path;
    EXPECT_TRUE(least == 0 || complains(least - 1)) << path;
  });
}

TEST(config, every_key_has_an_effect_of_its_own) {
  std::map<std::string, config> seen;
  for_each_key([&](const std::string& path, const json& node) {
    if (path == "$schema" || path.starts_with("tls.") ||  // the editor's; not without each other
        path == "databases.p.kind" || path.starts_with("relay.upstreams.") ||
        path.starts_with("relay.targets.")) {
      return;
    }
    const json usual = path.ends_with(".file")  ? "x.db"
                       : path.ends_with(".sql") ? "SELECT 1"
                                                : node.value("default", json(1));
    json other;
    if (node.at("type") == "array") {
      other = node.at("items").at("type") == "string"
                  ? json::parse(R"(["/x"])")
                  : json::parse(R"([{"name": "n", "type": "integer", "required": true}])");
    } else if (node.at("type") == "boolean") {
      other = !usual.get<bool>();
    } else if (node.at("type") == "integer") {
      other = node.value("default", 1) + 1;
    } else if (node.contains("enum")) {
      other = node.at("enum").back();
    } else {
      other = "error";
    }
    if (path.starts_with("listen.m")) {
      other = path == "listen.mode" ? json("0600") : json::parse(R"(["a:1"])");
    }
    if (path == "admin.hosts") {
      other = json::parse(R"(["a"])");
    } else if (path == "admin.peers") {
      other = json::parse(R"(["a:1"])");
    } else if (path == "admin.listen") {
      other = "same";
    }
    if (path.ends_with(".pool")) {
      other = node.at("default") == "query" ? "cpu" : "query";
    }
    const auto c = parse(document(path, other), "c.json");
    EXPECT_FALSE(c == parse(document(path, usual), "c.json")) << path;
    for (const auto& [before, same] : seen) {
      EXPECT_FALSE(c == same) << path << " does what " << before << " does";
    }
    seen.emplace(path, c);
  });
}

TEST(config, an_address_of_listen_has_its_form) {
  EXPECT_EQ(error_of(R"({"listen": {"more": ["127.0.0.1:1", "[::1]:2", "unix:s"]}})"), "");
  EXPECT_EQ(error_of(R"({"listen": {"more": ["a:1", "b"]}})"),
            "c.json: listen.more[1]: found \"b\", but there is no port, allowed such as "
            "127.0.0.1:8080, [::1]:8080, localhost:0, unix:/run/hangup.sock");
  EXPECT_EQ(error_of(R"({"listen": {"path": "a\nb"}})"),
            "c.json: listen.path: found \"a\\nb\", allowed no control characters");
  EXPECT_EQ(error_of(R"({"listen": {"mode": "rw"}})"),
            "c.json: listen.mode: found a string of 2 characters, allowed a string of 3..4 "
            "characters matching ^0?[0-7]{3}$");
  EXPECT_EQ(parse(R"({"listen": {"mode": "777"}})", "c").listen.mode, 0777U);
}

TEST(config, without_a_host_there_is_another_address_to_listen_on) {
  const std::string nowhere =
      "c.json: listen.host: found nothing, allowed nothing only if listen.path or listen.more has "
      "an address";
  EXPECT_EQ(error_of(R"({"listen": {"host": ""}})"), nowhere);
  EXPECT_EQ(error_of(R"({"listen": {"host": "", "path": "s"}})"), "");
  EXPECT_EQ(error_of(R"({"listen": {"host": "", "more": ["unix:@s"]}})"), "");
}

TEST(config, a_document_that_is_completed_says_the_same_as_before) {
  EXPECT_EQ(parse(document_of_defaults().dump(), "c.json"), defaults());
  for_each_key([&](const std::string& path, const json& node) {
    if (node.at("type") != "integer") {
      return;
    }
    const auto text = document(path, node.at("maximum"));
    mistakes wrong;
    const auto completed = read_document(text, "c.json", {}, wrong).values;
    EXPECT_EQ(wrong.text(), "");
    EXPECT_EQ(parse(completed.dump(), "c.json"), parse(text, "c.json")) << path;
  });
}

TEST(config, a_certificate_goes_with_its_key) {
  const auto both = parse(R"({"tls": {"certificate": "c.pem", "key": "k.pem"}})", "c");
  EXPECT_EQ(both.tls.certificate, "c.pem");
  EXPECT_EQ(both.tls.key, "k.pem");
  EXPECT_EQ(error_of(R"({"tls": {"certificate": "c.pem"}})"),
            "c.json: tls.key: found nothing, allowed the path of a PEM file, as tls.certificate "
            "has one");
  EXPECT_EQ(error_of(R"({"tls": {"key": "k.pem"}})"),
            "c.json: tls.certificate: found nothing, allowed the path of a PEM file, as tls.key "
            "has one");
}

TEST(config, a_half_close_is_the_routes_own_or_the_servers) {
  EXPECT_EQ(parse("{}", "c").http.on_half_close, http::half_close::cancel);
  EXPECT_EQ(parse("{}", "c").routes.spin.on_half_close, std::nullopt);
  const auto c = parse(R"({"http": {"half_close": "ignore"},
                           "routes": {"spin": {"half_close": "cancel"}}})",
                       "c");
  EXPECT_EQ(c.http.on_half_close, http::half_close::ignore);
  EXPECT_EQ(c.routes.spin.on_half_close, http::half_close::cancel);
  EXPECT_EQ(c.routes.search.on_half_close, std::nullopt);
}

TEST(config, a_unit_in_a_name_is_the_unit_of_the_value) {
  EXPECT_EQ(parse(R"({"http": {"idle_timeout_ms": 1500}})", "c").http.idle_timeout, 1500ms);
  EXPECT_EQ(parse(R"({"http": {"keepalive_idle_s": 7}})", "c").http.keepalive_idle, 7s);
  EXPECT_EQ(parse(R"({"stopping": {"drain_seconds": 0}})", "c").stopping.drain, 0s);
  EXPECT_EQ(parse(R"({"routes": {"spin": {"deadline_ms": 0}}})", "c").routes.spin.deadline, 0ms);
}

TEST(config, every_log_level_and_format_has_its_value) {
  const auto level = [](const char* name) {
    return parse(document("log.level", name), "c").log.level;
  };
  EXPECT_EQ(level("trace"), log_level::trace);
  EXPECT_EQ(level("debug"), log_level::debug);
  EXPECT_EQ(level("info"), log_level::info);
  EXPECT_EQ(level("warn"), log_level::warn);
  EXPECT_EQ(level("error"), log_level::error);
  EXPECT_EQ(parse(document("log.format", "json"), "c").log.format, log_format::json);
}

TEST(config, an_unknown_key_is_refused_with_the_nearest_known_one) {
  EXPECT_EQ(error_of(R"({"http": {"idle_timout_ms": 5}})"),
            R"(c.json: http.idle_timout_ms: unknown key; did you mean "idle_timeout_ms"?)");
  EXPECT_EQ(error_of(R"({"lisen": {}})"), R"(c.json: lisen: unknown key; did you mean "listen"?)");
  EXPECT_EQ(error_of(R"({"pools": {"p": {"worker": 1}}})"),
            "c.json: pools.p.worker: unknown key; did you mean \"workers\"?\n"
            "c.json: pools.p.workers: missing, allowed an integer 0..10000");
}

TEST(config, a_wrong_value_is_refused_with_what_was_found_and_what_is_allowed) {
  EXPECT_EQ(error_of(R"({"listen": {"port": 99999}})"),
            "c.json: listen.port: found 99999, allowed 0..65535");
  EXPECT_EQ(error_of(R"({"log": {"level": "fast"}})"),
            R"(c.json: log.level: found "fast", allowed one of )"
            R"("trace", "debug", "info", "warn", "error")");
  EXPECT_EQ(error_of(R"({"http": {"max_headers": "1"}})"),
            "c.json: http.max_headers: found a string, allowed an integer 1..1000");
  EXPECT_EQ(error_of("[]"), "c.json: found an array, allowed an object");
}

TEST(config, pools_that_are_given_replace_the_default_ones) {
  const auto c =
      parse(R"({"pools": {"all": {"workers": 3}}, "routes": {"query_sim": {"pool": "all"},
      "spin": {"pool": "all"}, "search": {"pool": "all"}}, "databases": {}})",
            "c.json");
  EXPECT_EQ(c.pools, (std::map<std::string, config::pool_t>{{"all", {3, 64, 25}}}));
  EXPECT_EQ(c.routes.spin, (config::route_t{"all", 60s}));
}

TEST(config, the_paths_that_are_not_logged_are_few_and_begin_with_a_slash) {
  EXPECT_EQ(parse(R"({"log": {"skip": ["/healthz", "/jobs/{id}"]}})", "c.json").log.skip,
            (std::vector<std::string>{"/healthz", "/jobs/{id}"}));
  EXPECT_EQ(
      error_of(R"({"log": {"skip": ["healthz"]}})"),
      "c.json: log.skip[0]: found \"healthz\", allowed a string of 1..256 characters matching "
      "^/[!-~]*$");
  EXPECT_EQ(error_of(R"({"log": {"skip": "/healthz"}})"),
            "c.json: log.skip: found a string, allowed an array of at most 32");
  EXPECT_EQ(error_of(document("log.skip", json::array({"/" + std::string(255, 'x')}))), "");
  EXPECT_NE(error_of(document("log.skip", json::array({"/" + std::string(256, 'x')}))), "");
  EXPECT_EQ(error_of(document("log.skip", std::vector<std::string>(32, "/x"))), "");
  EXPECT_EQ(error_of(document("log.skip", std::vector<std::string>(33, "/x"))),
            "c.json: log.skip: found an array of 33, allowed an array of at most 32");
}

TEST(config, a_report_is_read_with_its_parameters_in_order) {
  const auto c = parse(R"({"databases": {"shop": {"kind": "sqlite", "file": "s.db", "wait_ms": 5,
      "reports": {"r": {"sql": "SELECT $1, $2, $3", "parameters": [
        {"name": "z", "type": "integer", "minimum": -1, "maximum": 5, "default": "2"},
        {"name": "b", "type": "real", "minimum": 0.5, "maximum": 1.5, "required": true},
        {"name": "a", "type": "text", "max_bytes": 9}]}}}}})",
                       "c.json");
  const auto& shop = c.databases.at("shop");
  EXPECT_EQ(shop.wait, 5ms);
  EXPECT_EQ(shop.reports.at("r"),
            (query::report{"r",
                           "",
                           "SELECT $1, $2, $3",
                           {{"z", query::integer_range{-1, 5}, query::value(std::int64_t{2})},
                            {"b", query::real_range{0.5, 1.5}, {}},
                            {"a", query::text_limit{9}, query::value(std::string())}}}));
}

TEST(config, a_database_or_a_parameter_that_makes_no_sense_is_refused) {
  const auto with = [](const char* parameters) {
    return error_of(document("databases.p.reports.p.parameters", json::parse(parameters)));
  };
  const std::string at = "c.json: databases.p.reports.p.parameters";
  EXPECT_EQ(with(R"([{"name": "n", "type": "integer"}])"),
            at + "[0].default: found \"\", allowed a whole number 0..9007199254740991, or "
                 "\"required\": true");
  EXPECT_EQ(with(R"([{"name": "n", "type": "integer", "default": "7", "maximum": 6}])"),
            at + "[0].default: found \"7\", allowed a whole number 0..6, or \"required\": true");
  EXPECT_EQ(with(R"([{"name": "n", "type": "real", "default": "7", "required": true}])"),
            at + "[0].default: found \"7\", allowed none, as it is required");
  EXPECT_EQ(with(R"([{"name": "n", "type": "integer", "minimum": 0.5, "required": true}])"),
            at + "[0].minimum: found 0.5, allowed a whole number, as the type is integer");
  EXPECT_EQ(with(R"([{"name": "n", "type": "real", "minimum": 2, "maximum": 1, "default": "1"}])"),
            at + "[0].minimum: found 2, allowed at most 1, which is its maximum");
  EXPECT_EQ(with(R"([{"name": "a", "type": "text"}, {"name": "a", "type": "text"}])"),
            at + "[1].name: found \"a\", allowed another one: it is taken");
  EXPECT_EQ(with(R"([{"name": "report", "type": "text"}])"),
            at + "[0].name: found \"report\", allowed another one: requests name the report by it");
  EXPECT_EQ(with(R"([{"name": "detach", "type": "text"}])"),
            at + "[0].name: found \"detach\", allowed another one: requests start jobs by it");
  EXPECT_EQ(with(R"([{"name": "a", "type": "text"}, {"name": "b", "type": "text",
                    "default": "\u0000"}])"),
            at + "[1].default: found a string with a NUL in it");
  EXPECT_EQ(error_of(R"({"log": {"skip": ["a", "b\u0000"]}})"),
            "c.json: log.skip[1]: found a string with a NUL in it");
  EXPECT_EQ(with(R"([{"name": "a", "type": "blob"}])"),
            at + "[0].type: found \"blob\", allowed one of \"integer\", \"real\", \"text\"");
  EXPECT_EQ(with(R"([1])"), at + "[0]: found 1, allowed an object");
  EXPECT_EQ(with("{}"), at + ": found an object, allowed an array of at most 32");
  EXPECT_EQ(error_of(R"({"databases": {"d": {"kind": "sqlite"}}})"),
            "c.json: databases.d.file: found nothing, allowed the path of a SQLite file");
  EXPECT_EQ(error_of(R"({"databases": {"sim": {"kind": "sqlite", "file": "x"}}})"),
            "c.json: databases.sim: allowed another name: /query/sim is the simulated database");
  EXPECT_EQ(error_of(R"({"databases": {"d": {"kind": "sqlite", "file": "x", "sample": 1}}})"),
            "c.json: databases.d.sample: found 1, allowed true or false");
  EXPECT_EQ(error_of(R"({"databases": {"d": {"kind": "sqlite", "file": "x", "pool": "y"}}})"),
            R"(c.json: databases.d.pool: found "y", allowed one of "cpu", "query", "search")");
}

TEST(config, a_connection_string_that_is_none_is_refused_and_not_shown) {
  const auto wrong =
      error_of(R"({"databases": {"d": {"kind": "postgres", "conninfo": "password=s3cret word"}}})");
  EXPECT_TRUE(wrong.starts_with("c.json: databases.d.conninfo: found what libpq does not take"))
      << wrong;
  EXPECT_EQ(wrong.find("s3cret"), std::string::npos) << wrong;
  EXPECT_EQ(wrong.find("word="), std::string::npos) << wrong;
  for (const auto* good : {"", "host=/run/postgresql dbname=x", "postgresql://u:p@localhost/x"}) {
    const auto c = parse(
        R"({"databases": {"d": {"kind": "postgres", "conninfo": ")" + std::string(good) + "\"}}}",
        "c.json");
    EXPECT_EQ(c.databases.at("d").conninfo, good);
  }
}

TEST(config, all_mistakes_are_told_whatever_is_beside_them) {
  EXPECT_EQ(error_of(R"({"listen": {"prot": 1}, "log": {"level": "loud"}, "lisen": {},
                         "databases": {"sim": {"kind": "sqlite"}}, "tls": {"key": "k"},
                         "routes": {"spin": {"pool": "cpus"}}})"),
            R"(c.json: lisen: unknown key; did you mean "listen"?
c.json: listen.prot: unknown key; did you mean "port"?
c.json: log.level: found "loud", allowed one of "trace", "debug", "info", "warn", "error"
c.json: routes.spin.pool: found "cpus", allowed one of "cpu", "query", "search"
c.json: databases.sim: allowed another name: /query/sim is the simulated database
c.json: databases.sim.file: found nothing, allowed the path of a SQLite file
c.json: tls.certificate: found nothing, allowed the path of a PEM file, as tls.key has one)");
}

TEST(config, of_a_section_with_a_mistake_nothing_more_is_said_and_no_setting_makes_up_for_it) {
  EXPECT_EQ(error_of(R"({"pools": {"query": 1}, "routes": {"spin": {"pool": "fast"}}})"),
            "c.json: pools.query: found 1, allowed an object");
  mistakes wrong;
  const auto d = read_document(R"({"databases": {"pg": {"kind": "postgre"}}, "search": 1})", "c",
                               {{"HANGUP_DATABASES__PG__WAIT_MS", "databases.pg.wait_ms", "5"},
                                {"HANGUP_LISTEN__PORT", "listen.port", "x"},
                                {"HANGUP_LOG__LEVEL", "log.level", "warn"}},
                               wrong);
  EXPECT_EQ(wrong.text(),
            "c: databases.pg.kind: found \"postgre\", allowed one of \"sqlite\", \"postgres\"\n"
            "c: search: found 1, allowed an object\n"
            "HANGUP_LISTEN__PORT: found \"x\", allowed an integer 0..65535");
  const auto c = config_of(d);
  EXPECT_TRUE(c.databases.empty());
  EXPECT_EQ(c.search.root, "");
  EXPECT_EQ(c.listen.port, 8080);
  EXPECT_EQ(c.log.level, log_level::warn) << "what is right is kept";
}

TEST(config, a_file_that_is_empty_or_no_utf_8_is_said_to_be_so) {
  const auto name = testing::TempDir() + "hangup_config_" + std::to_string(::getpid());
  const auto says = [&name](const std::string& bytes) {
    std::ofstream(name, std::ios::binary) << bytes;
    mistakes wrong;
    load_document(name, "", {}, wrong);
    EXPECT_TRUE(wrong.text().starts_with(name + ": ")) << wrong.text();
    return wrong.text().substr(name.size() + 2);
  };
  EXPECT_EQ(says(""), "it is empty, allowed JSON, such as {}");
  EXPECT_EQ(says(" \n"), "it is empty, allowed JSON, such as {}");
  EXPECT_EQ(says(std::string("\xff\xfe{\0}\0", 6)), "it is UTF-16, allowed JSON in UTF-8");
  EXPECT_EQ(says(std::string("{\0}\0", 4)), "it is UTF-16, allowed JSON in UTF-8");
  ::unlink(name.c_str());
}

TEST(config, a_pool_must_say_how_many_workers_it_has) {
  EXPECT_EQ(error_of(R"({"pools": {"p": {}}})"),
            "c.json: pools.p.workers: missing, allowed an integer 0..10000");
}

TEST(config, a_route_in_a_pool_that_does_not_exist_is_refused_with_the_pools_that_do) {
  EXPECT_EQ(error_of(R"({"routes": {"spin": {"pool": "cpus"}}})"),
            R"(c.json: routes.spin.pool: found "cpus", allowed one of "cpu", "query", "search")");
  const auto one = [](const std::string& user) {
    return "c.json: " + user + ".pool: found \"query\", allowed one of \"cpu\"\n";
  };
  const std::string search = R"(c.json: routes.search.pool: found "search", allowed one of "cpu")";
  EXPECT_EQ(error_of(R"({"pools": {"cpu": {"workers": 1}}})") + "\n",
            one("routes.query_sim") + search + "\n" + one("databases.sqlite"));
  EXPECT_EQ(error_of(R"({"pools": {"cpu": {"workers": 1}}, "databases": {}})"),
            one("routes.query_sim") + search);
  const auto of_kind = [](const std::string& kind) {
    return error_of(R"({"databases": {"d": {"pool": "x", "kind": ")" + kind +
                    R"(", "file": "x", "conninfo": "host=x"}}})");
  };
  EXPECT_EQ(of_kind("sqlite"),
            R"(c.json: databases.d.pool: found "x", allowed one of "cpu", "query", "search")");
  EXPECT_EQ(of_kind("postgres"), "") << "its queries are tasks";
  EXPECT_TRUE(
      error_of(R"({"pools": {}})")
          .starts_with(
              R"(c.json: routes.query_sim.pool: found "query", allowed nothing: there are no pools)"));
}

TEST(config, one_result_of_a_job_fits_into_all_of_them) {
  EXPECT_EQ(error_of(R"({"jobs": {"max_total_bytes": 1000}})"),
            "c.json: jobs.max_total_bytes: found 1000, allowed from jobs.max_result_bytes on, "
            "which is 16777216");
  EXPECT_EQ(error_of(R"({"jobs": {"max_result_bytes": 1000, "max_total_bytes": 1000}})"), "");
}

TEST(config, a_route_whose_handler_is_a_task_has_a_limit_and_no_pool) {
  EXPECT_EQ(error_of(R"({"pools": {"query": {"workers": 1}, "cpu": {"workers": 1},
                         "search": {"workers": 1}},
                         "relay": {"upstreams": {"next": {"url": "http://a"}}}})"),
            "");
  EXPECT_EQ(error_of(R"({"routes": {"relay": {"pool": "query"}}})"),
            R"(c.json: routes.relay.pool: unknown key; allowed: "deadline_ms", "half_close", )"
            R"("max_in_flight")");
  for (const auto* const route : {"relay", "query_sim_task", "fanout", "job_result"}) {
    const auto with = std::string(R"({"routes": {")") + route + R"(": {"max_in_flight": )";
    EXPECT_EQ(error_of(with + "0}}}"), "");
    EXPECT_EQ(error_of(with + "-1}}}"), std::string("c.json: routes.") + route +
                                            ".max_in_flight: found -1, allowed 0..10000000");
  }
}

TEST(config, a_fan_out_has_parts_within_their_range) {
  EXPECT_EQ(error_of(R"({"fanout": {"max_parts": 0}})"),
            "c.json: fanout.max_parts: found 0, allowed 1..1024");
  EXPECT_EQ(error_of(R"({"fanout": {"parts_at_once": 1025}})"),
            "c.json: fanout.parts_at_once: found 1025, allowed 1..1024");
}

TEST(config, an_upstream_is_a_name_and_a_place_and_no_more) {
  const auto with = [](const std::string& url) {
    return json{{"relay", {{"upstreams", {{"next", {{"url", url}}}}}}}}.dump();
  };
  for (const auto* url : {"http://127.0.0.1:8081", "https://a.example", "http://[::1]:1",
                          "unix:/run/hangup.sock", "unix:@hangup"}) {
    EXPECT_EQ(parse(with(url), "c.json").relay.upstreams.at("next").url, url);
  }
  for (const auto* url :
       {"ftp://a", "a:80", "http://", "http://a/", "http://a/path", "http://u@a", "http://a?b",
        "http://a:123456", "file:///etc/passwd", "http://a b", "unix:", "unix:/a b"}) {
    EXPECT_NE(error_of(with(url)), "") << url;
  }
  EXPECT_EQ(parse(R"({"relay": {"upstreams": {"a": {"url": "https://a", "ca_file": "ca.pem"}}}})",
                  "c.json")
                .relay.upstreams,
            (std::map<std::string, config::relay_t::upstream_t>{{"a", {"https://a", "ca.pem"}}}));
  EXPECT_EQ(error_of(R"({"relay": {"upstreams": {"next": {}}}})").substr(0, 44),
            "c.json: relay.upstreams.next.url: missing, a");
  EXPECT_EQ(parse(R"({"relay": {"targets": {"a": "/b/c"}}})", "c").relay.targets,
            (std::map<std::string, std::string>{{"a", "/b/c"}}));
  EXPECT_NE(error_of(R"({"relay": {"targets": {"a": "b"}}})"), "");
  EXPECT_NE(error_of(R"({"relay": {"targets": {"a": "/b?c"}}})"), "");
}

TEST(config, a_replica_has_a_host_and_a_port_and_is_named_once) {
  const auto with = [](const json& peers) { return error_of(document("admin.peers", peers)); };
  EXPECT_EQ(with({"a-b_c.d:80", "10.0.0.2:8081", "10.0.0.2:8082", "[fe80::1%eth0]:1"}), "");
  const std::string allowed = ", allowed such as 10.0.0.2:8081, [fd00::2]:8081, hangup:8081";
  for (const std::string wrong : {"a b:80", "user@a:80", "\u00e9:80", "a/b:80"}) {
    EXPECT_EQ(with({"a:1", wrong}), "c.json: admin.peers[1]: found " + shown(wrong) +
                                        ", but its host is neither a name nor an address" +
                                        allowed);
  }
  const std::string url = "http://me:s3cret@a:80";
  EXPECT_EQ(with({url}).find("s3cret"), std::string::npos);
  EXPECT_NE(with({url}).find("found \"http://***@a:80\""), std::string::npos) << with({url});
  EXPECT_EQ(with({"http://a:80"}),
            "c.json: admin.peers[0]: found \"http://a:80\", but it is a URL "
            "and no address" +
                allowed);
  EXPECT_EQ(with({"a:1", "b:1", "a:1"}),
            "c.json: admin.peers[2]: found \"a:1\", but it is there before" + allowed);
}

TEST(config, the_name_of_a_pool_is_short_and_plain) {
  const auto named = [](const std::string& name) {
    return error_of(json{{"pools",
                          {{"query", {{"workers", 1}}},
                           {"cpu", {{"workers", 1}}},
                           {"search", {{"workers", 1}}},
                           {name, {{"workers", 1}}}}}}
                        .dump());
  };
  EXPECT_EQ(named("a-z_0123456789"), "");
  EXPECT_EQ(named(std::string(32, 'x')), "");
  for (const auto* wrong : {"", "Query", "a b", "a.b", "ä", "a\n"}) {
    EXPECT_NE(named(wrong), "") << wrong;
  }
  EXPECT_NE(named(std::string(33, 'x')), "");
  EXPECT_NE(named(std::string(500'000, 'x')), "");
}

TEST(config, what_is_not_json_is_refused_with_its_line_and_column) {
  const auto at = [](const std::string& text) {
    const auto error = error_of(text);
    EXPECT_TRUE(error.starts_with("c.json: ")) << error;
    EXPECT_EQ(error.find("json.exception"), std::string::npos) << error;
    return error.substr(8);
  };
  EXPECT_EQ(at(""), "line 1, column 1: not JSON: unexpected end");
  EXPECT_EQ(at("{\n  \"log\": {"), "line 2, column 11: not JSON: unexpected end");
  EXPECT_EQ(at("{\n  \"log\": {},\n}"), "line 3, column 1: not JSON: unexpected \"}\"");
  EXPECT_EQ(at(R"({"a" "b"})"), "line 1, column 6: not JSON: unexpected string");
  EXPECT_EQ(at(R"(["ä" x])"), R"(line 1, column 6: not JSON: unexpected "x")");
  EXPECT_EQ(at(R"(["a" ü])"), R"(line 1, column 6: not JSON: unexpected "\u00fc")");
  EXPECT_EQ(at("\xef\xbb\xbf[}"), R"(line 1, column 2: not JSON: unexpected "}")");
  EXPECT_EQ(at("[\"\xff\"]"), R"(line 1, column 3: not JSON: unexpected "\ufffd")");
  EXPECT_EQ(at("[\"a\nb\"]"), R"(line 1, column 4: not JSON: unexpected "\n")");
  EXPECT_EQ(at("{} {}"), R"(line 1, column 4: not JSON: unexpected "{")");
  EXPECT_EQ(at("[1e999]"), "line 1, column 6: not JSON: number too large");
  EXPECT_EQ(at("{}\n" + std::string(1, '\0') + "x"), "line 2, column 1: not JSON: unexpected NUL");
}

TEST(config, a_comment_is_refused) {
  EXPECT_EQ(error_of("{\n  // fast\n}"),
            "c.json: line 2, column 3: not JSON: comments are not allowed");
  EXPECT_EQ(error_of("/**/ {}"), "c.json: line 1, column 1: not JSON: comments are not allowed");
}

TEST(config, a_key_that_is_given_twice_is_refused) {
  EXPECT_EQ(error_of(R"({"log": {}, "listen": {}, "log": {}})"), "c.json: log: given twice");
  EXPECT_EQ(error_of(R"({"listen": {"port": 1, "host": "x", "port": 1}})"),
            "c.json: listen.port: given twice");
  EXPECT_EQ(error_of(R"({"relay": {"targets": {"a": "/x", "a": "/x"}}})"),
            "c.json: relay.targets.a: given twice");
  EXPECT_EQ(error_of(R"([[], {"a": 1, "\u0061": 1}])"),
            "c.json: [1].a: given twice\nc.json: found an array, allowed an object");
  EXPECT_EQ(error_of(R"({"listen": {"port": 1}, "http": {"max_headers": 1}})"), "");
  EXPECT_EQ(error_of(R"({"log": {}, "log": {"level": "x"}, "listen": {"prot": 1}, "log": {}})"),
            "c.json: log: given twice\nc.json: log: given twice\nc.json: listen.prot: unknown key; "
            "did you mean \"port\"?");
}

TEST(config, a_text_with_a_nul_is_refused_because_the_system_would_cut_it) {
  EXPECT_EQ(error_of(R"({"search": {"root": "/srv\u0000/.."}})"),
            "c.json: search.root: found a string with a NUL in it");
}

TEST(config, a_document_that_is_nested_without_end_is_refused) {
  EXPECT_EQ(error_of(std::string(500'000, '[')), "c.json: nested deeper than 16 levels");
  EXPECT_EQ(error_of(std::string(16, '[') + std::string(16, ']')),
            "c.json: found an array, allowed an object");
}

TEST(config, an_error_is_lines_of_ascii_whatever_the_document_says) {
  for (const std::string evil : {"\\n", "\\u001b[2J", "\\u202e", "\\\"", "ü", "."}) {
    for (const auto& text : {"{\"" + evil + "\": 1}", "{\"log\": {\"level\": \"" + evil + "\"}}",
                             "{\"pools\": {\"" + evil + "\": {}}}",
                             "{\"" + evil + "\": {\"" + evil + "\": 1, \"" + evil + "\": 1}}"}) {
      const auto error = error_of(text);
      EXPECT_FALSE(error.empty()) << text;
      for (const char c : error) {
        EXPECT_TRUE((c >= ' ' && c <= '~') || c == '\n') << text;
      }
      // One for each mistake: the key that is given twice is not known, either.
      EXPECT_LE(std::count(error.begin(), error.end(), '\n'), 2) << error;
    }
  }
}

TEST(config, a_setting_replaces_the_documents) {
  const auto c =
      parse(R"({"listen": {"host": "x", "port": 1}, "log": {"level": "warn"}})", "c.json",
            {{"--port", "listen.port", "2"}, {"--log-level", "log.level", "debug"}});
  EXPECT_EQ(c.listen.host, "x");
  EXPECT_EQ(c.listen.port, 2);
  EXPECT_EQ(c.log.level, log_level::debug);
  EXPECT_EQ(defaults({{"--host", "listen.host", "::"}}).listen.host, "::");
}

TEST(config, a_wrong_setting_is_refused_in_the_name_of_who_made_it) {
  try {
    defaults({{"--port", "listen.port", "http"}});
    FAIL();
  } catch (const config_error& wrong) {
    EXPECT_STREQ(wrong.what(), "--port: found \"http\", allowed an integer 0..65535; see --help");
  }
}

TEST(config, a_file_that_cannot_be_read_is_refused_with_the_reason) {
  const auto load_error = [](const std::string& path) -> std::string {
    try {
      load(path);
      return "";
    } catch (const config_error& wrong) {
      return wrong.what();
    }
  };
  EXPECT_EQ(load_error("/no/such.json"),
            "/no/such.json: cannot be read: No such file or directory");
  EXPECT_EQ(load_error("/"), "/: cannot be read: it is a directory");
  EXPECT_EQ(load_error("/no\nsuch"), R"("/no\nsuch": cannot be read: No such file or directory)");
  EXPECT_EQ(load_error("/dev/zero"), "/dev/zero: cannot be read: it is a device");
}

}  // namespace
}  // namespace hangup::server
