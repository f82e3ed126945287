// The configuration by environment, on the built binary: what goes over what, as --print-config
// says it and as the running server does it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/listener.h"
#include "tests/support/needs.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

using words = std::vector<std::string>;

words command(words variables, const words& flags) {
  variables.insert(variables.begin(), "env");
  variables.emplace_back(HANGUP_BINARY);
  variables.insert(variables.end(), flags.begin(), flags.end());
  return variables;
}

result hangup(const words& variables, const words& flags = {}) {
  return run(command(variables, flags));
}

// The line of a key in --print-config, with one space where there are many.
std::string line_of(const std::string& key, const words& variables, const words& flags) {
  auto all = flags;
  all.emplace_back("--print-config");
  const auto r = hangup(variables, all);
  EXPECT_EQ(r.exit, 0) << r.output;
  const auto text = "\n" + r.output;
  const auto from = text.find("\n" + key + " = ");
  if (from == std::string::npos) {
    return "none in " + text;
  }
  auto line = text.substr(from + 1, text.find('\n', from + 1) - from - 1);
  line.erase(
      std::unique(line.begin(), line.end(), [](char a, char b) { return a == ' ' && b == ' '; }),
      line.end());
  return line;
}

// A folder with a configuration that has no databases, so that nothing has to be made.
class bare : public shop {
 public:
  bare() { settings["databases"] = nlohmann::json::object(); }
  std::string with(const char* name, const std::string& text) const {
    std::ofstream(*this / name) << text;
    return *this / name;
  }
};

// A server without a flag of the test's own.
class plain_server {
 public:
  plain_server(const words& variables, const words& flags)
      : program_(command(variables, flags)), line_(program_.line_with(" listens on ")) {}

  bool listens() const { return !line_.empty(); }
  std::string output() { return program_.output(); }
  std::string get(const std::string& target) const {
    needs({test::program("curl")});
    const auto from = line_.find("http://");
    return run({"curl", "-sS", "--max-time", "20",
                line_.substr(from, line_.find(' ', from) - from) + target})
        .output;
  }

 private:
  process program_;
  std::string line_;
};

TEST(environment, goes_over_the_file_and_a_flag_over_it_and_print_config_says_so) {
  bare folder;
  EXPECT_EQ(line_of("listen.port", {}, {"--config", folder.config()}),
            "listen.port = 8080 # default");
  folder.settings["listen"]["port"] = 81;
  const auto file = folder.config();
  EXPECT_EQ(line_of("listen.port", {}, {"--config", file}), "listen.port = 81 # " + file);
  EXPECT_EQ(line_of("listen.port", {"HANGUP_LISTEN__PORT=82"}, {"--config", file}),
            "listen.port = 82 # HANGUP_LISTEN__PORT");
  EXPECT_EQ(line_of("listen.port", {"HANGUP_LISTEN__PORT=82"}, {"--config", file, "--port", "83"}),
            "listen.port = 83 # --port");
}

TEST(environment, goes_over_the_file_and_a_flag_over_it_in_the_running_server) {
  const listener taken;  // who has this port does not start
  const auto port = std::to_string(taken.port());
  bare folder;
  folder.settings["listen"]["port"] = taken.port();
  folder.settings["pools"] = nlohmann::json::parse(R"({"query": {"workers": 3}, "cpu":
      {"workers": 5}, "search": {"workers": 1}, "relay": {"workers": 1}})");
  const auto file = folder.config();

  const auto by_file = hangup({}, {"--config", file});
  EXPECT_EQ(by_file.exit, 1);
  EXPECT_NE(by_file.output.find("port " + port + ": Address already in use"), std::string::npos)
      << by_file.output;

  plain_server by_variable({"HANGUP_LISTEN__PORT=0", "HANGUP_POOLS__CPU__WORKERS=7"},
                           {"--config", file});
  ASSERT_TRUE(by_variable.listens()) << by_variable.output();
  const auto page = by_variable.get("/metrics");
  EXPECT_NE(page.find("\nhangup_workers{pool=\"cpu\"} 7\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\nhangup_workers{pool=\"query\"} 3\n"), std::string::npos) << page;

  plain_server by_flag({"HANGUP_LISTEN__PORT=" + port}, {"--config", file, "--port", "0"});
  EXPECT_TRUE(by_flag.listens()) << by_flag.output();

  folder.settings["listen"]["port"] = 0;
  const auto taken_again = hangup({"HANGUP_LISTEN__PORT=" + port}, {"--config", folder.config()});
  EXPECT_EQ(taken_again.exit, 1);
  EXPECT_NE(taken_again.output.find("Address already in use"), std::string::npos);
}

TEST(environment, a_secret_is_shown_by_nothing) {
  bare folder;
  const auto secret =
      folder.with("conninfo", "host=/nowhere password=s3cret-from-a-file connect_timeout=1\n");
  const words by_file = {"HANGUP_DATABASES__PG__KIND=postgres",
                         "HANGUP_DATABASES__PG__CONNINFO_FILE=" + secret};
  const words flags = {"--config", folder.config()};
  EXPECT_EQ(line_of("databases.pg.conninfo", by_file, flags),
            "databases.pg.conninfo = (hidden) # HANGUP_DATABASES__PG__CONNINFO_FILE");
  EXPECT_EQ(line_of("databases.pg.conninfo",
                    {"HANGUP_DATABASES__PG__KIND=postgres",
                     "HANGUP_DATABASES__PG__CONNINFO=password=s3cret"},
                    flags),
            "databases.pg.conninfo = (hidden) # HANGUP_DATABASES__PG__CONNINFO");

  plain_server s(by_file, {"--config", folder.config(), "--port", "0", "--log-level", "trace"});
  ASSERT_TRUE(s.listens()) << s.output();
  const auto ready = s.get("/readyz");
  EXPECT_NE(ready.find("database pg"), std::string::npos) << ready;
  const auto said = ready + s.get("/query") + s.get("/query/pg") + s.get("/metrics") + s.output();
  EXPECT_EQ(said.find("s3cret"), std::string::npos) << said;
}

TEST(environment, what_is_wrong_is_one_line_that_names_the_variable_and_exit_code_2) {
  bare folder;
  const auto empty = folder.with("empty", "\n");
  const auto level = folder.with("level", "info\n");
  const auto pem = folder.with("key.pem", "-----BEGIN PRIVATE KEY-----\ns3cret\n");
  struct wrong {
    words variables;
    std::string says;
  };
  for (const auto& [variables, says] : {
           wrong{{"HANGUP_LISTEN__PORT=http"},
                 R"(HANGUP_LISTEN__PORT: found "http", allowed an integer 0..65535)"},
           {{"HANGUP_LISTEN__PORT="}, R"(HANGUP_LISTEN__PORT: found "", allowed an integer)"},
           {{"HANGUP_LISTEN__PROT=1"},
            R"(unknown key "listen.prot"; did you mean "HANGUP_LISTEN__PORT"?)"},
           {{"HANGUP_LISTEN_PORT=1"},
            R"(HANGUP_LISTEN_PORT: unknown key; did you mean "HANGUP_LISTEN__PORT"?)"},
           {{"HANGUP_LOG__LEVEL_FILE=/nowhere"},
            R"(HANGUP_LOG__LEVEL_FILE: "/nowhere" cannot be read: No such file or directory)"},
           {{"HANGUP_LOG__LEVEL_FILE=/tmp"}, R"("/tmp" cannot be read: it is a directory)"},
           {{"HANGUP_LOG__LEVEL_FILE=" + empty}, "HANGUP_LOG__LEVEL_FILE: \"" + empty},
           {{"HANGUP_LOG__LEVEL=info", "HANGUP_LOG__LEVEL_FILE=" + level},
            "HANGUP_LOG__LEVEL: found HANGUP_LOG__LEVEL_FILE as well, allowed one of them"},
           {{"HANGUP_TLS__KEY_FILE=" + pem}, "HANGUP_TLS__KEY is already the path of the file"},
           {{"HANGUP_TLS__KEY=Bag Attributes\n-----BEGIN PRIVATE KEY-----\ns3cret\n",
             "HANGUP_TLS__CERTIFICATE=x.pem"},
            "tls.key: found what is in a PEM file, allowed its path"},
           {{"HANGUP_SEARCH__ROOT=/dev/null/nowhere"}, "with HANGUP_SEARCH__ROOT: search.root: "},
           {{"HANGUP_TLS__KEY=/nowhere", "HANGUP_TLS__CERTIFICATE=/nowhere"},
            "with HANGUP_TLS__CERTIFICATE, HANGUP_TLS__KEY: tls.certificate: found \"/nowhere\""},
           {{"HANGUP_POOLS__A~B__WORKERS=1"}, R"(pools: name: found "a~b", allowed )"},
           {{"HANGUP_DATABASES__PG__CONNINFO=s3cret"}, "databases.pg.kind: missing"},
       }) {
    const auto r = hangup(variables, {"--config", folder.config(), "--port", "0"});
    EXPECT_EQ(r.exit, 2) << variables.front();
    EXPECT_TRUE(is_one_line(r.output)) << r.output;
    EXPECT_NE(r.output.find(says), std::string::npos) << r.output;
    EXPECT_NE(r.output.find(variables.front().substr(0, variables.front().find('='))),
              std::string::npos)
        << r.output;
    EXPECT_EQ(r.output.find("s3cret"), std::string::npos) << r.output;
  }
}

TEST(environment, what_kubernetes_sets_for_a_service_called_hangup_changes_nothing) {
  const words links = {"HANGUP_PORT=tcp://10.0.0.1:80", "HANGUP_SERVICE_HOST=10.0.0.1",
                       "HANGUP_PORT_80_TCP_ADDR=10.0.0.1", "HANGUP_SERVICE_PORT_HTTP=80"};
  EXPECT_EQ(hangup(links, {"--print-config"}).output, hangup({}, {"--print-config"}).output);
}

}  // namespace
}  // namespace hangup::system_test
