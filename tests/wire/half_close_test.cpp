// A client that closes its own direction only: a hang-up or none, as server and route say.
#include <gtest/gtest.h>

#include "tests/wire/heard.h"

namespace hangup::wire {
namespace {

using http::half_close;

setup with(half_close policy) {
  setup how;
  how.how.on_half_close = policy;
  how.more = {add_marker};
  return how;
}
setup ignoring() {
  return with(half_close::ignore);
}

struct policy_case {
  const char* what;
  half_close server;
  std::optional<half_close> route;
  bool delivered;
};

std::ostream& operator<<(std::ostream& out, const policy_case& c) {
  return out << c.what;
}

class half_close_policy : public testing::TestWithParam<policy_case> {};

TEST_P(half_close_policy, of_the_route_goes_over_that_of_the_server) {  // C3
  const auto& p = GetParam();
  for (const auto& request : {get("/held"), get("/held", "Connection: close\r\n"),
                              std::string("GET /held HTTP/1.0\r\n\r\n")}) {
    SCOPED_TRACE(request);
    const std::string target = "/held";
    release go;
    auto how = with(p.server);
    how.more.emplace_back([&](live_server& s) { add_held(s, "GET", target, s.many, go, p.route); });
    live_server server(how);
    client c = server.connect();
    ASSERT_TRUE(c.send(request));
    ASSERT_TRUE(server.at.await(target));
    c.shutdown_write();
    ASSERT_TRUE(all_heard(server));
    if (!p.delivered) {
      EXPECT_EQ(server.seen.of(target).end, request_end::client_closed);
      EXPECT_EQ(server.seen.of(target).status, 499);
    } else {
      EXPECT_FALSE(server.seen.has_ended(target)) << "its work goes on";
      go.now();
      const auto a = c.receive();
      EXPECT_EQ(a.status, 200);
      EXPECT_EQ(a.body, "delivered\n");
      EXPECT_TRUE(a.whole);
      EXPECT_EQ(server.seen.of(target).end, request_end::completed);
      EXPECT_EQ(server.seen.of(target).cause, "");
    }
    EXPECT_TRUE(c.sees_the_end());
    EXPECT_EQ(c.how_it_ended(), ending::fin);
  }
}

INSTANTIATE_TEST_SUITE_P(
    is, half_close_policy,
    testing::Values(
        policy_case{"the_servers_default", http::options{}.on_half_close, std::nullopt, false},
        policy_case{"cancel", half_close::cancel, std::nullopt, false},
        policy_case{"ignore", half_close::ignore, std::nullopt, true},
        policy_case{"ignore_over_cancel", half_close::cancel, half_close::ignore, true},
        policy_case{"cancel_over_ignore", half_close::ignore, half_close::cancel, false}),
    [](const auto& tested) { return tested.param.what; });

TEST(half_close_ignored, in_one_breath_with_the_request_is_answered) {  // C3, C18
  live_server server(ignoring());
  const int n = rounds(300);
  for (int i = 0; i < n; ++i) {
    for (const auto* path : {"/fast", "/pool/fast"}) {
      client c = server.connect();
      ASSERT_TRUE(c.send(get(path)));
      c.shutdown_write();
      ASSERT_EQ(c.receive().body, "fast\n");
      ASSERT_TRUE(c.sees_the_end());
    }
  }
  ASSERT_TRUE(server.seen.await_ended(2 * static_cast<std::size_t>(n)));
  EXPECT_EQ(server.seen.count(request_end::completed), 2 * static_cast<std::size_t>(n));
}

// The FIN may be heard before the head has been read, when the route is not yet known.
TEST(half_close_ignored, by_the_route_alone_in_one_breath_with_the_request_is_answered) {  // C3
  for (const auto server_says : {half_close::cancel, half_close::ignore}) {
    auto how = with(server_says);
    how.more.emplace_back([](live_server& s) {
      s.server.handle({.method = "GET",
                       .path = "/patient",
                       .runs_on = &s.many,
                       .on_half_close = half_close::ignore,
                       .answer = [](const context&, const http::request&, http::reply& res) {
                         res.body("text/plain", "patient\n");
                       }});
      s.server.handle({.method = "GET",
                       .path = "/impatient",
                       .on_half_close = half_close::cancel,
                       .answer = [](const context&, const http::request&, http::reply& res) {
                         res.body("text/plain", "impatient\n");
                       }});
    });
    live_server server(how);
    const int n = rounds(300);
    for (int i = 0; i < n; ++i) {
      client c = server.connect();
      if (i % 2 == 1) {  // a request before it has the other policy
        ASSERT_EQ(c.ask(get("/impatient")).body, "impatient\n");
      }
      ASSERT_TRUE(c.send(get("/patient")));
      c.shutdown_write();
      ASSERT_EQ(c.receive().body, "patient\n");
      ASSERT_TRUE(c.sees_the_end());
    }
  }
}

TEST(half_close_ignored, of_a_request_that_is_queued_leaves_it_there) {
  live_server server(ignoring());
  client busy = server.connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/one/fast")));
  ASSERT_TRUE(eventually([&] { return server.one.now().queued == 1; }));
  c.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  EXPECT_EQ(server.one.now().queued, 1U);
  EXPECT_FALSE(server.seen.has_ended("/one/fast"));
  server.gate.open();
  EXPECT_EQ(c.receive().body, "fast\n");
  EXPECT_EQ(server.seen.of("/one/fast").end, request_end::completed);
}

TEST(half_close_ignored, does_not_keep_a_later_reset_from_dropping_it_from_the_queue) {
  live_server server(ignoring());
  client busy = server.connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/one/fast")));
  ASSERT_TRUE(eventually([&] { return server.one.now().queued == 1; }));
  c.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  c.reset();
  const auto r = server.seen.of("/one/fast");
  EXPECT_EQ(r.end, request_end::client_reset);
  EXPECT_FALSE(r.started);
}

TEST(half_close_ignored, does_not_keep_a_later_reset_from_ending_a_handler_that_waits) {
  live_server server(ignoring());
  for (const auto* path : {"/wait", "/late"}) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get(path)));
    ASSERT_TRUE(server.at.await(path));
    c.shutdown_write();
    ASSERT_TRUE(all_heard(server));
    EXPECT_FALSE(server.seen.has_ended(path));
    c.reset();
    EXPECT_EQ(server.seen.of(path).end, request_end::client_reset);
  }
}

TEST(half_close_ignored, lets_a_stream_go_on_until_a_reset) {  // C26
  live_server server(ignoring());
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/pool/rows")));
  ASSERT_TRUE(c.receive_bytes(500));
  c.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  ASSERT_TRUE(c.receive_bytes(2'000));
  EXPECT_FALSE(server.seen.has_ended("/pool/rows"));
  c.reset();
  EXPECT_EQ(server.seen.of("/pool/rows").end, request_end::client_reset);
  EXPECT_TRUE(server.at.await("/pool/rows over"));
}

// Two rows; between them the handler waits for the test. Then rows until one cannot be sent.
void add_two_rows(live_server& s, release& go, bool for_ever) {
  const auto rows = [&s, &go, for_ever](const context& ctx, const httplib::Request& req,
                                        httplib::Response& res) {
    http::stream(ctx, req, res, "text/plain",
                 [&s, &go, for_ever](const context& c, http::body_writer& out) {
                   auto ec = out.write(c, "first\n");
                   ec = ec ? ec : go.await(c);
                   do {
                     ec = ec ? ec : out.write(c, "second\n");
                   } while (for_ever && !ec && !(ec = sleep_for(c, 1ms)));
                   s.at.tell(ec ? "broken off" : "whole");
                   return ec;
                 });
  };
  s.server.handle({.method = "GET", .path = "/two", .runs_on = &s.many, .answer = rows});
}

TEST(half_close_ignored, in_the_middle_of_a_stream_leaves_it_whole) {  // C26
  release go;
  auto how = ignoring();
  how.more.emplace_back([&](live_server& s) { add_two_rows(s, go, false); });
  live_server server(how);
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/two")));
  ASSERT_TRUE(server.seen.await_began(1));
  c.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  go.now();
  const auto a = c.receive();
  EXPECT_EQ(a.body, "first\nsecond\n");
  EXPECT_TRUE(a.whole);
  EXPECT_EQ(server.seen.of("/two").end, request_end::completed);
  EXPECT_TRUE(c.sees_the_end());
}

// A FIN and nothing unread: the socket of the client is gone, but TCP does not say so before
// something is sent to it.
TEST(half_close_ignored, of_a_client_that_is_gone_is_found_out_by_writing_to_it) {  // C25
  release go;
  auto how = ignoring();
  how.more.emplace_back([&](live_server& s) { add_two_rows(s, go, true); });
  live_server server(how);
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/two")));
  ASSERT_NE(c.receive_until("first\n\r\n"), "");
  c.close();
  ASSERT_TRUE(all_heard(server));
  EXPECT_FALSE(server.seen.has_ended("/two"));
  go.now();
  EXPECT_TRUE(server.at.await("broken off"));
  const auto r = server.seen.of("/two");
  EXPECT_EQ(r.end, request_end::client_reset) << r;
}

TEST(half_close_ignored, has_every_pipelined_request_served_and_then_closes) {  // C11
  release go;
  auto how = ignoring();
  how.more.emplace_back([&](live_server& s) { add_held(s, "GET", "/held", s.many, go); });
  live_server server(how);
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/held") + get("/pool/fast") + get("/fast")));
  ASSERT_TRUE(server.at.await("/held"));
  c.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  go.now();
  EXPECT_EQ(c.receive().body, "delivered\n");
  EXPECT_EQ(c.receive().body, "fast\n");
  EXPECT_EQ(c.receive().body, "fast\n");
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_EQ(c.how_it_ended(), ending::fin);
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.count(request_end::completed), 3U);
}

TEST(half_close_cancels, the_first_of_two_pipelined_requests_and_the_second_never_runs) {  // C11
  for (const auto* first : {"/wait", "/late"}) {
    live_server server(with(half_close::cancel));
    client c = server.connect();
    ASSERT_TRUE(c.send(get(first) + get("/pool/fast")));
    ASSERT_TRUE(server.at.await(first));
    c.shutdown_write();
    EXPECT_EQ(server.seen.of(first).end, request_end::client_closed);
    static_cast<void>(c.receive_rest());  // of /late its answer, which it does write
    EXPECT_TRUE(server.await_no_connections());
    EXPECT_EQ(server.at.count("/pool/fast"), 0);
  }
}

TEST(half_close_ignored, within_a_body_still_ends_its_request) {
  live_server server(ignoring());
  const auto of_length = [](std::size_t length, std::size_t sent) {
    return "POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n" + std::string(sent, 'x');
  };
  for (const auto& [length, sent] : {std::pair(500, 5), {200'000, 70'000}}) {
    const auto before = server.seen.all().size();
    client c = server.connect();
    ASSERT_TRUE(
        c.send(of_length(static_cast<std::size_t>(length), static_cast<std::size_t>(sent))));
    c.shutdown_write();
    EXPECT_EQ(c.receive_rest(), "");
    EXPECT_EQ(server.seen.nth(before).end, request_end::client_closed);
  }
  EXPECT_EQ(server.at.count("/pool/echo"), 0);
}

TEST(half_close_ignored, leaves_the_deadline_which_is_answered) {
  live_server server(ignoring());
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/deadline/wait")));
  c.shutdown_write();
  EXPECT_EQ(c.receive().status, 504);
  EXPECT_EQ(server.seen.of("/deadline/wait").end, request_end::deadline);
}

}  // namespace
}  // namespace hangup::wire
