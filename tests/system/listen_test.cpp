// Where the program says that it listens, and what it calls those who come.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/needs.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

std::string port_behind(const std::string& line, const std::string& text) {
  const auto at = line.find(text);
  return at == std::string::npos
             ? ""
             : line.substr(at + text.size(), line.find_first_of(", ", at) - at - text.size());
}

TEST(listening, at_localhost_says_each_address_and_is_there) {
  needs({test::program("curl")});
  process s({HANGUP_BINARY, "--host", "localhost", "--port", "0"});
  const auto line = s.line_with(" listens on ");
  const auto v4 = port_behind(line, "http://127.0.0.1:");
  ASSERT_NE(v4, "") << line;
  EXPECT_EQ(run({"curl", "-s", "http://127.0.0.1:" + v4 + "/healthz"}).output, "ok\n");
  if (const auto v6 = port_behind(line, "http://[::1]:"); !v6.empty()) {
    EXPECT_EQ(v6, v4);
    EXPECT_EQ(run({"curl", "-sg", "http://[::1]:" + v6 + "/healthz"}).output, "ok\n");
    EXPECT_NE(s.line_with("[[::1]:"), "") << "the client, in the line of its request";
  }
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0);
}

TEST(listening, everywhere_calls_a_client_of_ipv4_by_its_ipv4_address) {
  needs({test::program("curl"), ipv6()});
  process s({HANGUP_BINARY, "--host", "::", "--port", "0"});
  const auto line = s.line_with(" ");
  const auto port = port_behind(line, "http://[::]:");
  ASSERT_NE(port, "") << line;
  EXPECT_EQ(run({"curl", "-s", "http://127.0.0.1:" + port + "/healthz"}).output, "ok\n");
  EXPECT_NE(s.line_with("[127.0.0.1:"), "");
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0);
}

}  // namespace
}  // namespace hangup::system_test
