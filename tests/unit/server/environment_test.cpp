#include "server/environment.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <fstream>

#include "server/config.h"
#include "tests/support/temporary_directory.h"

namespace hangup::server {
namespace {

std::vector<setting> settings(std::vector<const char*> lines) {
  lines.push_back(nullptr);
  const auto found = read_environment(lines.data());
  EXPECT_TRUE(found.wrong.empty()) << found.wrong.text();
  return found.settings;
}

std::string mistake_in(std::vector<const char*> lines) {
  lines.push_back(nullptr);
  const auto found = read_environment(lines.data());
  return found.wrong.empty() ? "no error" : found.wrong.text();
}

// The same, up to the configuration that they make.
std::string refusal_of(std::vector<const char*> lines) {
  lines.push_back(nullptr);
  try {
    const auto found = read_environment(lines.data());
    if (!found.wrong.empty()) {
      return found.wrong.text();
    }
    static_cast<void>(defaults(found.settings));
  } catch (const config_error& e) {
    return e.what();
  }
  return "no error";
}

std::string a_file_with(const std::string& text) {
  static const test::temporary_directory folder;
  return folder.write("value", text);
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
  EXPECT_TRUE(read_environment(nullptr).settings.empty());
}

TEST(environment, an_unknown_key_is_refused_with_the_nearest_known_one) {
  EXPECT_EQ(mistake_in({"HANGUP_LISTEN__PROT=1"}),
            R"(HANGUP_LISTEN__PROT: unknown key "listen.prot"; did you mean )"
            R"("HANGUP_LISTEN__PORT"?)");
  EXPECT_EQ(mistake_in({"HANGUP_LITSEN__PROT=1"}),
            R"(HANGUP_LITSEN__PROT: unknown key "litsen.prot"; did you mean )"
            R"("HANGUP_LISTEN__PORT"?)");
  EXPECT_EQ(mistake_in({"HANGUP_TLS__CERT=a.pem"}),
            R"(HANGUP_TLS__CERT: unknown key "tls.cert"; did you mean )"
            R"("HANGUP_TLS__CERTIFICATE"?)");
}

TEST(environment, a_name_with_a_section_is_never_that_of_an_orchestrator) {
  for (const auto* line : {"HANGUP_HTTP__ENV_X=1", "HANGUP_LISTEN__SERVICE_PORT=1",
                           "HANGUP_TLS__X_NAME=/x", "HANGUP_http__ENV_X=1"}) {
    EXPECT_NE(mistake_in({line}).find(": unknown key \""), std::string::npos) << line;
  }
}

TEST(environment, letters_that_are_small_are_told) {
  EXPECT_EQ(mistake_in({"HANGUP_port=1"}),
            R"(HANGUP_port: unknown variable; did you mean "HANGUP_PORT"?)");
  EXPECT_EQ(mistake_in({"HANGUP_config=1"}),
            R"(HANGUP_config: unknown variable; did you mean "HANGUP_CONFIG"?)");
}

TEST(environment, the_beginning_of_a_name_is_near_to_it) {
  for (const auto& [name, meant] : {std::pair("HANGUP_TLS_CERT", "HANGUP_TLS__CERTIFICATE"),
                                    {"HANGUP_CONFIG_FILE", "HANGUP_CONFIG"},
                                    {"HANGUP_DATABASE", "HANGUP_DATABASES"},
                                    {"HANGUP_LOGS", "HANGUP_LOG"}}) {
    EXPECT_EQ(mistake_in({(std::string(name) + "=x").c_str()}),
              std::string(name) + ": unknown variable; did you mean \"" + meant + "\"?");
  }
}

TEST(environment, many_unknown_names_are_counted_and_few_are_told) {
  std::vector<std::string> lines;
  for (int i = 0; i < 20'000; ++i) {
    lines.push_back("HANGUP_UNKNOWN_" + std::to_string(i) + "=1");
  }
  std::vector<const char*> variables;
  for (const auto& line : lines) {
    variables.push_back(line.c_str());
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(mistake_in(variables).ends_with("\nand 19980 more"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(environment, a_key_that_ends_too_early_or_too_late_is_refused) {
  EXPECT_EQ(mistake_in({"HANGUP_LISTEN__PORT__X=1"}),
            R"(HANGUP_LISTEN__PORT__X: unknown key "listen.port.x"; "listen.port" is an integer )"
            R"(0..65535)");
  for (const auto* line : {"HANGUP_LISTEN__={}", "HANGUP___LISTEN=1", "HANGUP___=1",
                           "HANGUP_LISTEN____PORT=1", "HANGUP_POOLS____WORKERS=1"}) {
    EXPECT_NE(mistake_in({line}).find(": unknown key \""), std::string::npos) << line;
  }
}

TEST(environment, one_underscore_where_two_were_meant_is_a_mistake) {
  EXPECT_EQ(mistake_in({"HANGUP_LISTEN_PORT=1"}),
            R"(HANGUP_LISTEN_PORT: unknown key; did you mean "HANGUP_LISTEN__PORT"?)");
  EXPECT_EQ(mistake_in({"HANGUP_DATABASES_PG_CONNINFO_FILE=/run/secrets/pg"}),
            R"(HANGUP_DATABASES_PG_CONNINFO_FILE: unknown key; did you mean )"
            R"("HANGUP_DATABASES__PG__CONNINFO_FILE"?)");
}

TEST(environment, what_orchestrators_set_for_a_service_called_hangup_is_left_alone) {
  EXPECT_TRUE(
      settings({"HANGUP_SERVICE_HOST=10.0.0.1", "HANGUP_SERVICE_PORT=80",
                "HANGUP_SERVICE_PORT_HTTP=80", "HANGUP_PORT=tcp://10.0.0.1:80",
                "HANGUP_PORT_80_TCP=tcp://10.0.0.1:80", "HANGUP_PORT_80_TCP_PROTO=tcp",
                "HANGUP_PORT_80_TCP_PORT=80", "HANGUP_PORT_80_TCP_ADDR=10.0.0.1",
                "HANGUP_NAME=/x/hangup", "HANGUP_ENV_PATH=/bin", "HANGUP_SEARCH_PORT=tcp://x",
                "HANGUP_POOLS_SERVICE_HOST=10.0.0.1", "HANGUP_SERVICE_PORT_HTTPS=443",
                "HANGUP_WEB_PORT_8080_UDP=udp://10.0.0.1:8080", "HANGUP_WEB_NAME=/x/web"})
          .empty());
}

TEST(environment, what_scripts_around_the_server_use_is_left_alone) {
  EXPECT_TRUE(settings({"HANGUP=build/dev/hangup", "HANGUP_HOME=/opt/hangup", "HANGUP_BINARY=/x",
                        "HANGUP_BIN=/x", "HANGUP_SOURCE=/x", "HANGUP_VERSION=1", "HANGUP_SEED=1",
                        "HANGUP_SOAK_SECONDS=60", "HANGUP_BENCH_ROUNDS=1", "HANGUP_TEST_X=1"})
                  .empty());
  for (const auto* line : {"HANGUP_ROOT=/x", "HANGUP_URL=http://x", "HANGUP_DIR=/x"}) {
    EXPECT_NE(mistake_in({line}).find(": unknown variable; "), std::string::npos) << line;
  }
}

TEST(environment, the_host_the_port_and_the_file_have_short_names) {
  const auto all = settings({"HANGUP_HOST=::1", "HANGUP_PORT=81"});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].key, "listen.host");
  EXPECT_EQ(all[0].by, "HANGUP_HOST");
  EXPECT_EQ(all[1].key, "listen.port");
  EXPECT_EQ(all[1].text, "81");
  const char* const file[] = {"HANGUP_CONFIG=/etc/hangup.json", nullptr};
  EXPECT_EQ(read_environment(file).config, "/etc/hangup.json");
  EXPECT_TRUE(read_environment(file).wrong.empty());
  EXPECT_EQ(mistake_in({"HANGUP_PORT=1", "HANGUP_LISTEN__PORT=2"}),
            "HANGUP_LISTEN__PORT: found HANGUP_PORT as well, allowed one of them");
}

TEST(environment, any_other_name_is_refused_with_those_that_are_near) {
  EXPECT_EQ(mistake_in({"HANGUP_WORKERS=4"}),
            "HANGUP_WORKERS: unknown variable; did you mean one of \"HANGUP_POOLS__CPU__WORKERS\", "
            "\"HANGUP_POOLS__QUERY__WORKERS\", "
            "\"HANGUP_POOLS__SEARCH__WORKERS\"?");
  EXPECT_EQ(mistake_in({"HANGUP_PROT=1"}),
            R"(HANGUP_PROT: unknown variable; did you mean "HANGUP_PORT"?)");
  EXPECT_EQ(mistake_in({"HANGUP_CONFG=1"}),
            R"(HANGUP_CONFG: unknown variable; did you mean "HANGUP_CONFIG"?)");
  EXPECT_EQ(mistake_in({"HANGUP_MAX_CONNECTIONS=1"}),
            R"(HANGUP_MAX_CONNECTIONS: unknown variable; did you mean )"
            R"("HANGUP_HTTP__MAX_CONNECTIONS"?)");
  for (const auto* line : {"HANGUP_FOO=1", "HANGUP_=1", "HANGUP_PORTX_80_TCP=1"}) {
    EXPECT_NE(mistake_in({line}).find("unknown variable; "), std::string::npos)
        << mistake_in({line});
    EXPECT_NE(mistake_in({line}).find("HANGUP_PORT"), std::string::npos) << mistake_in({line});
  }
}

TEST(environment, all_mistakes_are_told) {
  EXPECT_EQ(mistake_in({"HANGUP_LISTEN_PORT=1", "HANGUP_LOG__LEVL=x", "HANGUP_HOST=x"}),
            "HANGUP_LISTEN_PORT: unknown key; did you mean \"HANGUP_LISTEN__PORT\"?\n"
            "HANGUP_LOG__LEVL: unknown key \"log.levl\"; did you mean "
            "\"HANGUP_LOG__LEVEL\"?");
}

TEST(environment, a_section_may_be_given_as_a_whole_and_a_key_of_it_beside_it) {
  const auto c = defaults(
      settings({"HANGUP_DATABASES={}", R"(HANGUP_RELAY__UPSTREAMS={"b": {"url": "http://b"}})",
                "HANGUP_RELAY__UPSTREAMS__B__URL=http://b:81",
                "HANGUP_RELAY__UPSTREAMS__C-D_E__URL=http://c"}));
  EXPECT_TRUE(c.databases.empty());
  EXPECT_EQ(c.relay.upstreams.at("b").url, "http://b:81");
  EXPECT_EQ(c.relay.upstreams.at("c-d_e").url, "http://c");
}

TEST(environment, a_value_may_come_from_a_file) {
  for (const auto* end : {"", "\n", "\r\n", "\n\n"}) {
    const auto file = a_file_with(std::string("host=db\npassword='a b'") + end);
    const auto line = "HANGUP_DATABASES__PG__CONNINFO_FILE=" + file;
    const auto all = settings({line.c_str()});
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].key, "databases.pg.conninfo");
    EXPECT_EQ(all[0].text, "host=db\npassword='a b'");
    EXPECT_EQ(all[0].by, "HANGUP_DATABASES__PG__CONNINFO_FILE");
  }
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
  EXPECT_EQ(mistake_in({"HANGUP_LOG__LEVEL_FILE=/no/such"}),
            R"(HANGUP_LOG__LEVEL_FILE: "/no/such" cannot be read: No such file or directory)");
  const auto file = a_file_with(std::string(64 * 1024 + 1, 'x'));
  const auto line = "HANGUP_LOG__LEVEL_FILE=" + file;
  EXPECT_TRUE(mistake_in({line.c_str()}).ends_with("it has more than 65536 bytes"));
  EXPECT_TRUE(mistake_in({"HANGUP_LOG__LEVEL_FILE=/"}).ends_with("read: it is a directory"));
  EXPECT_TRUE(mistake_in({"HANGUP_LOG__LEVEL_FILE=/dev/zero"}).ends_with("read: it is a device"));
  EXPECT_EQ(mistake_in({"HANGUP_LOG__LEVEL_FILE="}),
            "HANGUP_LOG__LEVEL_FILE: found nothing, allowed the path of a file");
}

TEST(environment, a_file_with_nothing_in_it_or_half_a_text_is_refused) {
  for (const auto* text : {"", "\n", "\r\n\n"}) {
    const auto line = "HANGUP_DATABASES__PG__CONNINFO_FILE=" + a_file_with(text);
    EXPECT_TRUE(mistake_in({line.c_str()}).ends_with(" is empty")) << mistake_in({line.c_str()});
  }
  const auto line = "HANGUP_LOG__LEVEL_FILE=" + a_file_with(std::string("info\0x", 6));
  EXPECT_TRUE(mistake_in({line.c_str()}).ends_with(" has a NUL in it"));
  const auto wide =
      "HANGUP_LOG__LEVEL_FILE=" + a_file_with(std::string("\xff\xfei\0n\0f\0o\0", 10));
  EXPECT_TRUE(mistake_in({wide.c_str()}).ends_with(" is UTF-16, allowed UTF-8"));
}

TEST(environment, what_is_in_a_file_is_in_no_error) {
  const auto file = a_file_with("s3cret");
  for (const auto* key :
       {"LOG__LEVEL", "LISTEN__PORT", "RELAY__UPSTREAMS__A__URL", "DATABASES__PG__READ_ONLY",
        "DATABASES__PG__REPORTS", "POOLS__CPU", "DATABASES__PG__CONNINFO", "TLS__CERTIFICATE"}) {
    const auto line = std::string("HANGUP_") + key + "_FILE=" + file;
    const auto wrong = refusal_of({line.c_str()});
    EXPECT_TRUE(wrong.find(key) != std::string::npos) << wrong;
    EXPECT_EQ(wrong.find("s3cret"), std::string::npos) << wrong;
  }
}

TEST(environment, a_secret_that_is_wrong_is_in_no_error) {
  for (const auto* line :
       {"HANGUP_DATABASES__PG__CONNINFO=s3cret", "HANGUP_DATABASES__PG=password=s3cret",
        R"(HANGUP_DATABASES__PG={"conninfo" "s3cret"})",
        "HANGUP_DATABASES__PG__CONNINFO=s3cret\xff",
        R"(HANGUP_DATABASES={"pg": {"kind": "postgres", "conninfo": ["s3cret"]}})"}) {
    EXPECT_EQ(refusal_of({line, "HANGUP_DATABASES__PG__KIND=postgres"}).find("s3cret"),
              std::string::npos)
        << line;
  }
  EXPECT_EQ(refusal_of({R"(HANGUP_DATABASES={"pg": {"kind": "postgres", "conninfo": 1234}})"}),
            "HANGUP_DATABASES: pg.conninfo: found what is not shown, allowed a string of 0..4000 "
            "characters");
}

TEST(environment, a_key_in_place_of_its_path_is_refused_and_not_shown) {
  const std::string key = "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n";
  // As openssl-pkcs12(1) writes it.
  const auto exported =
      "Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n" + key;
  for (const auto& pem : {key, " " + key, exported}) {
    const auto given = "HANGUP_TLS__KEY=" + pem;
    EXPECT_EQ(refusal_of({given.c_str(), "HANGUP_TLS__CERTIFICATE=a.pem"}),
              "built-in defaults with HANGUP_TLS__CERTIFICATE, HANGUP_TLS__KEY: tls.key: found "
              "what is in a PEM file, allowed its path");
  }
  for (const auto* bare : {"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
                           "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxYz+0aZ6Yc1mQ=="}) {
    const auto given = std::string("HANGUP_TLS__KEY=") + bare;
    EXPECT_EQ(refusal_of({given.c_str(), "HANGUP_TLS__CERTIFICATE=a.pem"}),
              "built-in defaults with HANGUP_TLS__CERTIFICATE, HANGUP_TLS__KEY: tls.key: found "
              "what looks like a key, which is not shown, allowed its path");
  }
  for (const auto* name : {"HANGUP_TLS__KEY", "HANGUP_TLS__CERTIFICATE"}) {
    const auto in_file = std::string(name) + "_FILE=" + a_file_with(exported);
    EXPECT_EQ(mistake_in({in_file.c_str()}),
              std::string(name) + "_FILE: " + name +
                  " is already the path of the file, allowed that name");
  }
}

TEST(environment, a_path_of_several_lines_is_refused_and_not_shown) {
  for (const auto& [key, name] :
       {std::pair("tls.key", "HANGUP_TLS__KEY"),
        {"tls.certificate", "HANGUP_TLS__CERTIFICATE"},
        {"databases.sqlite.file", "HANGUP_DATABASES__SQLITE__FILE"},
        {"search.root", "HANGUP_SEARCH__ROOT"},
        {"relay.upstreams.a.ca_file", "HANGUP_RELAY__UPSTREAMS__A__CA_FILE"}}) {
    const auto line = std::string(name) + "=a\ns3cret";
    const auto wrong = refusal_of({line.c_str(), "HANGUP_RELAY__UPSTREAMS__A__URL=https://a"});
    EXPECT_NE(wrong.find(std::string(key) + ": found a text with control characters"),
              std::string::npos)
        << wrong;
    EXPECT_EQ(wrong.find("s3cret"), std::string::npos) << wrong;
  }
}

TEST(environment, json_is_read_as_strictly_as_in_a_file) {
  EXPECT_EQ(refusal_of({R"(HANGUP_POOLS__CPU={"workers": 1, "workers": 2})"}),
            "HANGUP_POOLS__CPU: workers: given twice, allowed an object");
  EXPECT_EQ(refusal_of({"HANGUP_POOLS__CPU=4"}), "HANGUP_POOLS__CPU: found 4, allowed an object");
  const auto deep = "HANGUP_POOLS__CPU=" + std::string(100'000, '[');
  EXPECT_EQ(refusal_of({deep.c_str()}),
            "HANGUP_POOLS__CPU: nested deeper than 16 levels, allowed an object");
}

TEST(environment, a_name_that_is_none_is_refused_in_one_line) {
  EXPECT_EQ(
      refusal_of({"HANGUP_POOLS__A~B__WORKERS=1"}),
      "built-in defaults with HANGUP_POOLS__A~B__WORKERS: pools: name: found \"a~b\", allowed "
      "a string of 1..32 characters matching ^[a-z0-9_-]{1,32}$");
  for (const auto* line : {"HANGUP_POOLS__A/B__WORKERS=1", "HANGUP_POOLS__A\nB__WORKERS=1",
                           "HANGUP_POOLS__\xc3\xa4__WORKERS=1", "HANGUP_LISTEN__A\nB=1"}) {
    const auto wrong = refusal_of({line});
    EXPECT_NE(wrong, "no error") << line;
    EXPECT_EQ(wrong.find('\n'), std::string::npos) << wrong;
  }
}

TEST(environment, a_pool_that_nobody_uses_is_a_mistake) {
  EXPECT_EQ(refusal_of({"HANGUP_POOLS__QEURY__WORKERS=1"}),
            "HANGUP_POOLS__QEURY__WORKERS: no route and no database uses pool \"qeury\"; did you "
            "mean \"query\"?");
  EXPECT_EQ(refusal_of({"HANGUP_POOLS__FAST__WORKERS=1", "HANGUP_ROUTES__SPIN__POOL=fast"}),
            "no error");
}

TEST(environment, an_error_over_several_keys_names_who_has_set_one_of_them) {
  EXPECT_EQ(refusal_of({"HANGUP_DATABASES__PG__CONNINFO=host=db",
                        "HANGUP_DATABASES__PG2__CONNINFO=host=db",
                        "HANGUP_DATABASES__PG2__KIND=postgres", "HANGUP_LOG__LEVEL=info"}),
            "built-in defaults with HANGUP_DATABASES__PG__CONNINFO: databases.pg.kind: missing, "
            "allowed one of \"sqlite\", \"postgres\"");
  const auto wrong =
      refusal_of({R"(HANGUP_DATABASES__PG={"kind": "postgres", "reports": {"r": {"sql":
      "SELECT 1", "parameters": [{"name": "report", "type": "text"}]}}})"});
  EXPECT_EQ(wrong.substr(0, 73),
            "built-in defaults with HANGUP_DATABASES__PG: databases.pg.reports.r.param")
      << wrong;
}

TEST(environment, a_key_that_is_given_in_both_ways_is_refused) {
  const auto file = a_file_with("info");
  const auto line = "HANGUP_LOG__LEVEL_FILE=" + file;
  EXPECT_EQ(mistake_in({"HANGUP_LOG__LEVEL=info", line.c_str()}),
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
  EXPECT_EQ(refusal_of({"HANGUP_LISTEN__PORT=x"}),
            R"(HANGUP_LISTEN__PORT: found "x", allowed an integer 0..65535)");
  EXPECT_EQ(refusal_of({"HANGUP_DATABASES__SQLITE__SAMPLE=yes"}),
            R"(HANGUP_DATABASES__SQLITE__SAMPLE: found "yes", allowed true or false)");
  EXPECT_EQ(refusal_of({"HANGUP_DATABASES__PG__CONNINFO=host=db"}).substr(0, 65),
            "built-in defaults with HANGUP_DATABASES__PG__CONNINFO: databases.");
}

}  // namespace
}  // namespace hangup::server
