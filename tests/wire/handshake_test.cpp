// What can come of a handshake: certificates, versions and protocols; garbage; slowness;
// departures.
#include <gtest/gtest.h>

#include "tests/wire/tls_fixture.h"

namespace hangup::wire {
namespace {

using reached = std::map<http::limit, int>;

constexpr int alert = 1000;  // OpenSSL's reasons for alerts that came: 1000 and the number

TEST(handshake, chooses_http_1_1_if_the_client_offers_protocols) {
  live_server server(over_tls());
  auto both = shaken(server, {.alpn = "\x02h2\x08http/1.1"});
  EXPECT_EQ(both.alpn(), "http/1.1");
  EXPECT_EQ(both.ask(get("/fast")).status, 200);
  auto none = shaken(server);
  EXPECT_EQ(none.alpn(), "");
  EXPECT_EQ(none.ask(get("/fast")).status, 200);
}

TEST(handshake, that_asks_for_what_is_not_spoken_here_is_refused_with_an_alert) {
  live_server server(over_tls());
  tls_client only_h2(server.server.port(), {.alpn = "\x02h2"});
  EXPECT_FALSE(only_h2.shake_hands());
  EXPECT_EQ(only_h2.failure(), alert + 120) << "no_application_protocol";
  tls_client old(server.server.port(), {.least = TLS1_1_VERSION, .most = TLS1_1_VERSION});
  EXPECT_FALSE(old.shake_hands());
  EXPECT_EQ(old.failure(), alert + 70) << "protocol_version";
  only_h2.close();
  old.close();
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::handshake, 2}}));
  EXPECT_EQ(server.seen.began_count(), 0U);
}

TEST(handshake, that_is_none_is_refused_once) {
  live_server server(over_tls());
  client garbage = server.connect();
  ASSERT_TRUE(garbage.send(std::string("\x16\x03\x01\x00\x05hello", 10)));
  const auto said = garbage.receive_rest();
  ASSERT_EQ(said.size(), 7U);
  EXPECT_EQ(said[0], '\x15') << "an alert";
  EXPECT_EQ(said[5], '\x02') << "a fatal one";
  client other = server.connect();
  ASSERT_TRUE(other.send("SSH-2.0-OpenSSH_9.2\r\n"));
  EXPECT_EQ(other.receive_rest().find("HTTP"), std::string::npos);
  garbage.close();
  other.close();
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::handshake, 2}}));
  EXPECT_EQ(server.seen.began_count(), 0U);
}

TEST(handshake, that_is_plain_http_is_told_in_plain_http_that_the_port_speaks_tls) {
  live_server server(over_tls());
  for (const auto* method : {"GET", "POST", "HEAD"}) {
    client plain = server.connect();
    ASSERT_TRUE(plain.send(std::string(method) +
                           " /pool/fast HTTP/1.1\r\nHost: x\r\nX-Request-Id: plain\r\n\r\n"));
    const auto said = plain.receive_rest();
    EXPECT_TRUE(said.starts_with("HTTP/1.1 400 Bad Request\r\n")) << said;
    EXPECT_NE(said.find("\r\nConnection: close\r\n"), std::string::npos) << said;
    EXPECT_EQ(said.find("this port speaks TLS") != std::string::npos,
              std::string_view(method) != "HEAD")
        << said;
  }
  EXPECT_TRUE(server.await_no_connections());
  ASSERT_EQ(server.seen.began_count(), 3U);
  for (const auto& r : server.seen.all()) {
    EXPECT_EQ(r.end, http::request_end::bad_request);
    EXPECT_EQ(r.status, 400);
    EXPECT_EQ(r.path, "none");
  }
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::handshake, 3}}));
  EXPECT_EQ(shaken(server).ask(get("/fast")).status, 200);
}

TEST(handshake, that_is_plain_http_with_mistakes_is_told_of_tls_all_the_same) {
  live_server server(over_tls());
  for (const std::string request :
       {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\r\n\r\n",
        "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "get / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    client plain = server.connect();
    ASSERT_TRUE(plain.send(request));
    const auto said = plain.receive_rest();
    EXPECT_TRUE(said.starts_with("HTTP/1.1 400 ")) << request << said;
    EXPECT_NE(said.find("this port speaks TLS"), std::string::npos) << request << said;
  }
  for (const std::string garbage : {"hello there", "\r\n\r\n\r\n"}) {
    client other = server.connect();
    ASSERT_TRUE(other.send(garbage));
    EXPECT_EQ(other.receive_rest().find("HTTP"), std::string::npos) << garbage;
  }
  EXPECT_TRUE(server.await_no_connections());
}

TEST(handshake, that_is_plain_http_may_come_in_pieces) {
  live_server server(over_tls());
  client slow = server.connect();
  for (const auto* piece : {"G", "ET / HTTP/1.1\r\nHo", "st: x\r\n\r\n"}) {
    ASSERT_TRUE(slow.send(piece));
    std::this_thread::yield();
  }
  EXPECT_TRUE(slow.receive_rest().starts_with("HTTP/1.1 400 "));
  slow.close();
  EXPECT_TRUE(server.await_no_connections());
}

TEST(handshake, that_is_plain_http_without_an_end_has_the_time_of_a_head) {
  auto how = over_tls();
  how.how.head_timeout = 100ms;
  live_server server(how);
  client half = server.connect();
  ASSERT_TRUE(half.send("GET / HTTP/1.1\r\n"));
  const auto said = half.receive_rest();
  EXPECT_TRUE(said.starts_with("HTTP/1.1 400 ")) << said;
  EXPECT_NE(said.find("this port speaks TLS"), std::string::npos) << said;
  client gone = server.connect();
  ASSERT_TRUE(gone.send("GET"));
  gone.close();
  client reset = server.connect();
  ASSERT_TRUE(reset.send("GET / HTTP/1.1\r\n"));
  reset.reset();
  EXPECT_TRUE(server.await_no_connections());
}

// A port that is looked at by a load balancer, or a client that changed its mind: no refusal.
TEST(handshake, that_its_client_leaves_is_nobodys_fault) {
  live_server server(over_tls());
  const std::string half("\x16\x03\x01\x01\x00\x01", 6);
  for (int i = 0; i < rounds(100); ++i) {
    for (const auto& sent : {std::string(), half}) {
      client gone = server.connect();
      ASSERT_TRUE(gone.send(sent));
      gone.close();
      client reset = server.connect();
      ASSERT_TRUE(reset.send(sent));
      reset.reset();
    }
    tls_client hello(server.server.port());
    hello.hello();
    i % 2 == 0 ? hello.reset() : hello.close();
  }
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), reached{});
}

TEST(handshake, that_is_slow_holds_no_thread) {
  auto how = over_tls();
  how.how.front_threads = 1;
  live_server server(how);
  auto first = shaken(server);
  ASSERT_EQ(first.ask(get("/pool/fast")).status, 200);
  const auto before = threads();
  constexpr std::size_t many = 300;
  std::vector<client> silent;
  std::vector<tls_client> begun;
  for (std::size_t i = 0; i < many / 2; ++i) {
    silent.push_back(server.connect());
    ASSERT_TRUE(silent.back().send(std::string(i % 2, '\x16')));
    begun.emplace_back(server.server.port());
    begun.back().hello();
  }
  ASSERT_TRUE(eventually([&] { return server.connections(http::phase::shaking) == many; }));
  EXPECT_LT(threads(), before + 5) << "that of the timers may have been the last to start";
  EXPECT_EQ(first.ask(get("/fast")).status, 200);
  EXPECT_EQ(shaken(server).ask(get("/pool/fast")).status, 200);
  // Those that had begun can still go on.
  for (auto& c : begun) {
    ASSERT_TRUE(c.shake_hands());
    ASSERT_EQ(c.ask(get("/fast")).status, 200);
  }
  silent.clear();
  begun.clear();
  first.close();
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), reached{});
}

TEST(handshake, that_takes_too_long_is_closed) {
  auto how = over_tls();
  how.how.handshake_timeout = 100ms;
  live_server server(how);
  client silent = server.connect();
  client half = server.connect();
  ASSERT_TRUE(half.send("\x16"));
  tls_client begun(server.server.port());
  begun.hello();
  EXPECT_TRUE(silent.sees_the_end());
  EXPECT_TRUE(half.sees_the_end());
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::handshake_time, 3}}));
}

TEST(handshake, is_not_given_more_time_by_a_byte_now_and_then) {
  auto how = over_tls();
  how.how.handshake_timeout = 300ms;
  live_server server(how);
  client c = server.connect();
  ASSERT_TRUE(c.send(std::string("\x16\x03\x01\x20\x00", 5)));  // 8 KiB are to come
  const auto limit = http::clock::now() + patience;
  while (!c.readable(20ms) && http::clock::now() < limit && c.send("\x01")) {  // until it is closed
  }
  EXPECT_TRUE(server.seen.await_reached(http::limit::handshake_time));
}

TEST(handshake, is_with_the_new_certificate_after_a_change_and_who_is_connected_goes_on) {
  live_server server(over_tls());
  auto old = shaken(server);
  tls_client half(server.server.port());
  half.hello();
  const test::certificate another;
  ASSERT_TRUE(eventually([&] { return server.connections() == 2; }));
  server.server.use_tls(identity_of(another));
  auto fresh = shaken(server);
  EXPECT_EQ(old.serial(), shared_certificate().serial);
  EXPECT_EQ(fresh.serial(), another.serial);
  ASSERT_TRUE(half.shake_hands());
  EXPECT_EQ(half.serial(), shared_certificate().serial);
  for (auto* c : {&old, &half, &fresh}) {
    EXPECT_EQ(c->ask(get("/pool/fast")).status, 200);
  }
}

TEST(handshake, can_meet_a_change_of_the_certificate_at_any_moment) {
  const test::certificate another;
  live_server server(over_tls());
  std::atomic<bool> stop{false};
  std::thread changing([&] {
    const auto a = identity_of(shared_certificate());
    const auto b = identity_of(another);
    for (bool which = false; !stop; which = !which) {
      server.server.use_tls(which ? a : b);
    }
  });
  for (int i = 0; i < rounds(100); ++i) {
    auto c = shaken(server);
    EXPECT_EQ(c.ask(get("/fast")).status, 200);
  }
  stop = true;
  changing.join();
}

TEST(handshake, is_not_begun_with_one_client_too_many) {
  auto how = over_tls();
  how.how.max_connections = 2;
  live_server server(how);
  auto first = shaken(server);
  auto second = shaken(server);
  tls_client third(server.server.port());
  EXPECT_FALSE(third.shake_hands());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::connections, 1}}));
  first.close();
  ASSERT_TRUE(eventually([&] { return server.connections() == 1; }));
  EXPECT_EQ(shaken(server).ask(get("/fast")).status, 200);
}

TEST(tls, closes_what_is_idle_for_too_long_in_order) {
  auto how = over_tls();
  how.how.idle_timeout = 100ms;
  live_server server(how);
  auto c = shaken(server);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_TRUE(c.was_closed_in_order());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::idle_time, 1}}));
}

}  // namespace
}  // namespace hangup::wire
