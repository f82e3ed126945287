// /fanout on the running binary: a real curl asks SQLite in parts, one fails, and curl hangs up.
#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/sanitized.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

using nlohmann::json;

// Two databases, and reports that go wrong.
class shops : public shop {
 public:
  explicit shops(const json& fanout = json::object()) {
    auto& databases = settings["databases"];
    auto& reports = databases["sqlite"]["reports"];
    reports["wrong"] = {{"sql", "SELECT * FROM missing"}};
    reports["overflow"] = {
        {"sql",
         "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 20000) SELECT "
         "i, abs(-9223372036854775807 - (i = 20000)) AS x FROM s"}};
    reports["flood"] = {
        {"sql",
         "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s) SELECT i, "
         "hex(zeroblob(500)) FROM s"}};
    reports["named"] = {
        {"sql", "SELECT $1 AS v"},
        {"parameters", {{{"name", "database"}, {"type", "text"}, {"max_bytes", 9}}}}};
    databases["other"] = databases["sqlite"];
    databases["other"]["reports"].erase("customer");
    settings["fanout"] = fanout;
  }
};

struct reply {
  int status;
  std::string body;
  double seconds;
};
reply ask(const server& s, const std::string& target, std::vector<std::string> more = {}) {
  more.insert(more.end(), {"-w", "\n%{http_code} %{time_total}"});
  const auto r = s.curl(target, more);
  const auto at = r.output.rfind('\n');
  std::istringstream numbers(r.output.substr(at + 1));
  reply a{0, r.output.substr(0, at), 0};
  numbers >> a.status >> a.seconds;
  return a;
}

std::vector<json> rows_in(const std::string& body) {
  std::vector<json> all;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    all.push_back(json::parse(line));
  }
  return all;
}

double parts(const server& s, const std::string& end) {
  return s.metric("hangup_fanout_parts_total{end=\"" + end + "\"}").value_or(-1);
}
double in_use(const server& s) {
  return s.metric(R"(hangup_database_connections_in_use{database="sqlite"})").value_or(-1) +
         s.metric(R"(hangup_database_connections_in_use{database="other"})").value_or(-1);
}

TEST(fanout, parts_are_shares_of_the_whole_in_order_and_go_round_the_databases) {
  const shops f;
  server s({"--config", f.config()});
  const auto a = ask(s, "/fanout?parts=8");
  ASSERT_EQ(a.status, 200) << a.body;
  const auto rows = rows_in(a.body);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(),
                             [](const json& x, const json& y) { return x["part"] < y["part"]; }));
  std::map<std::string, std::int64_t> items;
  std::set<int> seen;
  for (const auto& r : rows) {
    items[r["country"]] += r["items"].get<std::int64_t>();
    seen.insert(r["part"].get<int>());
  }
  EXPECT_EQ(seen.size(), 8U);
  for (const auto& r : rows_in(s.curl("/query/sqlite?report=revenue_by_country").output)) {
    EXPECT_EQ(items[r["country"]], r["items"]) << r;
  }
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="sqlite",end="completed"})"), 5);
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="other",end="completed"})"), 4);
  EXPECT_EQ(parts(s, "completed"), 8);

  const auto csv = ask(s, "/fanout?parts=3&report=customer&id=7", {"-H", "Accept: text/csv"});
  EXPECT_EQ(csv.body,
            "part,id,name,city,country,since\r\n0,7,Olga Eriksson,Paris,FR,2023-09-28\r\n"
            "1,7,Olga Eriksson,Paris,FR,2023-09-28\r\n2,7,Olga Eriksson,Paris,FR,2023-09-28\r\n");
}

TEST(fanout, more_rows_than_are_kept_come_in_order_and_whole) {
  const shops f;
  server s({"--config", f.config()});
  const auto rows = rows_in(ask(s, "/fanout?parts=20&report=orders&n=2000").body);
  ASSERT_EQ(rows.size(), 40'000U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i]["part"], i / 2000);
    ASSERT_EQ(rows[i]["id"], rows[i % 2000]["id"]);
  }
}

TEST(fanout, a_part_that_fails_ends_the_others_and_is_named) {
  const shops f;
  server s({"--config", f.config()});
  const auto a =
      ask(s, "/fanout?parts=4&report=cross&fail=2&after_ms=100", {"-H", "X-Request-Id: failing"});
  EXPECT_EQ(a.status, 502);
  EXPECT_GE(a.seconds, 0.1);
  EXPECT_LT(a.seconds, 1.0);
  EXPECT_EQ(json::parse(a.body)["detail"],
            "part 2 of 4: failed after 100 ms, as the request asks for");
  const auto line = s.program.line_with("GET /fanout?parts=4&report=cross&fail=2&after_ms=100 502");
  EXPECT_NE(line.find("failed"), std::string::npos) << line;
  EXPECT_NE(line.find(", part 2 of 4: failed after 100 ms"), std::string::npos) << line;
  EXPECT_EQ(s.ended("failing")["end"], "failed");
  EXPECT_EQ(parts(s, "failed"), 1);
  EXPECT_EQ(parts(s, "sibling_failed"), 3);
  EXPECT_EQ(in_use(s), 0);
  EXPECT_EQ(s.metric("hangup_fanout_parts_running"), 0);

  const auto wrong = ask(s, "/fanout?parts=2&report=wrong");
  EXPECT_EQ(wrong.status, 502);
  EXPECT_NE(wrong.body.find("the database could not run the query\""), std::string::npos)
      << wrong.body;
  EXPECT_NE(s.program.line_with("no such table: missing").find("database "), std::string::npos);
  EXPECT_EQ(s.curl("/healthz").output, "ok\n");
}

TEST(fanout, a_failure_after_the_first_byte_is_a_last_line_and_a_body_without_its_end) {
  const shops f;
  server s({"--config", f.config()});
  const auto r = s.curl("/fanout?parts=2&database=sqlite&report=overflow");
  EXPECT_EQ(r.exit, 18) << "curl: transfer closed with outstanding read data remaining";
  EXPECT_NE(r.output.find("{\"error\":{\"title\":\"a part has failed\",\"detail\":\"part "),
            std::string::npos)
      << r.output.substr(r.output.size() - std::min<std::size_t>(r.output.size(), 300));
  EXPECT_EQ(r.output.find("integer overflow"), std::string::npos) << "that is for the log";
  EXPECT_NE(s.program.line_with("integer overflow").find("database sqlite, part "),
            std::string::npos);
  EXPECT_NE(s.program.line_with("GET /fanout?parts=2&database=sqlite&report=overflow 200 failed"),
            "");
}

TEST(fanout, a_hang_up_ends_all_parts_in_their_engines) {
  const shops f;
  server s({"--config", f.config()});
  double hung_up = 0;
  for (const std::string report : {"cross", "crunch&n=1000000000000", "flood"}) {
    const auto id = "left-" + report.substr(0, 5);
    process curl({"curl", "-sN", "-o", "/dev/null", "--max-time", "20", "--limit-rate", "10k", "-H",
                  "X-Request-Id: " + id, s.url("/fanout?parts=4&report=" + report)});
    EXPECT_TRUE(s.in_flight_until([&](const json&) {
      return s.metric("hangup_fanout_parts_running") == 4 && in_use(s) == 4;
    })) << report;
    curl.signal(SIGKILL);
    const auto e = s.ended(id);
    ASSERT_TRUE(e.is_object()) << report;
    EXPECT_EQ(e["status"], 499) << e;
    EXPECT_LT(e["work_stopped_ns"].get<std::int64_t>() - e["context_ended_ns"].get<std::int64_t>(),
              1'000'000'000)
        << e;
    EXPECT_EQ(in_use(s), 0) << report;
    EXPECT_EQ(parts(s, "stopped"), hung_up += 4);
    EXPECT_TRUE(s.in_flight_until([&](const json& all) {
      return std::none_of(all.begin(), all.end(),
                          [](const json& r) { return r["route"] == "/fanout"; });
    }));
  }
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="sqlite",end="stopped"})"), 6);
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="other",end="stopped"})"), 6);
}

TEST(fanout, a_slow_reader_slows_all_parts_and_costs_no_memory) {
  const shops f;
  server s({"--config", f.config()});
  process curl({"curl", "-sN", "--limit-rate", "1k", "-H", "X-Request-Id: slow", "-o", f / "out",
                s.url("/fanout?parts=6&report=flood")});
  const auto old = [&](double ms) {
    return s.in_flight_until([&](const json& all) {
      return std::any_of(all.begin(), all.end(),
                         [&](const json& r) { return r["id"] == "slow" && r["age_ms"] > ms; });
    });
  };
  ASSERT_TRUE(old(300));
  const auto before = resident_kib(s.pid());
  ASSERT_TRUE(old(1500));
  // Else some hundred MiB a second. What is freed, ASan keeps for a time.
  EXPECT_LT(resident_kib(s.pid()), before + (sanitized ? 96 : 16) * 1024);
  curl.signal(SIGKILL);
  EXPECT_EQ(s.ended("slow")["status"], 499);
}

TEST(fanout, a_report_with_a_parameter_that_means_something_else_here_is_refused) {
  const shops f;
  server s({"--config", f.config()});
  const auto refused = ask(s, "/fanout?report=named&database=other");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(json::parse(refused.body)["detail"],
            "the report \"named\" has a parameter \"database\", and so has /fanout: ask for it at "
            "/query/{database}");
  EXPECT_EQ(ask(s, "/query/other?report=named&database=x").body, "{\"v\":\"x\"}\n");
}

TEST(fanout, limits_are_400_and_503_and_counted) {
  const shops f(json{{"max_parts", 3}, {"parts_at_once", 2}, {"wait_ms", 50}});
  server s({"--config", f.config()});
  const auto many = ask(s, "/fanout?parts=4");
  EXPECT_EQ(many.status, 400);
  EXPECT_EQ(json::parse(many.body)["detail"],
            "parameter \"parts\": found \"4\", allowed a whole number 1..3");
  EXPECT_EQ(ask(s, "/fanout?parts=3").status, 200);

  process busy({"curl", "-s", s.url("/fanout?parts=2&report=cross")});
  ASSERT_TRUE(
      s.in_flight_until([&](const json&) { return s.metric("hangup_fanout_parts_running") == 2; }));
  const auto full = ask(s, "/fanout?parts=1", {"-i"});
  EXPECT_EQ(full.status, 503);
  EXPECT_NE(full.body.find("Retry-After: 1\r\n"), std::string::npos) << full.body;
  EXPECT_NE(full.body.find("no part could begin within 50 ms: 2 are running, which is the limit"),
            std::string::npos)
      << full.body;
  EXPECT_EQ(s.metric("hangup_fanout_rejected_total"), 1);
  EXPECT_EQ(ask(s, "/query/sqlite?report=customer&id=1").status, 200);
}

}  // namespace
}  // namespace hangup::system_test
