// HTTPS on the built binary: served, hung up on, reloaded; and files that are no certificate.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/certificate.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

std::vector<std::string> flags_of(const test::certificate& own) {
  return {"--tls-certificate", own.file, "--tls-key", own.key_file};
}

result hangup_at_a_free_port(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {HANGUP_BINARY, "--port", "0"});
  return run(std::move(flags));
}

TEST(https, is_served_and_a_hang_up_is_logged) {
  const test::certificate own;
  server s(flags_of(own));
  EXPECT_EQ(s.url("").rfind("https://127.0.0.1:", 0), 0U);
  const auto r = s.curl("/healthz", {"--cacert", own.file, "-w", "%{ssl_verify_result}"});
  EXPECT_EQ(r.exit, 0) << r.output;
  EXPECT_EQ(r.output, "ok\n0");
  EXPECT_EQ(s.curl("/healthz", {"--cacert", "/dev/null"}).exit, 77);
  EXPECT_EQ(s.curl("/query/sim?rows=1000&row_ms=10&stream=0",
                   {"--cacert", own.file, "--max-time", "0.3", "-H", "X-Request-Id: left"})
                .exit,
            28);
  const auto line = s.program.line_with("left");
  EXPECT_NE(line.find(" 499 client_closed"), std::string::npos) << line;
  EXPECT_NE(line.find("client closed (FIN)"), std::string::npos) << line;
  s.program.signal(SIGTERM);
  EXPECT_EQ(s.program.wait(), 0);
}

TEST(https, has_a_page_that_came_without_it_end_no_request) {
  const test::certificate own;
  const server s(flags_of(own));
  const auto at = s.url("").substr(8);
  const auto with = [&](const std::string& origin) {
    return s
        .curl("/requests?older_than_ms=0",
              {"--cacert", own.file, "-X", "DELETE", "-H", "Origin: " + origin, "-o", "/dev/null",
               "-w", "%{http_code}"})
        .output;
  };
  EXPECT_EQ(with("https://" + at), "202");
  EXPECT_EQ(with("http://" + at), "403");
}

TEST(https, answers_plain_http_with_a_400_in_words_and_counts_it) {
  const test::certificate own;
  server s(flags_of(own));
  auto plain = s.url("/healthz");
  plain.replace(0, 5, "http");
  const auto r = run({"curl", "-sSi", "--max-time", "10", "-H", "X-Request-Id: plain", plain});
  EXPECT_EQ(r.exit, 0);
  EXPECT_TRUE(r.output.starts_with("HTTP/1.1 400 Bad Request\r\n")) << r.output;
  EXPECT_NE(r.output.find("this port speaks TLS"), std::string::npos) << r.output;
  const auto line = s.program.line_with("plain");
  EXPECT_NE(line.find(" GET /healthz 400 bad_request"), std::string::npos) << line;
  EXPECT_EQ(s.curl("/healthz", {"--cacert", own.file}).output, "ok\n");
  const auto page = s.curl("/metrics", {"--cacert", own.file}).output;
  for (const auto* counted : {"hangup_limit_reached_total{limit=\"handshake\"} 1",
                              "hangup_requests_total{route=\"none\",end=\"bad_request\"} 1"}) {
    EXPECT_NE(page.find("\n" + std::string(counted) + "\n"), std::string::npos) << page;
  }
}

TEST(https, has_the_certificate_that_is_there_at_sighup) {
  test::certificate own;
  server s(flags_of(own));
  ASSERT_EQ(s.curl("/healthz", {"--cacert", own.file}).output, "ok\n");
  own.renew();
  EXPECT_NE(s.curl("/healthz", {"--cacert", own.file}).exit, 0) << "not before it is told";
  s.program.signal(SIGHUP);
  ASSERT_NE(s.program.line_with("SIGHUP: new connections get the certificate"), "");
  EXPECT_EQ(s.curl("/healthz", {"--cacert", own.file}).output, "ok\n");
}

TEST(https, goes_on_with_the_old_certificate_if_the_new_one_is_none) {
  const test::certificate own;
  server s(flags_of(own));
  const auto old = own.file + ".old";
  std::filesystem::copy_file(own.file, old);
  std::ofstream(own.file) << "nonsense\n";
  s.program.signal(SIGHUP);
  const auto line = s.program.line_with("SIGHUP: going on with the old certificate");
  EXPECT_NE(line.find(own.file), std::string::npos) << line;
  EXPECT_EQ(s.curl("/healthz", {"--cacert", old}).output, "ok\n");
}

TEST(https, with_files_that_do_not_do_is_one_line_and_exit_code_2) {
  const test::certificate own;
  const test::certificate other;
  const auto bad = own.file + ".bad";
  std::ofstream(bad) << "nonsense\n";
  const std::vector<std::vector<std::string>> wrong = {
      {"--tls-certificate", bad, "--tls-key", own.key_file},
      {"--tls-certificate", own.file, "--tls-key", bad},
      {"--tls-certificate", own.file, "--tls-key", "/nowhere/tls.key"},
      {"--tls-certificate", own.file, "--tls-key", other.key_file},
      {"--tls-certificate", own.file},
      {"--tls-key", own.key_file},
      {"--tls-key"},
  };
  for (const auto& flags : wrong) {
    for (const bool only_check : {false, true}) {
      auto all = flags;
      if (only_check) {
        all.insert(all.begin(), "--check-config");
      }
      const auto r = hangup_at_a_free_port(all);
      EXPECT_EQ(r.exit, 2) << r.output;
      EXPECT_EQ(std::count(r.output.begin(), r.output.end(), '\n'), 1) << r.output;
      EXPECT_NE(r.output.find("tls"), std::string::npos) << r.output;
    }
  }
  auto good = flags_of(own);
  good.emplace_back("--check-config");
  EXPECT_EQ(hangup_at_a_free_port(good).exit, 0);
}

}  // namespace
}  // namespace hangup::system_test
