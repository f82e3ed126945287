// One client against the others, told apart by their addresses; and operators' pages while there is
// much to show.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/client.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

const char* const greedy = "127.0.0.2";

TEST(one_client, that_takes_all_workers_and_the_whole_queue_does_not_keep_another_out) {
  const temporary_directory folder;
  server s({"--config", folder.write("server.json", R"({"pools": {
      "cpu": {"workers": 1, "queue": 4}, "query": {"workers": 1}, "search": {"workers": 1}}})")});
  std::vector<client> all;
  for (int i = 0; i < 5; ++i) {
    all.emplace_back(s.port(), 0, greedy);
    ASSERT_TRUE(all.back().send(get("/spin?ms=60000")));
  }
  ASSERT_TRUE(s.in_flight_until([](const nlohmann::json& now) {
    return now.size() == 6;  // with the page itself
  }));
  EXPECT_EQ(client(s.port(), 0, greedy).ask(get("/spin?ms=1")).status, 503);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(client(s.port()).ask(get("/spin?ms=1")).status, 200) << i;
  }
}

TEST(one_client, that_asks_all_the_time_whether_the_server_is_ready_does_not_make_it_seem_not) {
  server s;
  std::atomic<bool> enough{false};
  std::vector<std::jthread> flood;
  for (int i = 0; i < 40; ++i) {
    flood.emplace_back([&] {
      client c(s.port(), 0, greedy);
      while (!enough && c.ask(get("/readyz")).status != 0) {
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    const auto answer = client(s.port()).ask(get("/readyz"));
    EXPECT_EQ(answer.body.find("not asked"), std::string::npos) << answer.body;
  }
  enough = true;
}

TEST(pages, are_bounded_and_answered_however_many_long_targets_there_are) {
  constexpr int clients = 400;
  server s;
  std::vector<client> all;
  for (int i = 0; i < clients; ++i) {  // each waits for the rest of its body
    all.emplace_back(s.port());
    ASSERT_TRUE(all.back().send("POST /query/sqlite?" + std::string(7000, '~') +
                                " HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc"));
  }
  ASSERT_TRUE(
      s.in_flight_until([](const nlohmann::json& now) { return now.size() == clients + 1U; }));
  const auto whole = client(s.port()).ask(get("/requests"));
  ASSERT_TRUE(whole.whole);
  EXPECT_LT(whole.body.size(), clients * 1000U) << "the targets alone have seven times as much";
  const auto page = nlohmann::json::parse(whole.body);
  EXPECT_GE(page["total"], clients + 1);
  const auto some = nlohmann::json::parse(client(s.port()).ask(get("/requests?limit=3")).body);
  EXPECT_EQ(some["in_flight"].size(), 3U);
  EXPECT_GE(some["total"], clients + 1);
  const auto shown = some["in_flight"][2]["target"].get<std::string>();
  EXPECT_TRUE(shown.ends_with("~... (7014 bytes)")) << shown;
  EXPECT_EQ(shown.size(), 256U + std::string("... (7014 bytes)").size());
  for (const auto* const wrong :
       {"/requests?limit=0", "/requests?limit=1000000", "/requests/ended?limit=1000000"}) {
    EXPECT_EQ(client(s.port()).ask(get(wrong)).status, 400) << wrong;
  }
  all.clear();
  EXPECT_TRUE(s.in_flight_until([](const nlohmann::json& now) { return now.size() == 1; }));
  const auto ended =
      nlohmann::json::parse(client(s.port()).ask(get("/requests/ended?limit=300")).body);
  EXPECT_EQ(ended["ended"].size(), 300U) << "several slices of it";
}

// Whoever asks for a page and does not read it holds what makes the pages, and not the server.
TEST(pages, that_nobody_reads_do_not_stop_the_server_or_the_pages_of_others) {
  constexpr int ended = 1000;
  server s;
  client many(s.port());
  for (int i = 0; i < ended; ++i) {
    ASSERT_EQ(many.ask(get("/nothing?" + std::string(300, '~'))).status, 404);
  }
  std::string asks;
  for (int i = 0; i < 20; ++i) {  // much more than the kernel keeps of what is not read
    asks += get("/requests/ended?limit=" + std::to_string(ended));
  }
  std::vector<client> all;
  for (int i = 0; i < 8; ++i) {
    all.emplace_back(s.port(), 2048, greedy);
    ASSERT_TRUE(all.back().send(asks));
  }
  // Four of them hold the four workers, and do not go on: a page that is read is made in no time.
  EXPECT_TRUE(s.in_flight_until([](const nlohmann::json& now) {
    return std::count_if(now.begin(), now.end(), [](const nlohmann::json& r) {
             return r["route"] == "/requests/ended" && r["state"] != "queued" && r["age_ms"] > 500;
           }) == 4;
  }));
  EXPECT_EQ(client(s.port()).ask(get("/healthz")).status, 200);
  EXPECT_EQ(client(s.port()).ask(get("/metrics")).status, 200);
  EXPECT_EQ(client(s.port()).ask(get("/requests")).status, 200);
  // To end a request needs no worker of the pages, also for who has none of them left.
  client operates(s.port(), 0, greedy);
  EXPECT_EQ(operates.ask("DELETE /requests/1 HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 404);
}

// The oldest are what somebody looks for.
TEST(pages, list_the_oldest_requests_where_not_all_are_asked_for) {
  server s;
  std::vector<client> all;
  for (int i = 0; i < 6; ++i) {
    all.emplace_back(s.port());
    ASSERT_TRUE(all.back().send(get("/query/sim?row_ms=60000&rows=" + std::to_string(i + 1))));
    ASSERT_TRUE(
        s.in_flight_until([&](const nlohmann::json& now) { return now.size() == all.size() + 1; }));
  }
  const auto page = nlohmann::json::parse(client(s.port()).ask(get("/requests?limit=3")).body);
  EXPECT_GE(page["total"], 7);
  std::set<std::string> targets;
  for (const auto& r : page["in_flight"]) {
    targets.insert(r["target"]);
  }
  EXPECT_EQ(targets, (std::set<std::string>{"/query/sim?row_ms=60000&rows=1",
                                            "/query/sim?row_ms=60000&rows=2",
                                            "/query/sim?row_ms=60000&rows=3"}));
}

}  // namespace
}  // namespace hangup::system_test
