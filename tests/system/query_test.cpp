// The databases on the running binary: a real curl asks SQLite, and hangs up on it.
#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/sanitized.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

using nlohmann::json;

// All reports of the shipped configuration, and some that go wrong.
class faulty_shop : public shop {
 public:
  explicit faulty_shop(const json& more = json::object()) {
    auto& d = sqlite();
    d["reports"]["overflow"] = {
        {"sql",
         "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 9) SELECT i, "
         "abs(-9223372036854775807 - (i = 5)) AS x FROM s"}};
    d["reports"]["wrong"] = {{"sql", "SELECT * FROM missing"}};
    d["reports"]["slow_rows"] = {
        {"sql",
         "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s) SELECT i FROM s WHERE i "
         "% 500000 = 1"}};
    d.merge_patch(more);
  }
};

// One instruction of SQLite that compares a long text at each place of another: nothing is asked
// meanwhile.
TEST(query, a_stop_within_one_long_instruction_is_reported_as_late) {
  faulty_shop f;
  f.settings["http"]["late_after_ms"] = 20;
  f.sqlite()["reports"]["one_instruction"] = {
      {"sql",
       "WITH a(x) AS (SELECT replace(hex(zeroblob(150000)), '0', 'y')) SELECT instr(x || x, "
       "substr(x, 1, 15000) || 'z') AS at FROM a"}};
  server s({"--config", f.config()});
  {
    process curl({"curl", "-sN", "-H", "X-Request-Id: long-1",
                  s.url("/query/sqlite?report=one_instruction")});
    ASSERT_TRUE(s.in_flight_until([](const json& all) {
      return std::any_of(all.begin(), all.end(), [](const json& r) {
        return r["id"] == "long-1" && r["state"] == "running";
      });
    }));
    curl.signal(SIGKILL);
  }
  EXPECT_FALSE(
      s.program.line_with("late stopper: GET /query/sqlite?report=one_instruction still works")
          .empty());
  EXPECT_EQ(s.ended("long-1")["end"], "client_closed");
  EXPECT_EQ(s.curl("/query/sqlite?report=customer&id=1").exit, 0);
}

TEST(query, hopeless_reports_stop_when_curl_is_killed) {
  const faulty_shop f;
  server s({"--config", f.config()});
  int n = 0;
  for (const std::string& target :
       {std::string("crunch&n=1000000000000"), std::string("cross"), std::string("slow_rows")}) {
    const auto id = "hopeless-" + std::to_string(++n);
    {
      process curl(
          {"curl", "-sN", "-H", "X-Request-Id: " + id, s.url("/query/sqlite?report=" + target)});
      ASSERT_TRUE(s.in_flight_until([&](const json& all) {
        return std::any_of(all.begin(), all.end(), [&](const json& r) {
          return r["id"] == id && r["state"] == "running" && r["age_ms"] > 50;
        });
      }));
      curl.signal(SIGKILL);
      curl.wait();
    }
    const auto e = s.ended(id);
    ASSERT_TRUE(e.is_object()) << target;
    EXPECT_TRUE(e["end"] == "client_closed" || e["end"] == "client_reset") << e;
    ASSERT_TRUE(e["work_stopped_ns"].is_number()) << target;
    EXPECT_LT(e["work_stopped_ns"].get<std::int64_t>() - e["context_ended_ns"].get<std::int64_t>(),
              1'000'000'000)
        << target;
  }
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="sqlite",end="stopped"})"), 3);
  EXPECT_EQ(s.metric(R"(hangup_database_connections_in_use{database="sqlite"})"), 0);
  EXPECT_EQ(s.metric(R"(hangup_database_connections{database="sqlite"})"), 1);
}

TEST(query, a_report_is_ndjson_or_csv_and_the_list_says_what_there_is) {
  const faulty_shop f;
  server s({"--config", f.config()});
  EXPECT_EQ(s.curl("/query/sqlite?report=customer&id=7").output,
            "{\"id\":7,\"name\":\"Olga Eriksson\",\"city\":\"Paris\",\"country\":\"FR\",\"since\":"
            "\"2023-09-28\"}\n");
  const auto csv = s.curl("/query/sqlite?report=customer&id=7", {"-i", "-H", "Accept: text/csv"});
  EXPECT_NE(csv.output.find("Content-Type: text/csv; charset=utf-8; header=present\r\n"),
            std::string::npos)
      << csv.output;
  EXPECT_TRUE(csv.output.ends_with(
      "\r\n\r\nid,name,city,country,since\r\n7,Olga Eriksson,Paris,FR,2023-09-28\r\n"))
      << csv.output;
  const auto all = s.curl("/query/sqlite?report=orders").output;
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 4900);

  const auto head = s.curl("/query/sqlite?report=cross", {"--head"});
  EXPECT_EQ(head.exit, 0);
  EXPECT_NE(head.output.find("HTTP/1.1 200 OK"), std::string::npos) << head.output;

  const auto list = s.get("/query")["databases"];
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["path"], "/query/sim");
  EXPECT_EQ(list[1]["path"], "/query/sqlite");
  const auto& reports = list[1]["reports"];
  const auto customer =
      std::find_if(reports.begin(), reports.end(), [](auto& r) { return r["name"] == "customer"; });
  ASSERT_NE(customer, reports.end());
  EXPECT_EQ((*customer)["parameters"],
            json::parse(R"([{"name":"id","type":"integer","minimum":1,"maximum":1000000000}])"));
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="sqlite",end="completed"})"), 3)
      << "HEAD begins no query";
}

TEST(query, what_cannot_be_asked_is_a_problem_with_a_reason) {
  const faulty_shop f;
  server s({"--config", f.config()});
  const auto problem = [&](const std::string& target, int status) {
    const auto r = s.curl(target, {"-w", "\n%{http_code}"});
    EXPECT_TRUE(r.output.ends_with("\n" + std::to_string(status))) << r.output;
    return json::parse(r.output.substr(0, r.output.rfind('\n')))["detail"].get<std::string>();
  };
  problem("/query/oracle?report=x", 404);
  EXPECT_NE(problem("/query/sqlite?report=x", 404).find("no report \"x\"; it has: cross, crunch,"),
            std::string::npos);
  EXPECT_NE(problem("/query/sqlite", 400).find("allowed one of: cross"), std::string::npos);
  EXPECT_EQ(problem("/query/sqlite?report=crunch&n=0", 400),
            "parameter \"n\": found \"0\", allowed a whole number 1..1000000000000");
  EXPECT_EQ(problem("/query/sqlite?report=customer", 400),
            "parameter \"id\": found nothing, allowed a whole number 1..1000000000");
  EXPECT_EQ(problem("/query/sqlite?report=wrong", 500), "the database could not run the query");
  EXPECT_NE(s.program.line_with("no such table: missing")
                .find(" warning database sqlite, report "
                      "wrong"),
            std::string::npos);
}

TEST(query, an_error_after_the_first_row_is_a_last_line_and_a_body_without_its_end) {
  const faulty_shop f;
  server s({"--config", f.config()});
  const auto r = s.curl("/query/sqlite?report=overflow", with_id("overflow-1"));
  EXPECT_EQ(r.exit, 18) << "curl: transfer closed with outstanding read data remaining";
  EXPECT_NE(
      r.output.find("{\"i\":4,\"x\":9223372036854775807}\n{\"error\":{\"title\":\"the database "
                    "could not run the query\",\"detail\":\"\"}}\n"),
      std::string::npos)
      << r.output;
  const auto csv = s.curl("/query/sqlite?report=overflow", {"-H", "Accept: text/csv"});
  EXPECT_EQ(csv.exit, 18);
  EXPECT_NE(csv.output.find("4,9223372036854775807\r\n"), std::string::npos);
  EXPECT_EQ(s.ended("overflow-1")["end"], "failed");
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="sqlite",end="failed"})"), 2);
  EXPECT_EQ(s.metric(R"(hangup_database_connections_in_use{database="sqlite"})"), 0);
}

TEST(query, a_slow_query_shows_its_rows_as_they_come) {
  const faulty_shop f;
  server s({"--config", f.config()});
  process curl({"curl", "-sN", s.url("/query/sqlite?report=slow_rows")});
  EXPECT_EQ(curl.line_with("{\"i\":1}"), "{\"i\":1}");
  EXPECT_EQ(curl.line_with("{\"i\":500001}"), "{\"i\":500001}");
}

TEST(query, a_slow_reader_slows_the_query_and_costs_no_memory) {
  faulty_shop f;
  auto& reports = f.settings["databases"]["sqlite"]["reports"];
  reports["flood"] = {{"sql",
                       "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s) SELECT i, "
                       "hex(zeroblob(500)) FROM s"}};
  server s({"--config", f.config()});
  const auto resident = [&s] {
    std::ifstream statm("/proc/" + std::to_string(s.program.pid()) + "/statm");
    long all = 0;
    long here = 0;
    statm >> all >> here;
    return here * ::sysconf(_SC_PAGESIZE);
  };
  // Without back-pressure it would be some hundred megabytes a second.
  process curl({"curl", "-sN", "--limit-rate", "1k", "-H", "X-Request-Id: slow-1", "-o", f / "out",
                s.url("/query/sqlite?report=flood")});
  ASSERT_TRUE(s.in_flight_until([](const json& all) {
    return std::any_of(all.begin(), all.end(),
                       [](const json& r) { return r["id"] == "slow-1" && r["age_ms"] > 200; });
  }));
  const auto before = resident();
  ASSERT_TRUE(s.in_flight_until([](const json& all) {
    return std::any_of(all.begin(), all.end(),
                       [](const json& r) { return r["id"] == "slow-1" && r["age_ms"] > 1500; });
  }));
  EXPECT_LT(resident() - before, (sanitized ? 96L : 16L) << 20U);  // what is freed, ASan keeps
  curl.signal(SIGKILL);
  const auto e = s.ended("slow-1");
  EXPECT_LT(e["work_stopped_ns"].get<std::int64_t>() - e["context_ended_ns"].get<std::int64_t>(),
            1'000'000'000);
}

TEST(query, when_all_connections_are_taken_the_next_is_told_503_in_time) {
  const faulty_shop f(json{{"connections", 1}, {"wait_ms", 100}});
  server s({"--config", f.config()});
  process busy({"curl", "-s", s.url("/query/sqlite?report=cross")});
  ASSERT_TRUE(s.in_flight_until([](const json& all) {
    return std::any_of(all.begin(), all.end(), [](const json& r) {
      return r["route"] == "/query/sqlite" && r["age_ms"] > 20;
    });
  }));
  const auto r = s.curl("/query/sqlite?report=customer&id=1", {"-i"});
  EXPECT_NE(r.output.find("HTTP/1.1 503 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("Retry-After: 1"), std::string::npos);
  EXPECT_NE(r.output.find("the database is busy: no connection came free within 100 ms"),
            std::string::npos)
      << r.output;
  EXPECT_EQ(s.curl("/readyz").output, "ready\n") << "busy is not unreachable";
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="sqlite",end="busy"})"), 1);
}

TEST(query, a_database_that_cannot_be_reached_is_503_and_readyz_says_so) {
  const faulty_shop f(json{{"sample", false}});
  server s({"--config", f.config()});
  const auto r = s.curl("/query/sqlite?report=customer&id=1", {"-i"});
  EXPECT_NE(r.output.find("HTTP/1.1 503 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(r.output.find("shop.db"), std::string::npos) << "paths are not for strangers";
  const auto ready = s.curl("/readyz", {"-i"});
  EXPECT_NE(ready.output.find("HTTP/1.1 503 "), std::string::npos) << ready.output;
  EXPECT_NE(ready.output.find("database sqlite: unable to open database file"), std::string::npos)
      << ready.output;
  EXPECT_EQ(s.curl("/healthz").output, "ok\n");
}

TEST(query, a_sample_that_cannot_be_made_is_one_line_and_exit_code_2) {
  const faulty_shop f(json{{"file", "/nowhere/at/all/shop.db"}});
  const auto config = f.config();
  const auto r = run({HANGUP_BINARY, "--port", "0", "--config", config});
  EXPECT_EQ(r.exit, 2);
  EXPECT_EQ(r.output, config +
                          ": databases.sqlite.file: the sample database /nowhere/at/all/shop.db "
                          "cannot be made: No such file or directory; name another file, or set "
                          "\"sample\" to false\n");
}

TEST(query, a_signal_while_the_sample_is_made_ends_the_server_as_signals_do_and_leaves_nothing) {
  const faulty_shop f(json{{"sample_rows", 50'000'000}});
  for (const int signal : {SIGTERM, SIGINT}) {
    process p({HANGUP_BINARY, "--port", "0", "--config", f.config()});
    ASSERT_NE(p.line_with((f / "shop.db") + ", about 50000000 rows: 0 %"), "");
    p.signal(signal);
    EXPECT_EQ(p.wait(), 128 + signal);
    EXPECT_FALSE(std::filesystem::exists(f / "shop.db"));
    EXPECT_FALSE(std::filesystem::exists(f / "shop.db.making"));
  }
}

TEST(query, a_kill_while_the_sample_is_made_leaves_no_database) {
  faulty_shop f(json{{"sample_rows", 50'000'000}});
  {
    process p({HANGUP_BINARY, "--port", "0", "--config", f.config()});
    ASSERT_NE(p.line_with((f / "shop.db") + ", about 50000000 rows: 0 %"), "");
    p.signal(SIGKILL);
    EXPECT_EQ(p.wait(), 128 + SIGKILL);
  }
  EXPECT_FALSE(std::filesystem::exists(f / "shop.db"));
  f.settings["databases"]["sqlite"]["sample_rows"] = 500;
  server s({"--config", f.config()});
  EXPECT_EQ(s.curl("/readyz").output, "ready\n");
  EXPECT_FALSE(std::filesystem::exists(f / "shop.db.making"));
}

}  // namespace
}  // namespace hangup::system_test
