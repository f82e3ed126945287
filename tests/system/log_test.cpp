// The log of the built binary.
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>

#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

TEST(log, json_lines_say_everything_that_text_lines_say) {
  const temporary_directory folder;
  server s({"--config", folder.write("server.json", R"({"log": {"format": "json"}})")});
  s.curl("/query/sim?rows=1000&row_ms=10&stream=0",
         {"--max-time", "0.3", "-H", "X-Request-Id: left"});
  s.curl("/nothing%22here");
  ASSERT_NE(s.program.line_with("nothing%22here"), "");
  s.program.signal(SIGTERM);
  ASSERT_EQ(s.program.wait(), 0);
  std::istringstream lines(s.program.output());
  int requests = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto j = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(j.is_object()) << line;
    EXPECT_TRUE(j.contains("ts") && j.contains("level") && j.contains("msg")) << line;
    if (j["msg"] == "request") {
      ++requests;
    }
    if (j.value("id", "") == "left") {
      EXPECT_EQ(j["level"], "info");
      EXPECT_EQ(j["status"], 499);
      EXPECT_EQ(j["end"], "client_closed");
      EXPECT_EQ(j["cause"], "client closed (FIN)");
      EXPECT_EQ(j["route"], "/query/sim");
      EXPECT_GE(j["ms"].get<double>(), 100.0);
      EXPECT_LT(j["stopped_ms"].get<double>(), 1000.0);
    }
  }
  EXPECT_EQ(requests, 2);
}

TEST(log, leaves_out_the_routes_that_it_is_told_to_skip_and_nothing_else_does) {
  const temporary_directory folder;
  server s(
      {"--config", folder.write("server.json", R"({"log": {"skip": ["/healthz", "/absent"]}})")});
  EXPECT_NE(s.program.line_with(" warning log.skip: there is no route /absent"), "");
  s.curl("/healthz", {"-H", "X-Request-Id: skipped"});
  s.curl("/absent", {"-H", "X-Request-Id: refused"});
  EXPECT_NE(s.program.line_with(" refused "), "");
  EXPECT_EQ(s.ended("skipped")["status"], 200);
  EXPECT_GE(s.metric(R"(hangup_requests_total{route="/healthz",end="completed"})").value_or(0), 1);
  s.program.signal(SIGTERM);
  ASSERT_EQ(s.program.wait(), 0);
  EXPECT_EQ(s.program.output().find("GET /healthz"), std::string::npos) << s.program.output();
}

TEST(log, a_stranger_cannot_write_lines_of_their_own) {
  server s;
  // Control characters cannot come in a request line; what is left to try is an escape in UTF-8.
  s.curl("/a%0Ab%1B%5B2J", {"-H", "X-Request-Id: first\tsecond"});
  const auto line = s.program.line_with("/a%0Ab%1B%5B2J");
  EXPECT_NE(line.find(" 404 "), std::string::npos) << line;
  EXPECT_EQ(s.program.output().find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace hangup::system_test
