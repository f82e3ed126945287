#include "server/flags.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "server/cpus.h"
#include "server/sample_place.h"
#include "tests/support/nobody.h"
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
    ::setenv("XDG_DATA_HOME", (here_ / "data").c_str(), 1);
  }

  void TearDown() override {
    ::unsetenv("XDG_DATA_HOME");
    std::filesystem::current_path(before_);
  }

  // The defaults, in a working directory that has no folder build.
  config defaults_here() const {
    auto c = defaults();
    c.databases.at("sqlite").file = here_ / "data/hangup/sample.db";
    c.search.root = here_ / "data/hangup/corpus";
    return c;
  }

  static launch read(std::vector<const char*> arguments,
                     std::vector<const char*> environment = {}) {
    arguments.insert(arguments.begin(), "hangup");
    environment.push_back(nullptr);
    return read_flags(static_cast<int>(arguments.size()), arguments.data(), environment.data());
  }

  static std::string error_of_environment(const std::vector<const char*>& environment) {
    const auto l = read({"--check-config"}, environment);
    EXPECT_EQ(l.exit_code, 2);
    return l.message;
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
  EXPECT_EQ(l.settings, defaults_here());
}

TEST_F(flags, no_argument_at_all_is_not_even_a_name) {
  const char* const none[] = {nullptr};
  EXPECT_EQ(read_flags(0, none).settings, defaults_here());
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

TEST_F(flags, listen_says_where_to_listen_and_nowhere_else) {
  write("config/server.json",
        R"({"listen": {"host": "::1", "path": "s", "mode": "0600", "more": ["a:1"]}})");
  const auto only = read({"--listen", "[::1]:81", "--listen=unix:t"}).settings.listen;
  EXPECT_EQ(only.host, "");
  EXPECT_EQ(only.path, "");
  EXPECT_EQ(only.more, (std::vector<std::string>{"[::1]:81", "unix:t"}));
  EXPECT_EQ(only.mode, 0600U) << "of the file";
  const auto both = read({"--listen", "unix:t", "--port", "82"}).settings.listen;
  EXPECT_EQ(both.host, "::1");
  EXPECT_EQ(both.port, 82);
  EXPECT_EQ(both.more, std::vector<std::string>{"unix:t"});
  EXPECT_EQ(read({"--host", "", "--listen", "unix:t"}).settings.listen.host, "");
}

TEST_F(flags, an_address_to_listen_on_that_is_none_is_refused) {
  EXPECT_EQ(
      error_of({"--listen", "::1:80"}),
      "built-in defaults with --listen: listen.more[0]: found \"::1:80\", but an IPv6 address "
      "stands in brackets, as in [::1]:8080, allowed such as 127.0.0.1:8080, [::1]:8080, "
      "localhost:0, unix:/run/hangup.sock");
  const auto nothing =
      "--listen: found nothing, allowed an address, such as 127.0.0.1:8080 or "
      "unix:/run/hangup.sock; see --help";
  EXPECT_EQ(error_of({"--listen"}), nothing);
  EXPECT_EQ(error_of({"--listen", ""}), nothing);
  EXPECT_EQ(error_of({"--listen", "a:1", "--listen", "--port"}), nothing);
  EXPECT_EQ(error_of({"--listen", "a:1", "b:2"}),
            "\"b:2\": unknown argument, allowed are only flags; see --help");
  EXPECT_EQ(error_of({"--listen", "unix:\xff"}),
            "--listen: found what is not UTF-8, allowed an address, such as 127.0.0.1:8080 or "
            "unix:/run/hangup.sock; see --help");
  std::vector<const char*> many(34, "a:1");
  for (std::size_t i = 0; i < many.size(); i += 2) {
    many[i] = "--listen";
  }
  EXPECT_EQ(error_of(many),
            "--listen: found an array of 17, allowed an array of at most 16; see --help");
}

TEST_F(flags, nowhere_to_listen_is_refused) {
  EXPECT_EQ(error_of({"--host", ""}),
            "built-in defaults with --host: listen.host: found nothing, allowed nothing only if "
            "listen.path or listen.more has an address");
}

TEST_F(flags, check_config_finds_a_unix_socket_that_could_not_be_made) {
  write("file", "");
  const auto one = [](const char* path) {
    const auto l = read({"--check-config"}, {path});
    EXPECT_EQ(l.exit_code, 2) << path;
    EXPECT_EQ(std::count(l.message.begin(), l.message.end(), '\n'), 0) << l.message;
    return l.message;
  };
  EXPECT_EQ(
      one("HANGUP_LISTEN__PATH=file"),
      "built-in defaults with HANGUP_LISTEN__PATH: listen.path: found \"file\", where there is "
      "something that is not a socket, allowed the path of a socket, or one where nothing is");
  EXPECT_EQ(
      one("HANGUP_LISTEN__PATH=none/s"),
      "built-in defaults with HANGUP_LISTEN__PATH: listen.path: found \"none/s\", where no "
      "socket can be made (No such file or directory), allowed a path in a folder that exists "
      "(found \"none\") and that this user may write to");
  EXPECT_NE(
      one("HANGUP_LISTEN__MORE=[\"unix:none/s\"]").find("listen.more[0]: found \"unix:none/s\""),
      std::string::npos);
  EXPECT_NE(
      one("HANGUP_LISTEN__PATH=unix:s").find("allowed the path alone, without unix: in front"),
      std::string::npos);
  // 107 characters of two bytes each.
  std::string wide = "HANGUP_LISTEN__PATH=";
  for (int i = 0; i < 107; ++i) {
    wide += "\u00e4";
  }
  EXPECT_NE(one(wide.c_str()).find("found a path of 214 bytes, allowed one of at most 107"),
            std::string::npos);
  EXPECT_EQ(read({"--check-config"}, {"HANGUP_LISTEN__PATH=s"}).message, "built-in defaults: ok");
  EXPECT_FALSE(std::filesystem::exists("s")) << "the check makes nothing";
}

TEST_F(flags, help_names_every_flag_and_the_default_file) {
  const auto l = read({"--help"});
  EXPECT_EQ(l.exit_code, 0);
  EXPECT_FALSE(l.message_is_error);
  for (const auto* text :
       {"-h,--help", "--version", "--config FILE", "HANGUP_CONFIG", "XDG_DATA_HOME", "--host ADDR",
        "--port N", "--listen ADDRESS", "--log-level L", "--check-config", "--print-config",
        "--probe URL", "HANGUP_LISTEN__PORT", "config/server.json", "built-in defaults", "0..65535",
        "8080"}) {
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
  EXPECT_EQ(error_of({"--prot", "80"}),
            R"(--prot: unknown flag; did you mean "--port"? See --help)");
  EXPECT_EQ(error_of({"--log-levl=info"}),
            R"(--log-levl: unknown flag; did you mean "--log-level"? See --help)");
  EXPECT_EQ(error_of({"--check_config"}),
            R"(--check_config: unknown flag; did you mean "--check-config"? See --help)");
  EXPECT_TRUE(
      error_of({"--threads"}).starts_with(R"(--threads: unknown flag; allowed: "--help", )"));
  EXPECT_TRUE(error_of({"-p", "80"}).starts_with("-p: unknown flag; "));
  EXPECT_EQ(error_of({"--po\nrt"}),
            R"("--po\nrt": unknown flag; did you mean "--port"? See --help)");
}

TEST_F(flags, anything_else_on_the_line_is_refused) {
  EXPECT_EQ(error_of({"8080"}), R"("8080": unknown argument, allowed are only flags; see --help)");
  EXPECT_EQ(error_of({"--", "x"}).substr(0, 4), R"("--")");
}

TEST_F(flags, a_wrong_value_is_refused_with_what_is_allowed) {
  EXPECT_EQ(error_of({"--port", "65536"}), "--port: found 65536, allowed 0..65535; see --help");
  EXPECT_EQ(error_of({"--port", "-1"}), "--port: found -1, allowed 0..65535; see --help");
  EXPECT_EQ(error_of({"--port", "http"}),
            R"(--port: found "http", allowed an integer 0..65535; see --help)");
  EXPECT_EQ(error_of({"--port", ""}),
            R"(--port: found "", allowed an integer 0..65535; see --help)");
  EXPECT_EQ(error_of({"--host", std::string(256, 'h').c_str()}),
            "--host: found a string of 256 characters, allowed a string of 0..255 characters; see "
            "--help");
  EXPECT_EQ(error_of({"--log-level", "fast\x1b\xff"}),
            R"(--log-level: found "fast\u001b\ufffd", allowed one of )"
            R"("trace", "debug", "info", "warn", "error"; see --help)");
}

TEST_F(flags, a_missing_value_is_refused) {
  const std::string port = "--port: found nothing, allowed an integer 0..65535; see --help";
  EXPECT_EQ(error_of({"--port"}), port);
  EXPECT_EQ(error_of({"--port="}), port);
  EXPECT_EQ(error_of({"--host", "x", "--port"}), port);
  EXPECT_EQ(error_of({"--port", "--host", "x"}), port);
  EXPECT_EQ(error_of({"--port=", "--host", "x"}), port);
  EXPECT_EQ(error_of({"--config"}),
            "--config: found nothing, allowed the path of a file; see --help");
}

TEST_F(flags, a_value_for_one_that_has_none_is_refused) {
  EXPECT_EQ(error_of({"--check-config=x.json"}),
            R"(--check-config: found "x.json", allowed no value; see --help)");
}

TEST_F(flags, a_named_file_must_be_there) {
  const auto refused = [](const std::string& path, const std::string& why) {
    EXPECT_EQ(error_of({"--config", path.c_str()}), "--config: \"" + path + "\" cannot be read: " +
                                                        why + ", allowed the path of a JSON file");
  };
  refused("x.json", "No such file or directory");
  refused(".", "it is a directory");
  refused("/dev/null", "it is a device");
  ASSERT_EQ(::mkfifo("fifo", 0600), 0);
  refused("fifo", "it is a FIFO");
  write("empty.json", "");
  EXPECT_EQ(error_of({"--config", "empty.json"}),
            "empty.json: it is empty, allowed JSON, such as {}");
  write("mark.json", "\xef\xbb\xbf\r\n");
  EXPECT_EQ(error_of({"--config", "mark.json"}),
            "mark.json: it is empty, allowed JSON, such as {}");
  EXPECT_EQ(error_of({"--config", ""}),
            "--config: found nothing, allowed the path of a file; see --help");
}

TEST_F(flags, the_environment_may_name_the_file_and_a_flag_goes_over_that) {
  write("config/server.json", "not read");
  write("a.json", R"({"listen": {"port": 81}})");
  write("b.json", R"({"listen": {"port": 82}})");
  EXPECT_EQ(read({}, {"HANGUP_CONFIG=a.json"}).settings.listen.port, 81);
  EXPECT_EQ(read({}, {"HANGUP_CONFIG=a.json"}).source, "a.json");
  EXPECT_EQ(read({"--config", "b.json"}, {"HANGUP_CONFIG=a.json"}).settings.listen.port, 82);
  EXPECT_EQ(read({}, {"HANGUP_CONFIG=c.json"}).message,
            "HANGUP_CONFIG: \"c.json\" cannot be read: No such file or directory, allowed the path "
            "of a JSON file");
  EXPECT_EQ(read({}, {"HANGUP_CONFIG="}).message,
            "HANGUP_CONFIG: found nothing, allowed the path of a file; see --help");
  EXPECT_EQ(read({"--port", "5"}, {"HANGUP_CONFIG=a.json", "HANGUP_PORT=83", "HANGUP_HOST=::1"})
                .settings.listen,
            (config::listen_t{"::1", 5, "", 0660, {}, 1024}));
}

TEST_F(flags, mistakes_of_the_file_the_environment_and_the_flags_are_told_together) {
  write("c.json", R"({"listen": {"prot": 1}, "tls": {"certificate": "no.pem", "key": "no.pem"},
                      "search": {"root": "no folder"}})");
  const auto l = read({"--config", "c.json", "--log-level", "loud"},
                      {"HANGUP_FOO__BAR=1", "HANGUP_JOBS__MOST=-1"});
  EXPECT_EQ(l.exit_code, 2);
  std::istringstream lines(l.message);
  const std::vector<std::string> begins = {
      "HANGUP_FOO__BAR: unknown key \"foo.bar\"; ",
      "c.json: listen.prot: unknown key; ",
      "HANGUP_JOBS__MOST: found -1, allowed ",
      "--log-level: found \"loud\", allowed one of ",
      "c.json: tls.certificate: found \"no.pem\", but no certificate in PEM: No such file",
      "c.json: search.root: found \"no folder\", which cannot be searched: No such file or "
      "directory, "
      "allowed "};
  std::string line;
  for (const auto& begin : begins) {
    ASSERT_TRUE(std::getline(lines, line)) << begin;
    EXPECT_TRUE(line.starts_with(begin)) << line;
  }
  EXPECT_FALSE(std::getline(lines, line)) << line;
}

TEST_F(flags, all_unknown_flags_are_told_and_what_is_wrong_in_the_environment) {
  EXPECT_EQ(read({"--prot", "1", "--hots=x"}, {"HANGUP_PROT=1"}).message,
            "--prot: unknown flag; did you mean \"--port\"? See --help\n"
            "--hots: unknown flag; did you mean \"--host\"? See --help\n"
            "HANGUP_PROT: unknown variable; did you mean \"HANGUP_PORT\"?");
  EXPECT_EQ(read({"--port"}, {"HANGUP_PROT=1"}).message,
            "--port: found nothing, allowed an integer 0..65535; see --help\n"
            "HANGUP_PROT: unknown variable; did you mean \"HANGUP_PORT\"?");
}

TEST_F(flags, h_is_help) {
  EXPECT_EQ(read({"-h"}).message, read({"--help"}).message);
  EXPECT_EQ(read({"-h"}).exit_code, 0);
}

TEST_F(flags, a_sample_is_made_where_its_folder_is_and_else_among_the_users_data) {
  const auto data = std::filesystem::current_path() / "data/hangup";
  EXPECT_EQ(read({}).settings.databases.at("sqlite").file, data / "sample.db");
  EXPECT_EQ(read({}).settings.search.root, data / "corpus");
  EXPECT_NE(
      read({"--print-config"}).message.find("sample.db\"  # default; there is no folder build\n"),
      std::string::npos);
  ::unsetenv("XDG_DATA_HOME");
  const auto* const home = std::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  ::setenv("HOME", "/home/x", 1);
  EXPECT_EQ(data_folder(), "/home/x/.local/share/hangup");
  ::setenv("XDG_DATA_HOME", "relative/is/ignored", 1);
  EXPECT_EQ(data_folder(), "/home/x/.local/share/hangup");
  ::unsetenv("HOME");
  EXPECT_EQ(data_folder(), "");
  ::setenv("HOME", before.c_str(), 1);

  std::filesystem::create_directories("build");
  EXPECT_EQ(read({}).settings, defaults());
  for (const auto* path : {"/absolute/sample.db", "sample.db"}) {
    const auto given = std::string("HANGUP_DATABASES__SQLITE__FILE=") + path;
    EXPECT_EQ(read({"--print-config"}, {given.c_str()}).exit_code, 0);
    EXPECT_NE(read({"--print-config"}, {given.c_str()}).message.find(path), std::string::npos);
  }
  // What is no sample is somebody's own file.
  const auto own = read(
      {}, {"HANGUP_DATABASES__SQLITE__SAMPLE=false", "HANGUP_DATABASES__SQLITE__FILE=no/own.db"});
  EXPECT_EQ(own.settings.databases.at("sqlite").file, "no/own.db");
}

// What the variable HOME is within a test that changes it.
class home_of_a_test {
 public:
  home_of_a_test() {
    if (const auto* const home = std::getenv("HOME")) {
      before_ = home;
    }
  }
  ~home_of_a_test() { ::setenv("HOME", before_.c_str(), 1); }
  home_of_a_test(const home_of_a_test&) = delete;
  home_of_a_test& operator=(const home_of_a_test&) = delete;

 private:
  std::string before_;
};

TEST_F(flags, a_sample_is_in_the_current_folder_if_there_is_no_home_or_no_use_in_it) {
  const home_of_a_test restored;
  for (const auto* const data : {"", "/dev/null/home"}) {
    ::setenv("XDG_DATA_HOME", data, 1);
    ::unsetenv("HOME");
    const auto l = read({});
    EXPECT_EQ(l.exit_code, std::nullopt) << l.message;
    EXPECT_EQ(l.settings.databases.at("sqlite").file, "sample.db");
    EXPECT_EQ(l.settings.search.root, "corpus");
    EXPECT_EQ(read({}, {"HANGUP_DATABASES={}"}).settings.search.root, "corpus");
  }
}

TEST_F(flags, a_sample_is_not_made_in_a_folder_that_cannot_be_written_but_used_if_it_is_there) {
  std::filesystem::create_directories("data/hangup");
  std::filesystem::create_directory("build");
  namespace fs = std::filesystem;
  fs::permissions(".", fs::perms(0777));
  fs::permissions("data/hangup", fs::perms(0777));
  fs::permissions("build", fs::perms(0555));
  {
    const test::nobody here;
    EXPECT_EQ(read({}).settings, defaults_here());
    EXPECT_NE(read({"--print-config"}, {"HANGUP_SEARCH__ROOT=build/corpus"})
                  .message.find("# HANGUP_SEARCH__ROOT; nothing can be made in the folder build\n"),
              std::string::npos);
  }
  fs::permissions("build", fs::perms(0777));
  fs::create_directory("build/corpus");
  write("build/sample.db", "");
  fs::permissions("build", fs::perms(0555));
  const test::nobody here;
  EXPECT_EQ(read({}).settings, defaults());
}

TEST_F(flags, where_no_sample_can_be_made_the_variables_that_help_are_named) {
  const home_of_a_test restored;
  ::unsetenv("HOME");
  ::unsetenv("XDG_DATA_HOME");
  std::filesystem::permissions(".", std::filesystem::perms(0555));
  {
    const test::nobody here;
    const auto l = read({});
    EXPECT_EQ(l.exit_code, 2);
    for (const auto* const key : {"search.root: the sample texts build/corpus",
                                  "databases.sqlite.file: the sample database build/sample.db"}) {
      EXPECT_NE(l.message.find(std::string(key) +
                               " cannot be made: No such file or directory, and neither "
                               "XDG_DATA_HOME nor HOME names a folder that can be written; "),
                std::string::npos)
          << l.message;
    }
  }
  std::filesystem::permissions(".", std::filesystem::perms(0700));
}

TEST_F(flags, two_samples_in_one_place_are_a_mistake) {
  const auto data = (std::filesystem::current_path() / "data/hangup/").string();
  EXPECT_EQ(
      error_of_environment({R"(HANGUP_DATABASES={"a": {"kind": "sqlite", "file": "qa/same.db", )"
                            R"("sample": true}, "b": {"kind": "sqlite", "file": "qb/same.db", )"
                            R"("sample": true}})"}),
      "built-in defaults with HANGUP_DATABASES: databases.b.file: found \"qb/same.db\", whose "
      "place "
      "is " +
          data + "same.db, which is that of databases.a.file as well, allowed another name");
  EXPECT_EQ(
      error_of_environment({"HANGUP_SEARCH__ROOT=no/sample.db"}),
      "built-in defaults with HANGUP_SEARCH__ROOT: search.root: found \"no/sample.db\", whose "
      "place is " +
          data + "sample.db, which is that of databases.sqlite.file as well, allowed another name");
  // One sample may be two databases.
  EXPECT_EQ(read({}, {R"(HANGUP_DATABASES={"a": {"kind": "sqlite", "file": "qa/same.db", )"
                      R"("sample": true}, "b": {"kind": "sqlite", "file": "qa/same.db", )"
                      R"("sample": true}})"})
                .exit_code,
            std::nullopt);
}

TEST_F(flags, check_config_finds_what_the_start_would_find_and_makes_nothing) {
  write("file", "not a folder");
  ASSERT_EQ(::mkfifo("fifo", 0600), 0);
  const auto one = [](std::vector<const char*> environment) {
    const auto l = read({"--check-config"}, environment);
    EXPECT_EQ(l.exit_code, 2) << l.message;
    return l.message;
  };
  EXPECT_TRUE(one({"HANGUP_DATABASES__SQLITE__FILE=/dev/null/x/s.db"})
                  .starts_with("built-in defaults with HANGUP_DATABASES__SQLITE__FILE: "
                               "databases.sqlite.file: the sample database /dev/null/x/s.db cannot "
                               "be made: "));
  EXPECT_NE(one({"HANGUP_DATABASES__SQLITE__FILE=/nowhere/s.db"})
                .find("cannot be made: No such file or directory; name another file"),
            std::string::npos);
  EXPECT_NE(
      one({"HANGUP_SEARCH__ROOT=file/corpus", "HANGUP_SEARCH__SAMPLE=false"})
          .find("search.root: found \"file/corpus\", which cannot be searched: Not a directory"),
      std::string::npos);
  EXPECT_NE(one({"HANGUP_SEARCH__ROOT=/dev/null/corpus"})
                .find("search.root: the sample texts /dev/null/corpus cannot be made: "),
            std::string::npos);
  EXPECT_NE(
      one({"HANGUP_RELAY__UPSTREAMS__A__URL=https://a", "HANGUP_RELAY__UPSTREAMS__A__CA_FILE=fifo"})
          .find("relay.upstreams.a.ca_file: found \"fifo\", which is a FIFO"),
      std::string::npos);
  EXPECT_NE(one({"HANGUP_TLS__CERTIFICATE=fifo", "HANGUP_TLS__KEY=fifo"})
                .find("tls.certificate: found \"fifo\", but "),
            std::string::npos);
  EXPECT_NE(one({"HANGUP_DATABASES__PG__KIND=postgres",
                 "HANGUP_DATABASES__PG__CONNINFO=sslrootcert=fifo"})
                .find("databases.pg.conninfo: found \"fifo\", which is a FIFO"),
            std::string::npos);
  EXPECT_NE(one({"HANGUP_HOST=192.0.2.1"}).find("listen.host: found \"192.0.2.1\", on which"),
            std::string::npos);
  EXPECT_EQ(read({"--check-config"}).message, "built-in defaults: ok");
  EXPECT_FALSE(std::filesystem::exists("data"));
  EXPECT_FALSE(std::filesystem::exists("build"));
}

TEST_F(flags, check_config_finds_a_sample_that_could_not_be_made) {
  std::filesystem::create_directory("x.db.making");
  std::filesystem::create_directory("y.lock");
  std::filesystem::create_symlink("nowhere", "dangling");
  std::filesystem::create_symlink("loop", "loop");
  const auto database = "HANGUP_DATABASES__SQLITE__FILE=";
  const auto corpus = "HANGUP_SEARCH__ROOT=";
  for (const auto& [variable, path, why] : std::vector<std::array<std::string, 3>>{
           {database, std::string(250, 'n'), "File name too long"},
           {database, "x.db", "x.db.making is there and is not a regular file"},
           {database, "new/", "a file has no / at its end"},
           {database, "no/../z.db", "there is no folder no"},
           {database, "loop", "Too many levels of symbolic links"},
           {corpus, "loop", "Too many levels of symbolic links"},
           {corpus, "dangling", "it is a symbolic link to what does not exist"},
           {corpus, "no/../z", "there is no folder no"},
           {corpus, "y/", "y.lock is there and is not a regular file"}}) {
    for (const auto& arguments : {std::vector<const char*>{"--check-config"}, {}}) {
      const auto l = read(arguments, {(variable + path).c_str()});
      EXPECT_EQ(l.exit_code, 2) << path;
      EXPECT_NE(l.message.find(why), std::string::npos) << l.message;
    }
  }
}

TEST_F(flags, check_config_finds_a_sample_that_is_of_no_use) {
  write("garbage.db", "this is no database");
  write("empty.db", "");
  std::filesystem::create_directory("folder.db");
  std::filesystem::create_directory("empty");
  for (const auto* line :
       {"HANGUP_DATABASES__SQLITE__FILE=garbage.db", "HANGUP_DATABASES__SQLITE__FILE=empty.db",
        "HANGUP_DATABASES__SQLITE__FILE=folder.db", "HANGUP_SEARCH__ROOT=empty"}) {
    const auto l = read({"--check-config"}, {line});
    EXPECT_EQ(l.exit_code, 2) << line;
    EXPECT_NE(l.message.find(std::string(line).substr(std::string(line).find('=') + 1)),
              std::string::npos)
        << l.message;
  }
}

TEST_F(flags, a_path_with_a_line_break_does_not_break_the_line_of_a_mistake) {
  for (const std::vector<const char*>& environment :
       {std::vector<const char*>{"HANGUP_SEARCH__ROOT=/no\n\x1b[31m",
                                 "HANGUP_SEARCH__SAMPLE=false"},
        {"HANGUP_SEARCH__ROOT=/dev/null/no\n\x1b[31m"},
        {"HANGUP_DATABASES__SQLITE__FILE=/no\n\x1b[31m/x.db"}}) {
    for (const auto& arguments : {std::vector<const char*>{"--check-config"}, {}}) {
      const auto l = read(arguments, environment);
      EXPECT_EQ(l.exit_code, 2);
      EXPECT_EQ(l.message.find_first_of("\n\x1b"), std::string::npos) << l.message;
    }
  }
}

TEST_F(flags, to_check_and_to_print_are_not_asked_for_at_once) {
  EXPECT_EQ(error_of({"--check-config", "--print-config"}),
            "--check-config: found --print-config as well, allowed one of them; see --help");
}

TEST_F(flags, a_default_file_that_cannot_be_read_is_not_passed_over) {
  std::filesystem::create_directories("config/server.json");
  EXPECT_EQ(error_of({}), "config/server.json: cannot be read: it is a directory");
  std::filesystem::remove("config/server.json");
  std::filesystem::create_symlink("nowhere", "config/server.json");
  EXPECT_EQ(error_of({}), "config/server.json: cannot be read: No such file or directory");
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
            R"(--port: found "x", allowed an integer 0..65535; see --help)");
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
  EXPECT_EQ(error_of({"--probe", ""}), "--probe: found nothing, allowed a URL; see --help");
  EXPECT_EQ(read({"--probe", "http://x"}).probe, "http://x");
}

}  // namespace
}  // namespace hangup::server
