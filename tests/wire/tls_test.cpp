// The same over TLS, where a client has more ways to leave.
#include <gtest/gtest.h>

#include "tests/wire/heard.h"
#include "tests/wire/tls_fixture.h"

namespace hangup::wire {
namespace {

setup with_marker() {
  auto how = over_tls();
  how.more = {add_marker};
  return how;
}

bool all_heard_over_tls(live_server& s) {
  return all_heard(s, settled(s));
}

TEST(tls, answers_one_request_after_another) {
  live_server server(over_tls());
  for (const int most : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto c = shaken(server, {.most = most});
    EXPECT_EQ(c.protocol(), most == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    EXPECT_EQ(c.serial(), shared_certificate().serial);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(c.ask(get(i % 2 == 0 ? "/fast" : "/pool/fast")).body, "fast\n");
    }
    EXPECT_EQ(c.ask(get("/fast", "Connection: close\r\n")).body, "fast\n");
    EXPECT_TRUE(c.sees_the_end());
    EXPECT_TRUE(c.was_closed_in_order());
  }
  EXPECT_TRUE(server.await_no_connections());
}

TEST(tls, carries_bodies_of_many_records_and_pipelined_requests) {
  live_server server(over_tls());
  auto c = shaken(server);
  const auto body = varied(200'000);
  const auto a = c.ask(post("/pool/echo", body));
  EXPECT_EQ(a.status, 200);
  EXPECT_TRUE(a.body == body);
  ASSERT_TRUE(c.send(get("/pool/fast") + post("/pool/echo", body) + get("/query?i=1") +
                     post("/echo", body.substr(0, 60'000)) + get("/fast")));
  EXPECT_EQ(c.receive().body, "fast\n");
  EXPECT_TRUE(c.receive().body == body);
  EXPECT_EQ(c.receive().body, "i=1\n/query\n/query?i=1");
  EXPECT_TRUE(c.receive().body == body.substr(0, 60'000));
  EXPECT_EQ(c.receive().body, "fast\n");
}

TEST(tls, streams_and_waits_for_a_client_that_reads_slowly) {
  live_server server(over_tls());
  for (const auto* path : {"/big?size=3000000", "/pool/big?size=3000000",
                           "/pool/rows?size=30000&n=100", "/rows?size=30000&n=100"}) {
    auto c = shaken(server, {}, 4096);
    const auto a = c.ask(get(path));
    EXPECT_TRUE(a.whole) << path;
    EXPECT_EQ(a.body.size(), 3'000'000U) << path;
    EXPECT_EQ(a.body.find_first_not_of(a.body[0]), std::string::npos) << path;
    EXPECT_EQ(server.seen.of(path).end, request_end::completed);
    EXPECT_EQ(c.ask(get("/fast")).body, "fast\n");
  }
}

struct leaving {
  const char* what;
  void (*leave)(tls_client&);
  request_end end;
  const char* cause;
};

std::ostream& operator<<(std::ostream& out, const leaving& l) {
  return out << l.what;
}

const leaving ways[] = {
    {"close_notify", [](tls_client& c) { c.close_notify(); }, request_end::client_closed,
     "client closed (FIN)"},  // C38
    {"close_notify_and_close",
     [](tls_client& c) {
       c.close_notify();
       c.close();
     },
     request_end::client_closed, "client closed (FIN)"},
    {"close_without_close_notify", [](tls_client& c) { c.close(); }, request_end::client_closed,
     "client closed (FIN): TLS was cut off"},  // C39
    {"shutdown_without_close_notify", [](tls_client& c) { c.shutdown_write(); },
     request_end::client_closed, "client closed (FIN): TLS was cut off"},  // C39
    {"half_of_a_record_and_close",
     [](tls_client& c) {
       c.send_raw("\x17\x03\x03");
       c.close();
     },
     request_end::client_closed, "client closed (FIN): TLS was cut off"},
    {"reset", [](tls_client& c) { c.reset(); }, request_end::client_reset,
     "client reset (RST)"},  // C39
};

class hang_up_over_tls : public testing::TestWithParam<leaving> {};

TEST_P(hang_up_over_tls, ends_the_request_whatever_was_sent_behind_it) {  // C38, C39, C40
  const auto& way = GetParam();
  struct {
    const char* what;
    std::string request;
    std::string later;
  } const sent[] = {
      {"a GET", get("/wait"), ""},
      {"C40 a pipelined request later", get("/wait"), get("/pool/fast")},
      {"C11 a second request in the same record", get("/wait") + get("/pool/fast"), ""},
      {"C13 one stray byte", get("/wait"), "x"},
      {"C8 a body that nobody reads", get("/wait", "Content-Length: 70000\r\n"),
       std::string(70'000, 'x')},
      {"C20 HEAD", "HEAD /wait HTTP/1.1\r\nHost: test\r\n\r\n", ""},
      {"C21 HTTP/1.0", "GET /wait HTTP/1.0\r\n\r\n", ""},
  };
  for (const auto& s : sent) {
    SCOPED_TRACE(s.what);
    live_server server(over_tls());
    auto c = settled(server);
    const bool body_first = s.request.find("Content-Length") != std::string::npos;
    ASSERT_TRUE(c.send(s.request));
    ASSERT_TRUE(body_first || server.at.await("/wait"));
    ASSERT_TRUE(c.send(s.later));
    ASSERT_TRUE(server.at.await("/wait"));
    way.leave(c);
    const auto r = server.seen.of("/wait");
    EXPECT_EQ(r.end, way.end);
    EXPECT_EQ(r.cause, way.cause);
    EXPECT_EQ(r.status, 499);
    EXPECT_TRUE(r.work_stopped);
    c.close();
    EXPECT_TRUE(server.await_no_connections());
    EXPECT_EQ(server.at.count("/pool/fast"), 0);
    EXPECT_EQ(server.seen.began_count(), 2U);
  }
}

TEST_P(hang_up_over_tls, ends_a_request_whose_handler_cannot_hear_it_by_itself) {
  release go;
  auto how = over_tls();
  how.more.emplace_back([&](live_server& s) { add_held(s, "GET", "/held", s.many, go); });
  live_server server(how);
  auto c = settled(server);
  ASSERT_TRUE(c.send(get("/held")));
  ASSERT_TRUE(server.at.await("/held"));
  GetParam().leave(c);
  const auto r = server.seen.of("/held");
  EXPECT_EQ(r.end, GetParam().end);
  EXPECT_EQ(r.cause, GetParam().cause);
}

TEST_P(hang_up_over_tls, drops_the_request_from_the_queue) {  // C18
  live_server server(over_tls());
  auto busy = settled(server);
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  auto c = settled(server);
  ASSERT_TRUE(c.send(get("/one/wait")));
  ASSERT_TRUE(eventually([&] { return server.one.now().queued == 1; }));
  GetParam().leave(c);
  const auto r = server.seen.of("/one/wait");
  EXPECT_EQ(r.end, GetParam().end);
  EXPECT_EQ(r.cause, GetParam().cause);
  EXPECT_FALSE(r.started);
  EXPECT_EQ(server.one.now().queued, 0U);
}

TEST_P(hang_up_over_tls, stops_a_stream) {  // C25
  live_server server(over_tls());
  auto c = settled(server);
  ASSERT_TRUE(c.send(get("/pool/rows")));
  ASSERT_TRUE(c.receive_bytes(500));
  GetParam().leave(c);
  const auto r = server.seen.of("/pool/rows");
  // A client that closes without having read everything resets.
  EXPECT_TRUE(r.end == GetParam().end || r.end == request_end::client_reset) << r;
  EXPECT_TRUE(server.at.await("/pool/rows over"));
}

TEST_P(hang_up_over_tls, in_the_middle_of_a_body_never_starts_the_work) {
  live_server server(over_tls());
  for (const auto& [length, sent] : {std::pair(500, 5), {200'000, 70'000}}) {
    const auto before = server.seen.all().size();
    auto c = settled(server);
    ASSERT_TRUE(c.send(
        "POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(length) +
        "\r\n\r\n" + std::string(static_cast<std::size_t>(sent), 'x')));
    ASSERT_TRUE(server.seen.await_began(before + 2));
    GetParam().leave(c);
    EXPECT_EQ(server.seen.nth(before + 1).end, GetParam().end);
    c.close();
    EXPECT_TRUE(server.await_no_connections());
  }
  EXPECT_EQ(server.at.count("/pool/echo"), 0);
}

TEST_P(hang_up_over_tls, between_requests_is_no_request) {
  live_server server(over_tls());
  auto c = settled(server);
  GetParam().leave(c);
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
  EXPECT_EQ(server.seen.began_count(), 1U);
  EXPECT_TRUE(server.seen.reached().empty());
}

INSTANTIATE_TEST_SUITE_P(by, hang_up_over_tls, testing::ValuesIn(ways),
                         [](const auto& tested) { return tested.param.what; });

TEST(half_close_over_tls, that_is_ignored_leaves_the_answer_whole) {  // C3
  release go;
  auto how = with_marker();
  how.how.on_half_close = http::half_close::ignore;
  how.more.emplace_back([&](live_server& s) { add_held(s, "GET", "/held", s.many, go); });
  live_server server(how);
  auto c = settled(server);
  ASSERT_TRUE(c.send(get("/held") + get("/pool/fast")));
  ASSERT_TRUE(server.at.await("/held"));
  c.close_notify();
  c.shutdown_write();
  ASSERT_TRUE(all_heard_over_tls(server));
  EXPECT_FALSE(server.seen.has_ended("/held"));
  go.now();
  EXPECT_EQ(c.receive().body, "delivered\n");
  EXPECT_EQ(c.receive().body, "fast\n");
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_TRUE(c.was_closed_in_order());
  EXPECT_EQ(server.seen.of("/held").end, request_end::completed);
}

TEST(half_close_over_tls, that_is_ignored_leaves_a_later_reset) {
  auto how = with_marker();
  how.how.on_half_close = http::half_close::ignore;
  live_server server(how);
  auto c = settled(server);
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  c.close_notify();
  ASSERT_TRUE(all_heard_over_tls(server));
  EXPECT_FALSE(server.seen.has_ended("/wait"));
  c.reset();
  EXPECT_EQ(server.seen.of("/wait").end, request_end::client_reset);
}

TEST(half_close_over_tls, gets_the_answer_that_the_handler_does_write) {  // C3
  live_server server(over_tls());
  auto c = settled(server);
  ASSERT_TRUE(c.send(get("/late")));
  ASSERT_TRUE(server.at.await("/late"));
  c.close_notify();
  EXPECT_EQ(c.receive().body, "late\n");
  EXPECT_EQ(server.seen.of("/late").end, request_end::client_closed);
}

}  // namespace
}  // namespace hangup::wire
