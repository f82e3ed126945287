// Where the program says that it listens, and what it calls those who come.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "tests/support/eventually.h"
#include "tests/support/needs.h"
#include "tests/support/temporary_directory.h"
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
  process s({HANGUP_BINARY, "--host", "::", "--port", "0", "--admin-listen", "same"});
  const auto line = s.line_with(" ");
  const auto port = port_behind(line, "http://[::]:");
  ASSERT_NE(port, "") << line;
  EXPECT_EQ(run({"curl", "-s", "http://127.0.0.1:" + port + "/healthz"}).output, "ok\n");
  EXPECT_NE(s.line_with("[127.0.0.1:"), "");
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0);
}

// The built program on a Unix socket in a folder of its own, and nowhere else.
class on_a_unix_socket : public testing::Test {
 protected:
  on_a_unix_socket() { needs({test::program("curl")}); }

  result curl(const std::string& target, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"curl", "-s", "--unix-socket", path, "--max-time", "30"});
    more.push_back("http://localhost" + target);
    return run(std::move(more));
  }

  const temporary_directory folder;
  const std::string path = folder / "hangup.sock";
  const std::string at = "unix:" + path;
};

TEST_F(on_a_unix_socket, it_says_so_and_calls_its_clients_by_user_and_process) {
  process s({HANGUP_BINARY, "--listen", at});
  EXPECT_NE(s.line_with(" listens on " + at + " with "), "") << s.output();
  EXPECT_EQ(curl("/healthz").output, "ok\n");
  EXPECT_NE(s.line_with("[unix:uid=" + std::to_string(::geteuid()) + ",pid="), "") << s.output();
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(on_a_unix_socket, a_hang_up_stops_the_work_however_the_client_ends) {
  process s({HANGUP_BINARY, "--listen", at, "--listen", "127.0.0.1:0"});
  ASSERT_NE(s.line_with(" listens on "), "");
  EXPECT_EQ(curl("/query/sim?seconds=600", {"--max-time", "0.3"}).exit, 28);
  EXPECT_NE(s.line_with(" 499 "), "") << s.output();
  process killed({"curl", "-s", "--unix-socket", path, "-H", "X-Request-Id: killed",
                  "http://localhost/query/sim?seconds=600"});
  ASSERT_TRUE(eventually(
      [&] { return curl("/requests").output.find("\"killed\"") != std::string::npos; }, 5ms));
  killed.signal(SIGKILL);
  // With an answer in it that curl has not read yet, the kernel resets the connection.
  const std::set<std::string> ends = {"client_closed", "client_reset"};
  EXPECT_TRUE(eventually(
      [&] {
        const auto page = nlohmann::json::parse(curl("/requests/ended").output, nullptr, false);
        return std::any_of(page["ended"].begin(), page["ended"].end(), [&](const auto& e) {
          return e["id"] == "killed" && ends.contains(e["end"]) && e["status"] == 499;
        });
      },
      5ms));
}

TEST_F(on_a_unix_socket, the_probe_asks_it) {
  process s({"env", "HANGUP_LISTEN__HOST=", "HANGUP_LISTEN__PATH=" + path, HANGUP_BINARY});
  ASSERT_NE(s.line_with(" listens on " + at + " with "), "") << s.output();
  for (const auto& url : {at, at + ":/readyz", at + ":/healthz?a=b"}) {
    const auto r = run({HANGUP_BINARY, "--probe", url});
    EXPECT_EQ(r.exit, 0) << r.output;
    EXPECT_EQ(r.output, "");
  }
  EXPECT_EQ(run({HANGUP_BINARY, "--probe", at + ":/nowhere"}).output, at + ":/nowhere: 404\n");
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0);
  const auto gone = run({HANGUP_BINARY, "--probe", at});
  EXPECT_EQ(gone.exit, 1);
  EXPECT_TRUE(is_one_line(gone.output)) << gone.output;
}

TEST_F(on_a_unix_socket, with_an_abstract_name_it_is_asked_by_it) {
  process s({HANGUP_BINARY, "--listen", "unix:@" + path});
  ASSERT_NE(s.line_with(" listens on unix:@" + path), "") << s.output();
  EXPECT_EQ(run({"curl", "-s", "--abstract-unix-socket", path, "http://localhost/healthz"}).output,
            "ok\n");
  EXPECT_EQ(run({HANGUP_BINARY, "--probe", "unix:@" + path}).exit, 0);
}

TEST_F(on_a_unix_socket, one_that_is_in_use_is_one_line_and_exit_code_1) {
  process s({HANGUP_BINARY, "--listen", at});
  ASSERT_NE(s.line_with(" listens on "), "");
  const auto second = run({HANGUP_BINARY, "--listen", at});
  EXPECT_EQ(second.exit, 1);
  EXPECT_EQ(second.output, "hangup: cannot listen on " + at + ": Address already in use\n");
  EXPECT_EQ(curl("/healthz").output, "ok\n");
}

TEST_F(on_a_unix_socket, one_that_a_killed_server_has_left_is_replaced) {
  {
    process s({HANGUP_BINARY, "--listen", at});
    ASSERT_NE(s.line_with(" listens on "), "");
    s.signal(SIGKILL);
    s.wait();
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  process s({HANGUP_BINARY, "--listen", at});
  EXPECT_NE(s.line_with(" listens on "), "") << s.output();
  EXPECT_EQ(curl("/healthz").output, "ok\n");
}

}  // namespace
}  // namespace hangup::system_test
