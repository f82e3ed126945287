// The built binary under attack by a stranger's bytes: the log is a line per request and nothing
// that a terminal would obey.
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/support/client.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

// Every byte that does not belong into a request, in each part of it.
std::vector<std::string> forgeries() {
  const std::string forged = "2026-01-01T00:00:00.000Z info GET /forged 200 completed";
  std::vector<std::string> all;
  for (int c = 0; c < 256; ++c) {
    if (c > 0x20 && c < 0x7f) {
      continue;
    }
    const auto bad = std::string(1, static_cast<char>(c)) + forged;
    all.push_back("GET /" + bad + " HTTP/1.1\r\nHost: test\r\n\r\n");
    all.push_back("GET" + bad + " / HTTP/1.1\r\nHost: test\r\n\r\n");
    all.push_back(get("/healthz", "X-Request-Id: a" + bad + "\r\n"));
  }
  for (const std::string separator :
       {"\xc2\x85",
        "\xc2\x9b"
        "2J",
        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xae", "%0d%0a", "%1b[2J", "\xc0\x8a"}) {
    all.push_back(get("/x" + separator + "GET/forged"));
    all.push_back(get("/healthz?" + separator + "forged"));
    all.push_back(get("/healthz", "X-Request-Id: a" + separator + "forged\r\n"));
  }
  return all;
}

// What ends a line or begins a command, to a terminal or to a reader of logs: control characters,
// line and paragraph separators, reversed text, and bytes that are no UTF-8.
std::string first_unsafe(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto u = static_cast<unsigned char>(text[i]);
    if ((u < 0x20 && u != '\n') || u == 0x7f) {
      return "a control at " + std::to_string(i);
    }
  }
  for (const std::string bad :
       {"\xc2\x85", "\xc2\x9b", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xae"}) {
    if (text.find(bad) != std::string::npos) {
      return "a separator or control beyond ASCII";
    }
  }
  return nlohmann::json(text)
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::ignore)
                     .size() == nlohmann::json(text)
                                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                                    .size()
             ? ""
             : "no UTF-8";
}

class forged_lines : public testing::TestWithParam<bool> {};

TEST_P(forged_lines, do_not_get_into_the_log_nor_does_a_terminal_obey_them) {
  const temporary_directory folder;
  server s({"--config",
            folder.write("server.json", GetParam() ? R"({"log": {"format": "json"}})" : "{}")});
  const auto requests = forgeries();
  for (const auto& r : requests) {
    client c(s.port());
    ASSERT_TRUE(c.send(r));
    ASSERT_NE(c.receive().status, 0) << r;
  }
  EXPECT_EQ(first_unsafe(s.curl("/requests/ended?limit=1000").output), "");
  s.program.signal(SIGTERM);
  ASSERT_EQ(s.program.wait(), 0);
  const auto text = s.program.output();
  EXPECT_EQ(first_unsafe(text), "");
  std::istringstream lines(text);
  std::size_t of_requests = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_NE(line.find("Z\",\"level\":\"") == std::string::npos, GetParam()) << line;
    EXPECT_NE(line.rfind("2026-01-01", 0), 0U) << "a line of the stranger's own: " << line;
    of_requests +=
        line.find("127.0.0.1:") != std::string::npos && line.find("listens on") == std::string::npos
            ? 1U
            : 0U;
    if (GetParam()) {
      EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    }
  }
  EXPECT_EQ(of_requests, requests.size() + 1) << "a line each";
}

INSTANTIATE_TEST_SUITE_P(as, forged_lines, testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "json" : "text");
});

// A proxy that keeps these pages back compares paths, not all of them after decoding.
TEST(a_page_for_operators, is_not_there_under_another_spelling_of_its_path) {
  const server s;
  client c(s.port());
  for (const auto* page : {"/metrics", "/requests", "/requests/ended", "/jobs"}) {
    EXPECT_EQ(c.ask(get(page)).status, 200) << page;
  }
  for (const auto* other :
       {"/%6detrics", "//metrics", "/./metrics", "/x/../metrics", "/%2e/metrics", "/metrics/",
        "/requests%2fended", "/requests%2Fended?limit=1", "/%72equests", "/requests/%65nded",
        "/j%6fbs", "/jobs%2fx", "http://test/%6detrics"}) {
    EXPECT_EQ(c.ask(get(other)).status, 404) << other;
  }
  EXPECT_EQ(c.ask(get("/he%61lthz")).status, 200) << "not a page that is kept back";
}

// More than the sockets and the read-ahead take: the FIN is behind it.
TEST(the_body_of_a_get, that_curl_sends_does_not_hide_that_it_has_been_stopped) {
  const temporary_directory folder;
  const auto file = folder.write("body", std::string(8'000'000, 'x'));
  server s;
  process curl({"curl", "-s", "-o", "/dev/null", "-X", "GET", "-T", file, "-H", "Expect:", "-H",
                "X-Request-Id: put-as-get", s.url("/query/sim?rows=1000&row_ms=100&stream=0")});
  ASSERT_TRUE(s.in_flight_until([](const nlohmann::json& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& r) {
      return r.at("id") == "put-as-get" && r.at("state") == "running";
    });
  }));
  curl.signal(SIGKILL);
  EXPECT_EQ(s.ended("put-as-get").at("end"), "client_closed");
  EXPECT_EQ(s.metric("hangup_limit_reached_total{limit=\"read_ahead\"}"), 0);
}

}  // namespace
}  // namespace hangup::system_test
