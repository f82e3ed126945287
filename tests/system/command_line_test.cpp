// Flags, configuration and what goes wrong at the start, on the built binary.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

result hangup(std::vector<std::string> flags) {
  flags.insert(flags.begin(), HANGUP_BINARY);
  return run(std::move(flags));
}

// A configuration file for one test.
class file {
 public:
  explicit file(const std::string& text) : path(folder_.write("server.json", text)) {}

 private:
  const temporary_directory folder_;

 public:
  const std::string path;
};

TEST(command_line, help_names_every_flag_and_exits_0) {
  const auto r = hangup({"--help"});
  EXPECT_EQ(r.exit, 0);
  for (const auto* flag :
       {"--help", "--version", "--config", "--host", "--port", "--log-level", "--check-config"}) {
    EXPECT_NE(r.output.find(flag), std::string::npos) << flag;
  }
}

TEST(command_line, version_is_one_line_and_exits_0) {
  const auto r = hangup({"--version"});
  EXPECT_EQ(r.exit, 0);
  EXPECT_TRUE(is_one_line(r.output)) << r.output;
}

TEST(command_line, a_wrong_flag_is_one_line_and_exit_code_2) {
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--prot", "1"},
                                                {"--port", "99999"},
                                                {"--log-level", "loud"},
                                                {"stray"},
                                                {"--config", "/nowhere/at/all.json"}}) {
    const auto r = hangup(flags);
    EXPECT_EQ(r.exit, 2) << flags.front();
    EXPECT_TRUE(is_one_line(r.output)) << r.output;
  }
}

TEST(command_line, a_wrong_configuration_is_one_line_with_key_found_and_allowed) {
  const file bad(R"({"listen": {"prot": 1}})");
  const auto r = hangup({"--config", bad.path});
  EXPECT_EQ(r.exit, 2);
  EXPECT_EQ(r.output, bad.path + ": listen.prot: unknown key; did you mean \"port\"?\n");

  const file range(R"({"http": {"front_threads": 0}})");
  const auto s = hangup({"--check-config", "--config", range.path});
  EXPECT_EQ(s.exit, 2);
  EXPECT_NE(s.output.find("http.front_threads: found 0, allowed"), std::string::npos) << s.output;
}

TEST(command_line, a_good_configuration_is_said_to_be_ok) {
  const auto r = hangup({"--check-config"});  // the one that is shipped
  EXPECT_EQ(r.exit, 0);
  EXPECT_EQ(r.output, "config/server.json: ok\n");
}

TEST(command_line, a_search_root_that_is_not_there_is_one_line_and_exit_code_2) {
  shop bad;
  bad.settings["search"]["root"] = "/nowhere/at/all";
  const auto r = hangup({"--port", "0", "--config", bad.config()});
  EXPECT_EQ(r.exit, 2);
  EXPECT_TRUE(is_one_line(r.output)) << r.output;
  EXPECT_NE(r.output.find("search.root"), std::string::npos) << r.output;
  EXPECT_FALSE(std::filesystem::exists(bad / "shop.db"))
      << "made before what is cheap was looked at";
}

TEST(command_line, where_nothing_can_listen_is_refused_by_the_check_and_by_the_start) {
  const auto checked = hangup({"--check-config", "--host", "192.0.2.1"});
  const auto started = hangup({"--host", "192.0.2.1", "--port", "0"});
  EXPECT_NE(started.output.find("listen.host: found \"192.0.2.1\", on which nothing can listen"),
            std::string::npos)
      << started.output;
  EXPECT_TRUE(is_one_line(started.output)) << started.output;
  EXPECT_EQ(started.exit, 2);
  EXPECT_EQ(checked.exit, 2);
  EXPECT_NE(checked.output.find("listen.host: found \"192.0.2.1\", on which nothing can listen"),
            std::string::npos)
      << checked.output;
}

TEST(command_line, a_port_for_which_one_must_be_root_is_refused_by_the_check) {
  std::ifstream in("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  int first = 0;
  in >> first;
  shop f;
  std::vector<std::string> command = {HANGUP_BINARY, "--check-config", "--config",
                                      f.config(),    "--port",         "1"};
  if (::geteuid() == 0) {
    command.insert(command.begin(), {"setpriv", "--bounding-set=-net_bind_service"});
  }
  const auto r = run(std::move(command));
  EXPECT_EQ(r.exit, first > 1 ? 2 : 0) << r.output;
  EXPECT_EQ(
      r.output.find("listen.port: found 1, on which this user cannot listen") != std::string::npos,
      first > 1)
      << r.output;
}

TEST(command_line, a_port_that_is_taken_is_one_line_and_exit_code_1) {
  const server first;
  const auto r = hangup({"--port", std::to_string(first.port())});
  EXPECT_EQ(r.exit, 1);
  EXPECT_TRUE(is_one_line(r.output)) << r.output;
  EXPECT_NE(r.output.find("Address already in use"), std::string::npos) << r.output;
}

}  // namespace
}  // namespace hangup::system_test
