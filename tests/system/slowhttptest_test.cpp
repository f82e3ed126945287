// The built binary under slowhttptest, the tool that others judge servers with: while hundreds of
// its clients send or read next to nothing, everybody else is served as if they were not there.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/client.h"
#include "tests/support/needs.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

struct mode {
  std::string name;
  std::vector<std::string> flags;
  std::vector<std::string> probes;  // routes that are asked meanwhile
};

std::ostream& operator<<(std::ostream& out, const mode& m) {
  return out << m.name;
}

const std::string target = "/query/sim?rows=100000&row_ms=0";

std::vector<mode> modes() {
  const std::vector<std::string> all = {"/healthz", "/spin?ms=0", "/query/sim?rows=1&row_ms=0"};
  return {
      {"slow_headers", {"-H", "-i", "1"}, all},
      {"slow_bodies", {"-B", "-t", "GET", "-s", "60000", "-i", "1"}, all},
      {"ranges", {"-R", "-t", "HEAD"}, all},
      // Who reads an answer slowly has a worker of its pool for so long as the route's deadline
      // lets it: the spot and the other pools do not notice.
      {"slow_reading",
       {"-X", "-w", "1", "-y", "512", "-n", "1", "-z", "32", "-k", "3"},
       {"/healthz", "/spin?ms=0", "/search?pattern=line&path=odd"}},
  };
}

class slowhttptest : public testing::TestWithParam<mode> {};

TEST_P(slowhttptest, leaves_the_service_available) {
  needs({test::program("slowhttptest")});
  server s;
  std::vector<std::string> command = {"slowhttptest", "-c", "400", "-r",         "200", "-l", "6",
                                      "-p",           "3",  "-u",  s.url(target)};
  command.insert(command.end(), GetParam().flags.begin(), GetParam().flags.end());
  process attack(command);

  std::vector<std::chrono::duration<double>> times;
  while (!attack.wait(20ms)) {
    for (const auto& probe : GetParam().probes) {
      const auto begin = std::chrono::steady_clock::now();
      client c(s.port());
      ASSERT_TRUE(c.connected());
      const auto a = c.ask(get(probe));
      ASSERT_EQ(a.status, 200) << probe << " after " << times.size();
      ASSERT_TRUE(a.whole);
      times.push_back(std::chrono::steady_clock::now() - begin);
    }
  }
  const auto said = attack.output();
  EXPECT_NE(said.find("service available:"), std::string::npos) << said;
  EXPECT_NE(said.find("YES"), std::string::npos) << said;
  EXPECT_EQ(said.find("\033[1;31mNO"), std::string::npos) << said;

  ASSERT_GT(times.size(), 30U);
  std::sort(times.begin(), times.end());
  EXPECT_LT(times[times.size() / 2], 100ms);
  EXPECT_LT(times.back(), 3s) << "the slowest of " << times.size();
  s.program.signal(SIGTERM);
  s.program.signal(SIGTERM);
  EXPECT_EQ(s.program.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(by, slowhttptest, testing::ValuesIn(modes()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace hangup::system_test
