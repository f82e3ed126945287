// The built binary in front of a real PostgreSQL server: curl hangs up, and pg_stat_activity says
// that the statement is gone.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/postgres_fixture.h"

namespace hangup::system_test {
namespace {

class postgres_over_http : public with_postgres {
 protected:
  static constexpr const char* password = "not-to-be-seen";

  void SetUp() override {
    with_postgres::SetUp();
    if (HasFatalFailure()) {
      return;
    }
    std::ifstream example("config/postgres.json");
    auto config = nlohmann::json::parse(example);
    config.erase("$schema");
    auto& pg = config["databases"]["pg"];
    pg["conninfo"] = server_->conninfo() + " password=" + password;
    pg["connections"] = 4;
    pg["reports"]["day"] = {
        {"sql", "SELECT $1::date AS day"},
        {"parameters", {{{"name", "day"}, {"type", "text"}, {"required", true}}}}};
    pg["reports"]["cast"] = {{"sql", "SELECT name::int4 AS n FROM customers"}};
    pg["reports"]["late"] = {
        {"sql", "SELECT CASE WHEN id < 9 THEN id ELSE name::int4 END AS n FROM customers"}};
    pg["reports"]["file"] = {{"sql", "SELECT pg_read_file('/nowhere/at-all') AS x"}};
    pg["wait_ms"] = 20000;
    pg["connect_timeout_ms"] = 10000;
    pg["settle_timeout_ms"] = 10000;
    hangup_ = std::make_unique<server>(
        std::vector<std::string>{"--config", folder_.write("server.json", config.dump())});
  }
  void TearDown() override {
    if (hangup_) {
      hangup_->program.signal(SIGTERM);
      EXPECT_EQ(hangup_->program.wait(), 0);
      EXPECT_EQ(hangup_->program.output().find(password), std::string::npos);
    }
  }
  std::uint16_t port() const { return hangup_->port(); }
  double metric(const std::string& name) const {
    return hangup_->metric(name + "{database=\"pg\"}").value_or(-1);
  }

  std::unique_ptr<server> hangup_;
  const temporary_directory folder_;
};

TEST_F(postgres_over_http, answers_rows_as_they_are) {
  EXPECT_EQ(hangup_->curl("/query/pg?report=customer&id=7").output,
            "{\"id\":7,\"name\":\"customer-7\",\"city\":\"Boston\",\"country\":\"US\",\"since\":"
            "\"2016-01-08\"}\n");
  EXPECT_EQ(hangup_->curl("/query/pg?report=customer&id=7", {"-H", "Accept: text/csv"}).output,
            "id,name,city,country,since\r\n7,customer-7,Boston,US,2016-01-08\r\n");
  const auto hostile =
      hangup_->curl("/query/pg?report=customer&id=7%3Bdrop", {"-w", "%{http_code}"});
  EXPECT_NE(hostile.output.find("400"), std::string::npos) << hostile.output;
  EXPECT_EQ(hangup_->curl("/readyz").output, "ready\n");
  for (const auto* page : {"/query", "/metrics", "/requests/ended"}) {
    EXPECT_EQ(hangup_->curl(page).output.find(password), std::string::npos) << page;
  }
}

TEST_F(postgres_over_http, an_argument_that_the_server_refuses_is_a_400_and_no_alarm) {
  const auto answer = hangup_->curl("/query/pg?report=day&day=2026-02-30", {"-i"}).output;
  EXPECT_NE(answer.find("HTTP/1.1 400"), std::string::npos) << answer;
  EXPECT_NE(answer.find("parameter \\\"day\\\": date/time field value out of range"),
            std::string::npos)
      << answer;
  EXPECT_EQ(hangup_->metric("hangup_queries_total{database=\"pg\",end=\"bad_argument\"}"), 1);
  EXPECT_EQ(hangup_->program.output().find("warning"), std::string::npos);
}

TEST_F(postgres_over_http, what_the_server_says_of_a_failure_is_in_the_log_and_not_in_the_answer) {
  const auto fails = [this](const std::string& target, const std::string& state,
                            const std::string& secret) {
    const auto answer = hangup_->curl(target).output;
    EXPECT_NE(answer.find("the database could not run the query"), std::string::npos) << answer;
    EXPECT_NE(answer.find(state), std::string::npos) << answer;
    EXPECT_EQ(answer.find(secret), std::string::npos) << answer;
    EXPECT_NE(hangup_->program.line_with(secret), "") << hangup_->program.output();
  };
  fails("/query/pg?report=cast", "the query: 22P02", "\"customer-1\"");
  fails("/query/pg?report=late", "\"detail\":\"22P02\"}}", "\"customer-9\"");
  fails("/query/pg?report=file", "the query: 58P01", "/nowhere/at-all");
  fails("/fanout?parts=1&report=file", "the query: 58P01", "/nowhere/at-all");
}

TEST_F(postgres_over_http, a_hang_up_ends_the_statement_in_the_server) {
  for (const auto* target : {"/query/pg?report=cross", "/query/pg?report=nap",
                             "/query/pg?report=crunch&n=1000000000000"}) {
    process curl({"curl", "-sS", hangup_->url(target)});
    ASSERT_TRUE(server_->becomes(active, "1")) << target;
    curl.signal(SIGKILL);
    EXPECT_TRUE(server_->becomes(active, "0")) << target;
    const auto line = hangup_->program.line_with("GET " + std::string(target) + " 499");
    EXPECT_NE(line.find("client_closed"), std::string::npos) << hangup_->program.output();
    // Before that, the next query would be given a connection of its own.
    EXPECT_TRUE(eventually([&] { return metric("hangup_database_connections_in_use") == 0; }));
  }
  EXPECT_GE(metric("hangup_database_cancels_total"), 3);
  EXPECT_EQ(metric("hangup_database_idle_seconds_count"), 3);
  EXPECT_EQ(metric("hangup_database_connections_dropped_total"), 0);
  EXPECT_EQ(metric("hangup_database_connections_in_use"), 0);
  EXPECT_TRUE(server_->becomes(ours, "1"));
}

TEST_F(postgres_over_http,
       parts_of_a_fan_out_end_in_the_server_with_a_sibling_and_with_the_client) {
  const auto share = hangup_->curl("/fanout?parts=3").output;
  EXPECT_NE(share.find("{\"part\":2,\"country\":\"US\","), std::string::npos) << share;
  EXPECT_EQ(metric("hangup_database_connections_in_use"), 0);

  process failing({"curl", "-sS", "-w", " %{http_code}",
                   hangup_->url("/fanout?parts=4&report=nap&fail=2&after_ms=1500")});
  EXPECT_TRUE(server_->becomes(active, "3"));
  EXPECT_EQ(failing.wait(), 0);
  EXPECT_NE(failing.output().find("part 2 of 4: failed after 1500 ms"), std::string::npos)
      << failing.output();
  EXPECT_TRUE(failing.output().ends_with(" 502")) << failing.output();
  EXPECT_TRUE(server_->becomes(active, "0"));

  process leaving({"curl", "-sS", hangup_->url("/fanout?parts=3&report=cross")});
  ASSERT_TRUE(server_->becomes(active, "3"));
  leaving.signal(SIGKILL);
  EXPECT_TRUE(server_->becomes(active, "0"));
  const auto line = hangup_->program.line_with("GET /fanout?parts=3&report=cross 499");
  EXPECT_NE(line.find("client_closed"), std::string::npos) << hangup_->program.output();
  EXPECT_GE(metric("hangup_database_cancels_total"), 6);
  EXPECT_EQ(metric("hangup_database_connections_dropped_total"), 0);
}

TEST_F(postgres_over_http, a_slow_reader_slows_the_server_and_its_memory_stays_flat) {
  const auto resident = [this] {
    std::ifstream statm("/proc/" + std::to_string(hangup_->program.pid()) + "/statm");
    long size = 0;
    long pages = 0;
    statm >> size >> pages;
    return pages * ::sysconf(_SC_PAGESIZE);
  };
  client c(port());
  c.send(get("/query/pg?report=numbers"));
  ASSERT_TRUE(server_->becomes(
      "SELECT wait_event FROM pg_stat_activity WHERE application_name = 'hangup'", "ClientWrite"));
  const auto before = resident();
  ASSERT_TRUE(c.receive_bytes(50'000'000));  // then it stops again
  ASSERT_TRUE(server_->becomes(
      "SELECT wait_event FROM pg_stat_activity WHERE application_name = 'hangup'", "ClientWrite"));
  if (!sanitized) {
    EXPECT_LT(resident() - before, 16 * 1024 * 1024);
  }
  c.close();
  EXPECT_TRUE(server_->becomes(active, "0"));
}

TEST_F(postgres_over_http, two_hundred_hang_ups_hit_nobody_else) {
  std::mt19937 random(1);
  const std::vector<std::string> targets = {"nap", "cross", "crunch&n=1000000000000", "numbers"};
  for (int i = 0; i < 50; ++i) {
    std::vector<std::unique_ptr<client>> leavers;
    for (const auto& t : targets) {
      leavers.push_back(std::make_unique<client>(port()));
      leavers.back()->send(get("/query/pg?report=" + t));
    }
    ::usleep(static_cast<useconds_t>(random() % 10'000));
    leavers.clear();
    client innocent(port());
    const auto answer = innocent.ask(get("/query/pg?report=customer&id=1"));
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_NE(answer.body.find("customer-1"), std::string::npos) << answer.body;
  }
  EXPECT_TRUE(server_->becomes(active, "0"));
  EXPECT_LE(std::stoi(server_->ask(ours)), 4);
  EXPECT_EQ(metric("hangup_database_connections_dropped_total"), 0);
}

TEST_F(postgres_over_http, the_server_is_killed_and_comes_back) {
  EXPECT_EQ(hangup_->curl("/readyz").output, "ready\n");
  process curl({"curl", "-sS", "-w", "status %{http_code}", hangup_->url("/query/pg?report=nap")});
  ASSERT_TRUE(server_->becomes(active, "1"));
  server_->kill();
  EXPECT_EQ(curl.wait(), 0);
  EXPECT_NE(curl.output().find("status 503"), std::string::npos) << curl.output();

  const auto refused = hangup_->curl("/query/pg?report=customer&id=1", {"-i"}).output;
  EXPECT_NE(refused.find("HTTP/1.1 503"), std::string::npos) << refused;
  EXPECT_NE(refused.find("Retry-After:"), std::string::npos) << refused;
  const auto ready = hangup_->curl("/readyz", {"-w", "%{http_code}"}).output;
  EXPECT_NE(ready.find("database pg: "), std::string::npos) << ready;
  EXPECT_NE(ready.find("503"), std::string::npos) << ready;

  server_->start();
  EXPECT_EQ(hangup_->curl("/readyz").output, "ready\n");
  const auto again = hangup_->curl("/query/pg?report=customer&id=1").output;
  EXPECT_NE(again.find("customer-1"), std::string::npos) << again;
}

}  // namespace
}  // namespace hangup::system_test
