// A client that says how long it will wait: X-Request-Timeout-Ms, or Prefer: wait (RFC 7240 4.3).
// It shortens the deadline of the route and never makes it longer.
#include <gtest/gtest.h>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

// Answers with how much of its deadline was left when the handler began, in milliseconds.
void add_time_left(live_server& s) {
  const auto left = [](const context& ctx, const httplib::Request&, httplib::Response& res) {
    const auto due = ctx.deadline();
    const auto ms = [&] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(*due - http::clock::now());
    };
    res.set_content(due ? std::to_string(ms().count()) : "none", "text/plain");
  };
  s.server.handle({.method = "GET", .path = "/left", .runs_on = &s.many, .answer = left});
  s.server.handle({.method = "GET",
                   .path = "/left_of_100s",
                   .runs_on = &s.many,
                   .deadline = 100s,
                   .answer = left});
}

setup with_time_left() {
  setup how;
  how.more = {add_time_left};
  return how;
}

struct left_case {
  const char* what;
  const char* path;
  const char* headers;
  int most;  // seconds; there are 20 less at least, or the test has been stalled for too long. 0:
             // none
};

std::ostream& operator<<(std::ostream& out, const left_case& c) {
  return out << c.what;
}

class time_left : public testing::TestWithParam<left_case> {};

TEST_P(time_left, is_the_shortest_of_all_that_were_said) {
  const auto& p = GetParam();
  live_server server(with_time_left());
  client c = server.connect();
  const auto a = c.ask(get(p.path, p.headers));
  ASSERT_EQ(a.status, 200);
  if (p.most == 0) {
    EXPECT_EQ(a.body, "none");
    return;
  }
  ASSERT_NE(a.body, "none");
  EXPECT_LE(std::stoi(a.body), p.most * 1000);
  EXPECT_GT(std::stoi(a.body), (p.most - 20) * 1000);
}

INSTANTIATE_TEST_SUITE_P(
    with, time_left,
    testing::Values(
        left_case{"nothing", "/left", "", 0}, left_case{"a_route", "/left_of_100s", "", 100},
        left_case{"milliseconds", "/left", "X-Request-Timeout-Ms: 50000\r\n", 50},
        left_case{"milliseconds_in_lower_case", "/left", "x-request-timeout-ms: 50000\r\n", 50},
        left_case{"seconds", "/left", "Prefer: wait=50\r\n", 50},
        left_case{"quoted_seconds", "/left", "Prefer: wait=\"50\"\r\n", 50},
        left_case{"spaces", "/left", "Prefer:  respond-async ,  WAIT = 50 ; x=y\r\n", 50},
        left_case{"other_preferences", "/left", "Prefer: return=minimal, wait=50, a=b\r\n", 50},
        left_case{"only_other_preferences", "/left",
                  "Prefer: return=minimal, waiting=5, handling=lenient; wait=3\r\n", 0},
        left_case{"a_preference_that_cannot_be_met", "/left",
                  "Prefer: wait=0\r\nPrefer: wait=50\r\n", 0},
        left_case{"a_preference_that_is_no_number", "/left_of_100s", "Prefer: wait=long\r\n", 100},
        left_case{"less_than_the_route", "/left_of_100s", "X-Request-Timeout-Ms: 50000\r\n", 50},
        left_case{"more_than_the_route", "/left_of_100s", "X-Request-Timeout-Ms: 500000\r\n", 100},
        left_case{"more_seconds_than_the_route", "/left_of_100s", "Prefer: wait=86400\r\n", 100},
        left_case{"fewer_seconds", "/left", "X-Request-Timeout-Ms: 90000\r\nPrefer: wait=50\r\n",
                  50},
        left_case{"fewer_milliseconds", "/left",
                  "Prefer: wait=90\r\nX-Request-Timeout-Ms: 50000\r\n", 50}),
    [](const auto& tested) { return tested.param.what; });

TEST(deadline_of_the_client, ends_its_request_with_504) {
  live_server server;
  client c = server.connect();
  const auto a = c.ask(get("/wait", "X-Request-Timeout-Ms: 30\r\n"));
  EXPECT_EQ(a.status, 504);
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  const auto r = server.seen.of("/wait");
  EXPECT_EQ(r.end, request_end::deadline);
  EXPECT_NE(r.cause.find("deadline exceeded"), std::string::npos) << r.cause;
  EXPECT_NE(r.cause.find("the client's own"), std::string::npos) << r.cause;
  EXPECT_EQ(c.ask(get("/fast")).status, 200) << "the connection is kept";
}

TEST(deadline_of_the_client, does_not_put_off_that_of_the_route) {
  live_server server;  // 200 ms
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/deadline/wait", "Prefer: wait=3600\r\n")).status, 504);
  const auto r = server.seen.of("/deadline/wait");
  EXPECT_EQ(r.end, request_end::deadline);
  EXPECT_EQ(r.cause.find("the client's own"), std::string::npos) << r.cause;
}

TEST(deadline_of_the_client, is_not_that_of_the_next_request) {
  live_server server(with_time_left());
  client c = server.connect();
  EXPECT_NE(c.ask(get("/left", "Prefer: wait=50\r\n")).body, "none");
  EXPECT_EQ(c.ask(get("/left")).body, "none");
}

TEST(deadline_of_the_client, passes_in_the_queue_as_well) {
  live_server server;
  client busy = server.connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/one/fast", "X-Request-Timeout-Ms: 30\r\n")).status, 504);
  const auto r = server.seen.of("/one/fast");
  EXPECT_EQ(r.end, request_end::deadline);
  EXPECT_FALSE(r.started);
  EXPECT_EQ(server.at.count("/one/fast"), 0);
}

TEST(deadline_of_the_client, counts_from_the_head_so_that_the_wait_for_its_body_is_in_it) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(
      c.send("POST /wait HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n"
             "X-Request-Timeout-Ms: 30\r\n\r\nhel"));
  EXPECT_EQ(c.receive().status, 504);
  EXPECT_EQ(server.seen.of("/wait").end, request_end::deadline);
  EXPECT_EQ(server.at.count("/wait"), 0);
}

TEST(deadline_of_the_client, breaks_a_stream_off) {
  live_server server;
  client c = server.connect();
  const auto a = c.ask(get("/pool/rows", "X-Request-Timeout-Ms: 50\r\n"));
  EXPECT_EQ(a.status, 200);
  EXPECT_FALSE(a.whole);
  EXPECT_EQ(server.seen.of("/pool/rows").end, request_end::deadline);
}

TEST(deadline_of_the_client, that_makes_no_sense_is_answered_400_with_what_was_expected) {
  live_server server;
  for (const std::string headers :
       {"X-Request-Timeout-Ms: \r\n", "X-Request-Timeout-Ms: 0\r\n", "X-Request-Timeout-Ms: -1\r\n",
        "X-Request-Timeout-Ms: 1.5\r\n", "X-Request-Timeout-Ms: 86400001\r\n",
        "X-Request-Timeout-Ms: 10\r\nX-Request-Timeout-Ms: 10\r\n"}) {
    SCOPED_TRACE(headers);
    client c = server.connect();
    const auto a = c.ask(get("/fast", headers));
    EXPECT_EQ(a.status, 400);
    EXPECT_NE(a.body.find("X-Request-Timeout-Ms"), std::string::npos) << a.body;
  }
  EXPECT_EQ(server.at.count("/fast"), 0);
}

}  // namespace
}  // namespace hangup::wire
