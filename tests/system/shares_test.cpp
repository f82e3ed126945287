// One client against the others, told apart by their addresses; and operators' pages while there is
// much to show.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "tests/system/program.h"
#include "tests/wire/client.h"

namespace hangup::system_test {
namespace {

using wire::client;
using wire::get;

const char* const greedy = "127.0.0.2";

TEST(one_client, that_takes_all_workers_and_the_whole_queue_does_not_keep_another_out) {
  const auto file = testing::TempDir() + "shares-" + std::to_string(::getpid()) + ".json";
  std::ofstream(file) << R"({"pools": {"cpu": {"workers": 1, "queue": 4}, "query": {"workers": 1},
                                       "search": {"workers": 1}}})";
  server s({"--config", file});
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
  ::unlink(file.c_str());
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
  EXPECT_EQ(page["total"], clients + 1);
  const auto some = nlohmann::json::parse(client(s.port()).ask(get("/requests?limit=3")).body);
  EXPECT_EQ(some["in_flight"].size(), 3U);
  EXPECT_EQ(some["total"], clients + 1);
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
  server s;
  std::vector<client> all;
  for (int i = 0; i < 8; ++i) {
    all.emplace_back(s.port(), 2048, greedy);
    ASSERT_TRUE(all.back().send(get("/metrics") + get("/metrics") + get("/metrics")));
  }
  EXPECT_EQ(client(s.port()).ask(get("/healthz")).status, 200);
  EXPECT_EQ(client(s.port()).ask(get("/metrics")).status, 200);
  EXPECT_EQ(client(s.port()).ask(get("/requests")).status, 200);
}

}  // namespace
}  // namespace hangup::system_test
