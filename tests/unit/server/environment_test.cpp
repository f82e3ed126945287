#include "server/environment.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

#include "server/config.h"

namespace hangup::server {
namespace {

std::vector<setting> settings(std::vector<const char*> lines) {
  lines.push_back(nullptr);
  return settings_of(lines.data());
}

std::string error_of(const std::vector<const char*>& lines) {
  try {
    settings(lines);
  } catch (const config_error& e) {
    return e.what();
  }
  return "no error";
}

std::string a_file_with(const std::string& text) {
  const auto name = testing::TempDir() + "hangup_environment_" + std::to_string(::getpid());
  std::ofstream(name, std::ios::binary) << text;
  return name;
}

TEST(environment, two_underscores_are_a_dot_and_letters_are_small) {
  const auto all = settings({"HANGUP_POOLS__QUERY__WORKERS=16", "HANGUP_HTTP__IDLE_TIMEOUT_MS=5"});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].key, "http.idle_timeout_ms");
  EXPECT_EQ(all[0].text, "5");
  EXPECT_EQ(all[1].key, "pools.query.workers");
  EXPECT_EQ(all[1].by, "HANGUP_POOLS__QUERY__WORKERS");
}

TEST(environment, what_is_not_ours_is_left_alone) {
  EXPECT_TRUE(
      settings({"PATH=/bin", "HANGUP_PORT=tcp://10.0.0.1:80", "HANGUP_SERVICE_HOST=10.0.0.1",
                "XHANGUP_LISTEN__PORT=1", "HANGUP_LISTEN__PORT", "="})
          .empty());
  EXPECT_TRUE(settings_of(nullptr).empty());
}

TEST(environment, an_unknown_key_is_refused_with_the_nearest_known_one) {
  EXPECT_EQ(error_of({"HANGUP_LISTEN__PROT=1"}),
            R"(HANGUP_LISTEN__PROT: unknown key "listen.prot"; did you mean "port"?)");
  EXPECT_EQ(error_of({"HANGUP_LISTEN__PORT__X=1"}).substr(0, 38),
            R"(HANGUP_LISTEN__PORT__X: unknown key "l)");
}

TEST(environment, a_value_may_come_from_a_file) {
  const auto file = a_file_with("host=db password='a b'\n");
  const auto line = "HANGUP_DATABASES__PG__CONNINFO_FILE=" + file;
  const auto all = settings({line.c_str()});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].key, "databases.pg.conninfo");
  EXPECT_EQ(all[0].text, "host=db password='a b'");
  EXPECT_EQ(all[0].by, "HANGUP_DATABASES__PG__CONNINFO_FILE");
}

TEST(environment, a_key_that_is_called_file_is_no_file_to_read) {
  const auto all = settings({"HANGUP_DATABASES__SQLITE__FILE=/data/shop.db",
                             "HANGUP_RELAY__UPSTREAMS__NEXT__CA_FILE=/etc/ca.pem"});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].key, "databases.sqlite.file");
  EXPECT_EQ(all[0].text, "/data/shop.db");
  EXPECT_EQ(all[1].key, "relay.upstreams.next.ca_file");
}

TEST(environment, a_file_that_cannot_be_read_is_refused) {
  EXPECT_EQ(error_of({"HANGUP_LOG__LEVEL_FILE=/no/such"}),
            R"(HANGUP_LOG__LEVEL_FILE: "/no/such" cannot be read: No such file or directory)");
  const auto file = a_file_with(std::string(64 * 1024 + 1, 'x'));
  const auto line = "HANGUP_LOG__LEVEL_FILE=" + file;
  EXPECT_TRUE(error_of({line.c_str()}).ends_with("it has more than 65536 bytes"));
}

TEST(environment, a_key_that_is_given_in_both_ways_is_refused) {
  const auto file = a_file_with("info");
  const auto line = "HANGUP_LOG__LEVEL_FILE=" + file;
  EXPECT_EQ(error_of({"HANGUP_LOG__LEVEL=info", line.c_str()}),
            "HANGUP_LOG__LEVEL: found HANGUP_LOG__LEVEL_FILE as well, allowed one of them");
}

TEST(environment, makes_a_database_that_the_file_does_not_have) {
  const auto all =
      settings({"HANGUP_DATABASES__PG__KIND=postgres", "HANGUP_DATABASES__PG__CONNINFO=host=db",
                R"(HANGUP_DATABASES__PG__REPORTS={"one": {"sql": "SELECT 1"}})",
                "HANGUP_DATABASES__PG__READ_ONLY=false"});
  const auto c = defaults(all);
  ASSERT_TRUE(c.databases.contains("pg"));
  EXPECT_TRUE(c.databases.contains("sqlite"));
  const auto& pg = c.databases.at("pg");
  EXPECT_EQ(pg.conninfo, "host=db");
  EXPECT_EQ(pg.reports.at("one").sql, "SELECT 1");
  EXPECT_FALSE(pg.read_only);
  EXPECT_EQ(pg.wait, std::chrono::milliseconds(2000));
}

TEST(environment, a_wrong_value_is_refused_by_the_name_of_its_variable) {
  const auto refused = [](const char* line) {
    try {
      static_cast<void>(defaults(settings({line})));
    } catch (const config_error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(refused("HANGUP_LISTEN__PORT=x"),
            R"(HANGUP_LISTEN__PORT: found "x", allowed an integer 0..65535)");
  EXPECT_EQ(refused("HANGUP_DATABASES__SQLITE__SAMPLE=yes"),
            R"(HANGUP_DATABASES__SQLITE__SAMPLE: found "yes", allowed true or false)");
  EXPECT_EQ(refused("HANGUP_DATABASES__PG__CONNINFO=host=db").substr(0, 65),
            "built-in defaults with HANGUP_DATABASES__PG__CONNINFO: databases.");
}

}  // namespace
}  // namespace hangup::server
