#include "server/flags.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "server/cpus.h"
#include "tests/support/temporary_directory.h"

namespace hangup::server {
namespace {

// In an empty directory of its own, so that there is no config/server.json unless a test writes
// one.
class flags : public testing::Test {
 protected:
  void SetUp() override {
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(here_);
  }

  void TearDown() override { std::filesystem::current_path(before_); }

  static launch read(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "hangup");
    return read_flags(static_cast<int>(arguments.size()), arguments.data());
  }

  // The one line of an error, which is checked to be one.
  static std::string error_of(const std::vector<const char*>& arguments) {
    const auto l = read(arguments);
    EXPECT_EQ(l.exit_code, 2);
    EXPECT_TRUE(l.message_is_error);
    EXPECT_TRUE(std::all_of(l.message.begin(), l.message.end(), [](char c) {
      return c >= ' ' && c <= '~';
    })) << l.message;
    return l.message;
  }

  static void write(const char* path, const char* text) {
    std::filesystem::create_directories(std::filesystem::absolute(path).parent_path());
    std::ofstream(path) << text;
  }

 private:
  std::filesystem::path before_;
  const test::temporary_directory folder_;
  const std::filesystem::path here_ = folder_.path();
};

TEST_F(flags, without_any_and_without_a_file_the_defaults_hold) {
  const auto l = read({});
  EXPECT_EQ(l.exit_code, std::nullopt);
  EXPECT_EQ(l.message, "");
  EXPECT_EQ(l.source, "built-in defaults");
  EXPECT_EQ(l.settings, defaults());
}

TEST_F(flags, no_argument_at_all_is_not_even_a_name) {
  const char* const none[] = {nullptr};
  EXPECT_EQ(read_flags(0, none).settings, defaults());
}

TEST_F(flags, the_file_of_the_current_directory_is_read_if_it_is_there) {
  write("config/server.json", R"({"listen": {"port": 81}})");
  const auto l = read({});
  EXPECT_EQ(l.exit_code, std::nullopt);
  EXPECT_EQ(l.source, "config/server.json");
  EXPECT_EQ(l.settings.listen.port, 81);
}

TEST_F(flags, a_named_file_is_read_instead) {
  write("config/server.json", "not read");
  write("other.json", R"({"listen": {"port": 82}})");
  for (const auto& l : {read({"--config", "other.json"}), read({"--config=other.json"})}) {
    EXPECT_EQ(l.source, "other.json");
    EXPECT_EQ(l.settings.listen.port, 82);
  }
}

TEST_F(flags, they_go_over_the_file) {
  write("config/server.json",
        R"({"listen": {"host": "::1", "port": 81}, "log": {"level": "warn"}})");
  const auto l = read({"--port", "0", "--log-level=trace"});
  EXPECT_EQ(l.settings.listen.host, "::1");
  EXPECT_EQ(l.settings.listen.port, 0);
  EXPECT_EQ(l.settings.log.level, log_level::trace);
  EXPECT_EQ(read({"--host", "0.0.0.0"}).settings.listen.host, "0.0.0.0");
  EXPECT_EQ(read({"--host", "[::1]"}).settings.listen.host, "[::1]");
}

TEST_F(flags, of_two_the_last_holds) {
  EXPECT_EQ(read({"--port", "1", "--port=2"}).settings.listen.port, 2);
}

TEST_F(flags, help_names_every_flag_and_the_default_file) {
  const auto l = read({"--help"});
  EXPECT_EQ(l.exit_code, 0);
  EXPECT_FALSE(l.message_is_error);
  for (const auto* text :
       {"--help", "--version", "--config FILE", "--host ADDR", "--port N", "--log-level L",
        "--check-config", "--print-config", "--probe URL", "HANGUP_LISTEN__PORT",
        "config/server.json", "built-in defaults", "0..65535", "8080"}) {
    EXPECT_NE(l.message.find(text), std::string::npos) << text;
  }
  EXPECT_NE(l.message.back(), '\n');
}

TEST_F(flags, version_is_the_name_and_the_version) {
  const auto l = read({"--version"});
  EXPECT_EQ(l.exit_code, 0);
  EXPECT_FALSE(l.message_is_error);
  EXPECT_TRUE(l.message.starts_with("hangup ")) << l.message;
  EXPECT_GT(l.message.size(), 7u);
}

TEST_F(flags, an_unknown_one_is_refused_with_the_nearest_known_one) {
  EXPECT_EQ(error_of({"--prot", "80"}), R"(--prot: unknown flag; did you mean "--port"?)");
  EXPECT_EQ(error_of({"--log-levl=info"}),
            R"(--log-levl: unknown flag; did you mean "--log-level"?)");
  EXPECT_EQ(error_of({"--check_config"}),
            R"(--check_config: unknown flag; did you mean "--check-config"?)");
  EXPECT_TRUE(
      error_of({"--threads"}).starts_with(R"(--threads: unknown flag; allowed: "--help", )"));
  EXPECT_TRUE(error_of({"-p", "80"}).starts_with("-p: unknown flag; "));
  EXPECT_EQ(error_of({"--po\nrt"}), R"("--po\nrt": unknown flag; did you mean "--port"?)");
}

TEST_F(flags, anything_else_on_the_line_is_refused) {
  EXPECT_EQ(error_of({"8080"}), R"("8080": unknown argument, allowed are only flags; see --help)");
  EXPECT_EQ(error_of({"--", "x"}).substr(0, 4), R"("--")");
}

TEST_F(flags, a_wrong_value_is_refused_with_what_is_allowed) {
  EXPECT_EQ(error_of({"--port", "65536"}), "--port: found 65536, allowed 0..65535");
  EXPECT_EQ(error_of({"--port", "-1"}), "--port: found -1, allowed 0..65535");
  EXPECT_EQ(error_of({"--port", "http"}), R"(--port: found "http", allowed an integer 0..65535)");
  EXPECT_EQ(error_of({"--port", ""}), R"(--port: found "", allowed an integer 0..65535)");
  EXPECT_EQ(error_of({"--host", ""}),
            "--host: found a string of 0 characters, allowed a string of 1..255 characters");
  EXPECT_EQ(error_of({"--log-level", "fast\x1b\xff"}),
            R"(--log-level: found "fast\u001b\ufffd", allowed one of )"
            R"("trace", "debug", "info", "warn", "error")");
}

TEST_F(flags, a_missing_value_is_refused) {
  const std::string port = "--port: found nothing, allowed an integer 0..65535";
  EXPECT_EQ(error_of({"--port"}), port);
  EXPECT_EQ(error_of({"--port="}), port);
  EXPECT_EQ(error_of({"--host", "x", "--port"}), port);
  EXPECT_EQ(error_of({"--port", "--host", "x"}), port);
  EXPECT_EQ(error_of({"--port=", "--host", "x"}), port);
  EXPECT_EQ(error_of({"--config"}), "--config: found nothing, allowed the path of a file");
}

TEST_F(flags, a_value_for_one_that_has_none_is_refused) {
  EXPECT_EQ(error_of({"--check-config=x.json"}),
            R"(--check-config: found "x.json", allowed no value)");
}

TEST_F(flags, a_named_file_must_be_there) {
  EXPECT_EQ(error_of({"--config", "x.json"}),
            R"(--config: found "x.json", allowed the path of a file)");
  EXPECT_EQ(error_of({"--config", "."}), R"(--config: found ".", allowed the path of a file)");
  EXPECT_EQ(error_of({"--config", ""}), R"(--config: found "", allowed the path of a file)");
}

TEST_F(flags, a_default_file_that_cannot_be_read_is_not_passed_over) {
  std::filesystem::create_directories("config/server.json");
  EXPECT_EQ(error_of({}), "config/server.json: cannot be read: Is a directory");
}

TEST_F(flags, a_wrong_file_is_refused_by_its_name) {
  write("config/server.json", R"({"listen": {"port": 99999}})");
  EXPECT_EQ(error_of({}), "config/server.json: listen.port: found 99999, allowed 0..65535");
  EXPECT_EQ(error_of({"--port", "80"}),
            "config/server.json: listen.port: found 99999, allowed 0..65535");
}

TEST_F(flags, check_config_says_ok_or_what_is_wrong) {
  write("config/server.json", "{}");
  const auto l = read({"--check-config"});
  EXPECT_EQ(l.exit_code, 0);
  EXPECT_FALSE(l.message_is_error);
  EXPECT_EQ(l.message, "config/server.json: ok");
  write("config/server.json", "{");
  EXPECT_EQ(error_of({"--check-config"}),
            "config/server.json: line 1, column 2: not JSON: unexpected end");
  std::filesystem::remove("config/server.json");
  EXPECT_EQ(read({"--check-config"}).message, "built-in defaults: ok");
  EXPECT_EQ(error_of({"--check-config", "--port", "x"}),
            R"(--port: found "x", allowed an integer 0..65535)");
}

TEST_F(flags, go_over_the_environment_and_that_over_the_file) {
  write("c.json", R"({"listen": {"port": 1, "backlog": 2}, "log": {"level": "warn"}})");
  const std::vector<const char*> environment = {"PATH=/bin", "HANGUP_LISTEN__PORT=3",
                                                "HANGUP_LISTEN__BACKLOG=4", nullptr};
  const std::vector<const char*> arguments = {"hangup", "--config", "c.json", "--port", "5"};
  const auto l =
      read_flags(static_cast<int>(arguments.size()), arguments.data(), environment.data());
  EXPECT_EQ(l.settings.listen.port, 5);
  EXPECT_EQ(l.settings.listen.backlog, 4);
  EXPECT_EQ(l.settings.log.level, log_level::warn);
}

TEST_F(flags, print_config_says_who_said_what_and_no_secret) {
  write("c.json", R"({"databases": {"pg": {"kind": "postgres", "conninfo": "password=s3cret"}},
                      "fanout": {"report": "r"}, "listen": {"host": "::1"}})");
  const std::vector<const char*> environment = {"HANGUP_LISTEN__BACKLOG=4", nullptr};
  const std::vector<const char*> arguments = {"hangup", "--config", "c.json",
                                              "--port", "5",        "--print-config"};
  const auto l =
      read_flags(static_cast<int>(arguments.size()), arguments.data(), environment.data());
  EXPECT_EQ(l.exit_code, 0) << l.message;
  EXPECT_FALSE(l.message_is_error);
  std::map<std::string, std::string> lines;  // without what fills them up
  std::istringstream all(l.message);
  for (std::string line; std::getline(all, line);) {
    const auto sign = line.find("  # ");
    ASSERT_NE(sign, std::string::npos) << line;
    const auto setting = line.substr(0, line.find_last_not_of(' ', sign) + 1);
    lines[setting] = line.substr(sign + 4);
  }
  EXPECT_EQ(lines[R"(listen.host = "::1")"], "c.json");
  EXPECT_EQ(lines["listen.port = 5"], "--port");
  EXPECT_EQ(lines["listen.backlog = 4"], "HANGUP_LISTEN__BACKLOG");
  EXPECT_EQ(lines["databases.pg.conninfo = (hidden)"], "c.json");
  EXPECT_EQ(lines["databases.pg.wait_ms = 2000"], "default");
  EXPECT_EQ(lines["relay.upstreams = {}"], "default");
  EXPECT_EQ(lines["pools.cpu.workers = " + std::to_string(usable_cpus())],
            "the CPUs that there are");
  EXPECT_EQ(l.message.find("s3cret"), std::string::npos);
}

TEST_F(flags, print_config_does_not_name_the_file_for_what_a_variable_replaces_as_a_whole) {
  write("c.json", R"({"pools": {"cpu": {"workers": 3, "queue": 3}, "query": {"workers": 1},
                                "search": {"workers": 1}}})");
  const std::vector<const char*> environment = {R"(HANGUP_POOLS__CPU={"workers": 4})", nullptr};
  const std::vector<const char*> arguments = {"hangup", "--config", "c.json", "--print-config"};
  const auto l =
      read_flags(static_cast<int>(arguments.size()), arguments.data(), environment.data());
  std::istringstream all(l.message);
  std::string cpu;
  for (std::string line; std::getline(all, line);) {
    if (line.starts_with("pools.cpu.") || line.starts_with("pools.query.workers")) {
      line.erase(line.find(" = "), line.find("  #") - line.find(" = "));
      cpu += line + "\n";
    }
  }
  EXPECT_EQ(cpu,
            "pools.cpu.queue  # default\n"
            "pools.cpu.spare_percent  # default\n"
            "pools.cpu.workers  # HANGUP_POOLS__CPU\n"
            "pools.query.workers  # c.json\n");
}

TEST_F(flags, an_explicit_number_of_workers_holds) {
  const std::vector<const char*> environment = {"HANGUP_POOLS__CPU__WORKERS=77", nullptr};
  const char* const arguments[] = {"hangup"};
  const auto l = read_flags(1, arguments, environment.data());
  EXPECT_EQ(l.settings.pools.at("cpu").workers, 77U);
  EXPECT_EQ(l.settings.pools.at("search").workers, 4U);
}

TEST_F(flags, a_probe_of_nothing_does_not_start_a_server) {
  EXPECT_EQ(error_of({"--probe", ""}), "--probe: found nothing, allowed a URL");
  EXPECT_EQ(read({"--probe", "http://x"}).probe, "http://x");
}

}  // namespace
}  // namespace hangup::server
