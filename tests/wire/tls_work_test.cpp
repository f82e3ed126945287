// What a client of TLS can make the server do, or keep, by sending next to nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <ctime>

#include "tests/support/resources.h"
#include "tests/wire/heard.h"
#include "tests/wire/tls_fixture.h"

namespace hangup::wire {
namespace {

using reached = std::map<http::limit, int>;

constexpr int far_too_many = 2'000;  // updates of keys

// A record with an update of keys brings no data, and OpenSSL goes on to the next one for as long
// as there is one.
TEST(tls_that_only_makes_work, between_requests_is_closed_and_counted_once) {
  live_server server(over_tls());
  auto c = settled(server);
  c.update_key(far_too_many);
  static_cast<void>(c.receive_rest());
  EXPECT_NE(c.how_it_ended(), ending::none);
  c.close();
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::tls_work, 1}}));
}

TEST(tls_that_only_makes_work, behind_a_running_request_ends_it_and_says_why) {
  live_server server(over_tls());
  auto c = settled(server);
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  c.update_key(far_too_many);
  const auto r = server.seen.of("/wait");
  EXPECT_EQ(r.end, request_end::client_closed);
  EXPECT_NE(r.cause.find("its TLS only made work"), std::string::npos) << r.cause;
  c.close();
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::tls_work, 1}}));
}

TEST(tls_that_only_makes_work, in_a_body_that_a_worker_waits_for_ends_the_request) {
  live_server server(over_tls());
  auto c = settled(server);
  ASSERT_TRUE(c.send("POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 200000\r\n\r\n" +
                     std::string(100'000, 'x')));
  ASSERT_TRUE(eventually([&] { return server.many.now().running == 1; }));
  c.update_key(far_too_many);
  EXPECT_EQ(server.seen.of("/pool/echo").end, request_end::client_closed);
  c.close();
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::tls_work, 1}}));
}

// As many of them as there are front threads and more, behind requests too, for as long as they
// may: everybody else is served, and heard.
TEST(tls_that_only_makes_work, takes_no_thread_from_the_others) {
  live_server server(over_tls());
  std::atomic<bool> over{false};
  std::vector<std::thread> floods;
  for (int i = 0; i < 3; ++i) {
    floods.emplace_back([&, behind_a_request = i == 0] {
      while (!over) {  // whoever is closed comes again
        auto c = shaken(server);
        if (behind_a_request) {
          static_cast<void>(c.send(get("/wait?flood")));
        }
        c.update_key(far_too_many);
      }
    });
  }
  ASSERT_TRUE(server.seen.await_reached(http::limit::tls_work));
  auto c = shaken(server);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
  ASSERT_TRUE(c.send(get("/wait?other")));
  ASSERT_TRUE(eventually([&] { return server.seen.began_count() > 3; }));
  c.reset();
  EXPECT_EQ(server.seen.of("/wait?other").end, request_end::client_reset);
  over = true;
  for (auto& f : floods) {
    f.join();
  }
}

TEST(updates_of_keys, now_and_then_are_a_part_of_tls) {
  live_server server(over_tls());
  auto c = settled(server);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(c.update_key());
    ASSERT_EQ(c.ask(get(i % 2 == 0 ? "/fast" : "/pool/fast")).status, 200) << i;
  }
  // Whoever sends much may change keys often.
  const auto body = varied(60'000);
  for (int i = 0; i < 150; ++i) {
    ASSERT_TRUE(c.update_key());
    ASSERT_TRUE(c.ask(post("/echo", body)).body == body) << i;
  }
  EXPECT_EQ(server.seen.reached(), reached{});
}

// What one message of a handshake lacks is waited for, and not asked for again and again.
TEST(handshake, that_stops_in_the_middle_costs_no_processor) {
  live_server server(over_tls());
  tls_client half(server.server.port());
  const auto hello = half.hello_to_send();
  half.send_raw(std::string_view(hello).substr(0, hello.size() / 2));
  tls_client begun(server.server.port());
  begun.hello();
  ASSERT_TRUE(begun.readable(patience)) << "the server's part of it";
  ASSERT_TRUE(eventually([&] { return server.connections(http::phase::shaking) == 2; }));
  const auto before = std::clock();
  EXPECT_FALSE(half.readable(500ms));
  const auto used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.25) << "a thread went round and round";
  half.send_raw(std::string_view(hello).substr(hello.size() / 2));
  for (auto* c : {&half, &begun}) {
    ASSERT_TRUE(c->shake_hands());
    EXPECT_EQ(c->ask(get("/fast")).status, 200);
  }
}

TEST(handshake, that_has_not_come_to_its_first_message_holds_next_to_nothing) {
  live_server server(over_tls());
  settled(server).close();  // what is made once
  ASSERT_TRUE(server.await_no_connections());
  tls_client for_its_hello(server.server.port());
  const auto hello = for_its_hello.hello_to_send();
  constexpr std::size_t each = 50;
  const auto before = heap_in_use();
  std::vector<client> all;
  for (const auto& sent :
       {std::string(), std::string("\x16"), std::string("\x16\x03\x01\x00\x01\x01", 6),
        std::string("\x16\x03\x01\x00\x04\x01\x00\x10\x00", 9), hello.substr(0, 200)}) {
    for (std::size_t i = 0; i < each; ++i) {
      all.push_back(server.connect());
      ASSERT_TRUE(all.back().send(sent));
    }
  }
  ASSERT_TRUE(
      eventually([&] { return server.connections(http::phase::shaking) == all.size() + 1; }));
  // They are heard in their order, so all of them have been when one behind them has been answered.
  EXPECT_EQ(shaken(server).ask(get("/fast")).status, 200);
  EXPECT_LT(heap_in_use(), before + all.size() * 4'000);
}

// One message may come in as many segments, and in as many records, as its client likes.
TEST(handshake, whose_first_message_comes_in_pieces_is_understood) {
  live_server server(over_tls());
  constexpr std::size_t head = 5;  // of a record
  for (const std::size_t piece : {1U, 3U, 5U, 9U, 100U}) {
    tls_client c(server.server.port());
    const auto hello = c.hello_to_send();
    for (std::size_t at = 0; at < hello.size(); at += piece) {
      c.send_raw(std::string_view(hello).substr(at, piece));
    }
    ASSERT_TRUE(c.shake_hands()) << piece;
    ASSERT_EQ(c.ask(get("/fast")).status, 200);
  }
  for (const std::size_t pieces : {100U, 6U}) {
    tls_client c(server.server.port());
    const auto hello = c.hello_to_send();
    const auto piece = hello.size() / pieces + 1;
    std::string records;
    for (std::size_t at = head; at < hello.size(); at += piece) {
      const auto part = hello.substr(at, piece);
      records.append("\x16\x03\x01", 3);
      records.append(1, static_cast<char>(part.size() / 256));
      records.append(1, static_cast<char>(part.size() % 256));
      records.append(part);
    }
    c.send_raw(records);
    ASSERT_TRUE(c.shake_hands()) << piece;
    ASSERT_EQ(c.ask(get("/fast")).status, 200);
  }
  EXPECT_EQ(server.seen.reached(), reached{});
}

TEST(handshake, whose_first_message_comes_in_a_record_for_each_byte_is_only_work) {
  live_server server(over_tls());
  tls_client c(server.server.port());
  const auto hello = c.hello_to_send();
  std::string records;
  for (const char byte : hello.substr(5)) {
    records.append("\x16\x03\x01\x00\x01", 5).append(1, byte);
  }
  c.send_raw(records);
  EXPECT_FALSE(c.shake_hands());
  c.close();
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), (reached{{http::limit::tls_work, 1}}));
}

TEST(handshake, without_forward_secrecy_is_refused) {
  const test::certificate own(test::certificate::key_kind::rsa);
  setup how;
  how.identity = identity_of(own);
  live_server server(how);
  tls_client old(server.server.port(), {.most = TLS1_2_VERSION, .ciphers = "kRSA"});
  EXPECT_FALSE(old.shake_hands());
  EXPECT_EQ(old.failure(), 1000 + 40) << "an alert: handshake_failure";
  for (const auto* ciphers : {"ECDHE+AESGCM", "ECDHE+AES256:kRSA"}) {
    auto c = shaken(server, {.most = TLS1_2_VERSION, .ciphers = ciphers});
    EXPECT_EQ(c.protocol(), "TLSv1.2");
    EXPECT_EQ(c.ask(get("/fast")).status, 200);
  }
}

}  // namespace
}  // namespace hangup::wire
