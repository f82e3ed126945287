// hangup --probe, on the built binary: the health check of a container without curl.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/support/certificate.h"
#include "tests/support/listener.h"
#include "tests/support/needs.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

using clock = std::chrono::steady_clock;

result probe(const std::string& url, std::vector<std::string> before = {}) {
  before.insert(before.end(), {HANGUP_BINARY, "--probe", url});
  return run(std::move(before));
}

std::string url_of(const listener& at) {
  return "http://127.0.0.1:" + std::to_string(at.port()) + "/readyz";
}

// Says something to one client, and more of it every 100 ms until that has left.
class talker {
 public:
  explicit talker(std::string first, std::string more = "") {
    thread_ = std::thread([this, first = std::move(first), more = std::move(more)] {
      const int fd = ::accept4(at.fd(), nullptr, nullptr, SOCK_CLOEXEC);
      char request[1024];
      bool there = ::recv(fd, request, sizeof request, 0) > 0;
      for (auto text = first; there && !text.empty(); text = more) {
        there = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) > 0;
        std::this_thread::sleep_for(100ms);
      }
      ::close(fd);
    });
  }
  ~talker() {
    ::shutdown(at.fd(), SHUT_RDWR);
    thread_.join();
  }
  talker(const talker&) = delete;
  talker& operator=(const talker&) = delete;

  const listener at;

 private:
  std::thread thread_;
};

TEST(probe, of_a_healthy_server_is_0_and_says_nothing) {
  const server s;
  const auto ready = probe(s.url("/readyz"));
  EXPECT_EQ(ready.exit, 0);
  EXPECT_EQ(ready.output, "");
  const auto elsewhere = probe(s.url("/nowhere?a=b"));
  EXPECT_EQ(elsewhere.exit, 1);
  EXPECT_EQ(elsewhere.output, s.url("/nowhere?a=b") + ": 404\n");
}

TEST(probe, does_not_ask_the_proxy_that_the_environment_names) {
  const server s;
  const auto r = probe(s.url("/readyz"), {"env", "http_proxy=http://127.0.0.1:1"});
  EXPECT_EQ(r.exit, 0) << r.output;
}

TEST(probe, of_a_server_whose_database_is_not_there_is_1_and_one_line) {
  shop no_engine;
  no_engine.settings["databases"] = nlohmann::json::parse(
      R"({"pg": {"kind": "postgres", "conninfo": "host=/nowhere", "reports": {}}})");
  const server s({"--config", no_engine.config()});
  const auto r = probe(s.url("/readyz"));
  EXPECT_EQ(r.exit, 1);
  EXPECT_EQ(r.output, s.url("/readyz") + ": 503\n");
}

TEST(probe, of_a_server_that_is_about_to_stop_is_1_and_one_line) {
  shop f;
  f.settings["databases"] = nlohmann::json::object();
  f.settings["stopping"]["announce_seconds"] = 600;
  server s({"--config", f.config()});
  s.program.signal(SIGTERM);
  ASSERT_NE(s.program.line_with("not ready for 600 s"), "");
  const auto r = probe(s.url("/readyz"));
  EXPECT_EQ(r.exit, 1);
  EXPECT_EQ(r.output, s.url("/readyz") + ": 503\n");
  EXPECT_EQ(probe(s.url("/healthz")).exit, 0);
  s.program.signal(SIGTERM);
  EXPECT_EQ(s.program.wait(), 0);
}

TEST(probe, where_nobody_listens_is_1_and_one_line) {
  std::string url;
  {
    const listener gone;
    url = url_of(gone);
  }
  const auto r = probe(url);
  EXPECT_EQ(r.exit, 1);
  EXPECT_TRUE(is_one_line(r.output)) << r.output;
  EXPECT_TRUE(r.output.starts_with(url + ": ")) << r.output;
}

TEST(probe, of_one_who_never_answers_ends) {
  const listener silent;
  const auto begin = clock::now();
  const auto r = probe(url_of(silent));
  EXPECT_EQ(r.exit, 1);
  EXPECT_TRUE(is_one_line(r.output)) << r.output;
  EXPECT_LT(clock::now() - begin, 20s);
}

TEST(probe, of_one_who_answers_for_ever_ends) {
  for (const auto* first : {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n"}) {
    const talker slow(first, "x: y\r\n");
    const auto begin = clock::now();
    const auto r = probe(url_of(slow.at));
    EXPECT_EQ(r.exit, 1) << first;
    EXPECT_TRUE(is_one_line(r.output)) << r.output;
    EXPECT_LT(clock::now() - begin, 20s);
  }
}

TEST(probe, follows_no_redirect) {
  const server s;
  const talker moved("HTTP/1.1 302 Found\r\nLocation: " + s.url("/readyz") +
                     "\r\nContent-Length: 0\r\n\r\n");
  const auto r = probe(url_of(moved.at));
  EXPECT_EQ(r.exit, 1);
  EXPECT_EQ(r.output, url_of(moved.at) + ": 302\n");
}

TEST(probe, of_what_is_no_http_is_1_and_one_line) {
  const talker other("SSH-2.0-OpenSSH_9.2\r\n");
  const auto r = probe(url_of(other.at));
  EXPECT_EQ(r.exit, 1);
  EXPECT_TRUE(is_one_line(r.output)) << r.output;
}

TEST(probe, over_https_takes_a_certificate_that_nobody_has_signed) {
  const test::certificate own;
  const server s({"--tls-certificate", own.file, "--tls-key", own.key_file});
  const auto r = probe(s.url("/readyz"));
  EXPECT_EQ(r.exit, 0) << r.output;
  auto plain = s.url("/readyz");
  plain.erase(4, 1);
  EXPECT_EQ(probe(plain).exit, 1);
}

TEST(probe, of_an_ipv6_address_asks_it) {
  needs({ipv6()});
  process s({HANGUP_BINARY, "--host", "::1", "--port", "0"});
  const auto line = s.line_with(" listens on ");
  const auto pid = line.find(" with ");
  const auto port = line.substr(line.rfind(':', pid) + 1, pid - line.rfind(':', pid) - 1);
  const auto r = probe("http://[::1]:" + port + "/readyz");
  EXPECT_EQ(r.exit, 0) << line << r.output;
}

TEST(probe, of_what_is_no_url_is_2_and_one_line) {
  for (const auto* url : {"", "x", "127.0.0.1:8080/readyz", "ftp://127.0.0.1/", "http://a b/",
                          "http://me:s3cret@127.0.0.1/"}) {
    const auto r = probe(url);
    EXPECT_EQ(r.exit, 2) << url;
    EXPECT_TRUE(is_one_line(r.output)) << r.output;
    EXPECT_TRUE(r.output.starts_with("--probe: found ")) << r.output;
    EXPECT_EQ(r.output.find("s3cret"), std::string::npos) << r.output;
  }
}

}  // namespace
}  // namespace hangup::system_test
