// Signals, on the built binary: drained, ended, answered.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/support/client.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

bool shows(const nlohmann::json& in_flight, const std::string& id) {
  return std::any_of(in_flight.begin(), in_flight.end(),
                     [&](const auto& r) { return r["id"] == id; });
}

// A curl that waits for an answer, and is known to be waiting when the constructor returns.
class waiting {
 public:
  waiting(const server& s, const std::string& target, const std::string& id)
      : curl({"curl", "-s", "-i", "-H", "X-Request-Id: " + id, s.url(target)}) {
    EXPECT_TRUE(s.in_flight_until([&](const auto& all) { return shows(all, id); }));
  }
  process curl;
};

TEST(stopping, an_idle_server_exits_0_at_once) {
  for (const int s : {SIGTERM, SIGINT}) {
    server idle;
    idle.program.signal(s);
    EXPECT_EQ(idle.program.wait(), 0);
  }
}

TEST(stopping, sighup_does_not_end_it) {
  server s;
  s.program.signal(SIGHUP);
  EXPECT_NE(s.program.line_with("SIGHUP"), "");
  EXPECT_EQ(s.curl("/healthz").output, "ok\n");
}

TEST(stopping, a_running_request_is_finished_and_new_clients_are_refused) {
  server s;
  waiting w(s, "/query/sim?rows=2&row_ms=1000&stream=0", "finish");
  s.program.signal(SIGTERM);
  EXPECT_TRUE(s.refuses());
  EXPECT_EQ(w.curl.wait(), 0);
  EXPECT_NE(w.curl.output().find("HTTP/1.1 200 "), std::string::npos) << w.curl.output();
  EXPECT_NE(w.curl.output().find("Connection: close"), std::string::npos) << w.curl.output();
  EXPECT_EQ(s.program.wait(), 0);
  EXPECT_NE(s.program.line_with("finish").find(" 200 completed"), std::string::npos);
}

TEST(stopping, what_is_not_finished_in_time_is_ended_and_answered_503) {
  const temporary_directory folder;
  server s({"--config", folder.write("server.json", R"({"stopping": {"drain_seconds": 0}})")});
  waiting w(s, "/query/sim?rows=1&row_ms=600000&stream=0", "cut-off");
  s.program.signal(SIGTERM);
  EXPECT_EQ(w.curl.wait(), 0);
  EXPECT_NE(w.curl.output().find("HTTP/1.1 503 "), std::string::npos) << w.curl.output();
  EXPECT_EQ(s.program.wait(), 0);
  EXPECT_NE(s.program.line_with("cut-off").find("shutdown: server shutdown"), std::string::npos);
}

TEST(stopping, one_that_announces_it_is_not_ready_and_takes_new_clients_until_it_drains) {
  shop f;
  f.settings["stopping"]["announce_seconds"] = 600;
  server s({"--config", f.config()});
  s.program.signal(SIGTERM);
  ASSERT_NE(s.program.line_with("not ready for 600 s, then draining"), "");
  EXPECT_EQ(s.curl("/readyz", {"-o", "/dev/null", "-w", "%{http_code}"}).output, "503");
  const auto r = s.curl("/healthz", {"-i"});
  EXPECT_NE(r.output.find("HTTP/1.1 200 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("Connection: close"), std::string::npos) << r.output;
  s.program.signal(SIGTERM);  // in a hurry now
  EXPECT_EQ(s.program.wait(), 0);
}

TEST(stopping, an_announcement_is_over_in_its_time) {
  shop f;
  f.settings["stopping"]["announce_seconds"] = 1;
  server s({"--config", f.config()});
  s.program.signal(SIGTERM);
  EXPECT_EQ(s.program.wait(), 0);
}

TEST(stopping, a_second_signal_ends_at_once) {
  server s;
  waiting w(s, "/query/sim?rows=1&row_ms=600000&stream=0", "cut-off");
  s.program.signal(SIGTERM);
  ASSERT_NE(s.program.line_with("draining"), "");
  s.program.signal(SIGTERM);
  EXPECT_EQ(s.program.wait(8s), 0) << "the drain alone would have taken ten seconds";
  EXPECT_EQ(w.curl.wait(), 0);
  EXPECT_NE(w.curl.output().find("HTTP/1.1 503 "), std::string::npos) << w.curl.output();
}

TEST(stopping, it_is_ready_until_it_drains) {
  server s;
  EXPECT_EQ(s.curl("/readyz").output, "ready\n");
  // New clients are refused by then: the question needs a connection from before.
  client kept(s.port());
  const std::string ask = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_TRUE(kept.send(ask));
  EXPECT_EQ(kept.receive().status, 200);
  waiting w(s, "/query/sim?rows=1&row_ms=2000&stream=0", "slow");
  s.program.signal(SIGTERM);
  ASSERT_TRUE(s.refuses());
  ASSERT_TRUE(kept.send(ask));
  const auto answer = kept.receive();
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("the server is draining"), std::string::npos) << answer.body;
  EXPECT_EQ(s.program.wait(), 0);
}

}  // namespace
}  // namespace hangup::system_test
