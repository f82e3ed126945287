// scripts/many-waiting, with few requests.
#include <gtest/gtest.h>

#include <regex>

#include "tests/support/needs.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

TEST(many_waiting, shows_that_requests_wait_without_threads_and_all_end_when_their_clients_leave) {
  needs({program("curl"), program("python3")});
  const auto shown = run({"env", "HANGUP=" HANGUP_BINARY, "scripts/many-waiting", "50"});
  EXPECT_EQ(shown.exit, 0) << shown.output;
  for (const auto* const text :
       {"sent by all +50 +0 ", "499 client_closed", "at the end +0 +0 ",
        R"(hangup_requests_total\{route="/query/sim/task",end="client_closed"\} 51)"}) {
    EXPECT_TRUE(std::regex_search(shown.output, std::regex(text))) << text << "\n" << shown.output;
  }
}

TEST(many_waiting, refuses_what_is_no_number_of_requests) {
  for (const auto* const wrong : {"0", "many", "-1", "60000"}) {
    const auto refused = run({"scripts/many-waiting", wrong});
    EXPECT_EQ(refused.exit, 2) << wrong;
    EXPECT_TRUE(is_one_line(refused.output)) << refused.output;
  }
}

}  // namespace
}  // namespace hangup::system_test
