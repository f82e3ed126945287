// Where a server listens, and what listen() says when it cannot.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <set>

#include "tests/support/needs.h"
#include "tests/wire/tls_fixture.h"

namespace hangup::wire {
namespace {

// A server with one route, which says who the client is.
class a_server {
 public:
  explicit a_server(http::options how = {}) : server(how) {
    server.handle(
        {.method = "GET",
         .path = "/who",
         .answer = [](const context&, const httplib::Request& req, httplib::Response& res) {
           res.set_content(req.remote_addr + " " + req.local_addr, "text/plain");
         }});
    server.observe(seen);
  }
  client over_v4() const { return client(server.port()); }
  client over_v6() const { return client(server.port(), client::over_v6{}); }

  recorder seen;
  http::server server;
};

std::set<std::string> endpoints(const http::server& s) {
  const auto all = s.endpoints();
  return {all.begin(), all.end()};
}

std::string at_port(const char* address, const http::server& s) {
  return address + (":" + std::to_string(s.port()));
}

TEST(listening, needs_a_thread_that_reads) {
  for (const http::options& how :
       {http::options{.front_threads = 0}, http::options{.front_loops = 0}}) {
    a_server none(how);
    EXPECT_EQ(none.server.start("127.0.0.1", 0), std::errc::invalid_argument);
    EXPECT_EQ(none.server.port(), 0);
  }
}

TEST(listening, has_no_route_without_a_handler) {
  a_server one;
  EXPECT_THROW(one.server.handle({.method = "GET", .path = "/nobody"}), std::invalid_argument);
  EXPECT_EQ(one.server.routes().size(), 2U) << "none() and /who";
}

TEST(listening, at_an_ipv4_address_is_there_and_nowhere_else) {
  a_server one;
  ASSERT_EQ(one.server.start("127.0.0.1", 0), std::error_code());
  EXPECT_EQ(endpoints(one.server), (std::set{at_port("127.0.0.1", one.server)}));
  EXPECT_EQ(one.over_v4().ask(get("/who")).body, "127.0.0.1 127.0.0.1");
  EXPECT_FALSE(one.over_v6().connected());
}

TEST(listening, at_an_ipv6_address_takes_it_with_and_without_brackets) {
  needs({ipv6()});
  for (const char* const host : {"::1", "[::1]"}) {
    a_server one;
    ASSERT_EQ(one.server.start(host, 0), std::error_code()) << host;
    EXPECT_EQ(endpoints(one.server), (std::set{at_port("[::1]", one.server)}));
    EXPECT_EQ(one.over_v6().ask(get("/who", "X-Request-Id: v6\r\n")).body, "::1 ::1");
    EXPECT_FALSE(one.over_v4().connected());
  }
}

TEST(listening, at_localhost_is_on_all_of_its_addresses_with_one_port) {
  a_server one;
  ASSERT_EQ(one.server.start("localhost", 0), std::error_code());
  EXPECT_NE(one.server.port(), 0);
  EXPECT_TRUE(endpoints(one.server).contains(at_port("127.0.0.1", one.server)));
  EXPECT_EQ(one.over_v4().ask(get("/who")).body, "127.0.0.1 127.0.0.1");
  const bool has_ipv6 = ipv6().missing.empty();
  EXPECT_EQ(endpoints(one.server).contains(at_port("[::1]", one.server)), has_ipv6);
  if (has_ipv6) {
    EXPECT_EQ(one.over_v6().ask(get("/who")).body, "::1 ::1");
  }
}

TEST(listening, everywhere_is_ipv4_or_both) {
  a_server v4;
  ASSERT_EQ(v4.server.start("0.0.0.0", 0), std::error_code());
  EXPECT_EQ(v4.over_v4().ask(get("/who")).body, "127.0.0.1 127.0.0.1");
  EXPECT_FALSE(v4.over_v6().connected());
  needs({ipv6()});
  a_server both;
  ASSERT_EQ(both.server.start("::", 0), std::error_code());
  EXPECT_EQ(both.over_v6().ask(get("/who")).body, "::1 ::1");
  EXPECT_EQ(both.over_v4().ask(get("/who")).body, "127.0.0.1 127.0.0.1") << "not ::ffff:127.0.0.1";
}

TEST(listening, on_both_families_counts_a_client_of_ipv4_as_such) {
  needs({ipv6()});
  http::options how;
  how.max_connections_per_address = 1;
  a_server one(how);
  ASSERT_EQ(one.server.start("::", 0), std::error_code());
  client first = one.over_v4();
  EXPECT_EQ(first.ask(get("/who")).status, 200);
  EXPECT_EQ(one.over_v4().receive().status, 503);
  EXPECT_EQ(one.over_v6().ask(get("/who")).status, 200) << "another address";
}

TEST(listening, at_a_port_that_is_taken_on_one_address_of_the_name_is_an_error) {
  a_server first;
  ASSERT_EQ(first.server.start("127.0.0.1", 0), std::error_code());
  a_server second;
  EXPECT_EQ(second.server.start("localhost", first.server.port()), std::errc::address_in_use);
  EXPECT_EQ(second.server.port(), 0);
  EXPECT_TRUE(second.server.endpoints().empty());
}

TEST(listening, at_a_name_or_an_address_that_is_none_is_an_error) {
  a_server one;
  EXPECT_NE(one.server.start("no-such-host.invalid", 0), std::error_code());
  EXPECT_NE(one.server.start("", 0), std::error_code());
  EXPECT_NE(one.server.start("[127.0.0.1]", 0), std::error_code());
  EXPECT_EQ(one.server.start("192.0.2.1", 0), std::errc::address_not_available);
  EXPECT_EQ(one.server.start("127.0.0.1", 0), std::error_code())
      << "after an error it may be tried again";
  EXPECT_EQ(one.over_v4().ask(get("/who")).status, 200);
}

TEST(listening, twice_is_an_error_and_changes_nothing) {
  a_server one;
  ASSERT_EQ(one.server.start("127.0.0.1", 0), std::error_code());
  const auto port = one.server.port();
  EXPECT_EQ(one.server.start("127.0.0.1", 0), std::errc::already_connected);
  EXPECT_EQ(one.server.port(), port);
  EXPECT_EQ(one.over_v4().ask(get("/who")).status, 200);
}

// It would have been plain HTTP.
TEST(listening, after_a_failure_speaks_tls_as_it_was_told) {
  a_server taken;
  ASSERT_EQ(taken.server.start("127.0.0.1", 0), std::error_code());
  a_server one;
  one.server.use_tls(identity_of(shared_certificate()));
  ASSERT_EQ(one.server.start("127.0.0.1", taken.server.port()), std::errc::address_in_use);
  ASSERT_EQ(one.server.start("127.0.0.1", 0), std::error_code());
  tls_client c(one.server.port());
  ASSERT_TRUE(c.shake_hands());
  EXPECT_EQ(c.ask(get("/who")).status, 200);
  client plain = one.over_v4();
  ASSERT_TRUE(plain.send(get("/who")));
  EXPECT_EQ(plain.receive().status, 400);  // in plain words: this port speaks TLS
}

TEST(listening, in_plain_words_is_not_made_tls_later_nor_tls_plain) {
  a_server plain;
  ASSERT_EQ(plain.server.start("127.0.0.1", 0), std::error_code());
  EXPECT_THROW(plain.server.use_tls(identity_of(shared_certificate())), std::logic_error);
  EXPECT_EQ(plain.over_v4().ask(get("/who")).status, 200);
  a_server secret;
  secret.server.use_tls(identity_of(shared_certificate()));
  ASSERT_EQ(secret.server.start("127.0.0.1", 0), std::error_code());
  EXPECT_THROW(secret.server.use_tls(nullptr), std::invalid_argument);
  tls_client c(secret.server.port());
  ASSERT_TRUE(c.shake_hands());
  EXPECT_EQ(c.ask(get("/who")).status, 200);
}

TEST(listening, without_descriptors_is_an_error_and_not_an_exception) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  a_server one;
  const auto open = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::error_code ec;
  int failed = 0;
  for (int room = 0; room < 16; ++room) {  // one more each time: another one is the first to fail
    rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(open + room);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    ec = one.server.start("127.0.0.1", 0);
    ::setrlimit(RLIMIT_NOFILE, &before);
    if (!ec) {
      break;
    }
    EXPECT_EQ(ec, std::errc::too_many_files_open) << ec.message();
    ++failed;
  }
  ::close(open);
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_GE(failed, 5) << "two sets of epoll, three eventfds, a socket";
  EXPECT_EQ(one.over_v4().ask(get("/who")).status, 200);
}

TEST(a_time_out, that_is_the_longest_is_none) {
  http::options how;
  using ms = std::chrono::milliseconds;
  for (const auto which :
       {&http::options::handshake_timeout, &http::options::head_timeout,
        &http::options::idle_timeout, &http::options::body_timeout, &http::options::write_timeout,
        &http::options::linger_timeout, &http::options::late_after, &http::options::user_timeout}) {
    how.*which = ms::max();
  }
  how.keepalive_idle = std::chrono::seconds::max();
  how.keepalive_interval = std::chrono::seconds::max();
  setup with;
  with.how = how;
  with.deadline = ms::max();
  live_server server(with);
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200) << "it was closed at once";
  const std::string large(200'000, 'b');  // its body is waited for, and read by the worker
  EXPECT_EQ(c.ask(post("/pool/echo", large)).body, large);
  ASSERT_TRUE(c.send(get("/deadline/wait")));
  ASSERT_TRUE(server.at.await("/deadline/wait"));
  c.close();
  EXPECT_EQ(server.seen.of("/deadline/wait").end, request_end::client_closed);
  EXPECT_EQ(server.seen.reached(), (std::map<http::limit, int>{}));
}

}  // namespace
}  // namespace hangup::wire
