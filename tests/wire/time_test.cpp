// What is too slow or too much ends: heads, bodies, idle connections, readers, deadlines. And a
// slow client never costs the others anything.
#include <gtest/gtest.h>

#include <ctime>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

setup with(std::chrono::milliseconds http::options::*which, std::chrono::milliseconds time) {
  setup how;
  how.how.*which = time;
  return how;
}

TEST(head_timeout, is_answered_408_and_the_connection_closed) {
  live_server server(with(&http::options::head_timeout, 100ms));
  client c = server.connect();
  ASSERT_TRUE(c.send("GET /fast HTTP/1.1\r\nHost: te"));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 408);
  EXPECT_TRUE(a.whole);
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_TRUE(c.sees_the_end());
  const auto r = server.seen.nth(0);
  EXPECT_EQ(r.end, request_end::bad_request);
  EXPECT_EQ(r.path, "none");
  EXPECT_FALSE(r.started);
}

TEST(head_timeout, is_not_put_off_by_a_byte_now_and_then) {
  live_server server(with(&http::options::head_timeout, 300ms));
  client c = server.connect();
  ASSERT_TRUE(c.send("GET /fast HTTP/1.1\r\nX: "));
  const auto limit = http::clock::now() + patience;
  while (!c.readable(20ms) && http::clock::now() < limit) {
    ASSERT_TRUE(c.send("x"));
  }
  EXPECT_EQ(c.receive().status, 408);
}

TEST(head_timeout, after_a_head_request_is_answered_with_a_body) {
  live_server server(with(&http::options::head_timeout, 100ms));
  client c = server.connect();
  ASSERT_TRUE(c.send("HEAD /fast HTTP/1.1\r\nHost: test\r\n\r\n"));
  EXPECT_EQ(c.receive(true).status, 200);
  ASSERT_TRUE(c.send("GET /fast"));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 408);
  EXPECT_TRUE(a.whole);
}

// The time of a head begins with its first byte, not with that of the request before it.
TEST(head_timeout, begins_anew_after_a_404) {
  live_server server(with(&http::options::head_timeout, 2000ms));
  client c = server.connect();
  ASSERT_TRUE(c.send("GET /nothing HTTP/1.1\r\nHo"));
  ASSERT_FALSE(c.readable(1300ms));
  ASSERT_TRUE(c.send("st: test\r\n\r\nGET /fast HTTP/1.1\r\nHo"));
  EXPECT_EQ(c.receive().status, 404);
  ASSERT_FALSE(c.readable(1300ms)) << c.receive().status;
  ASSERT_TRUE(c.send("st: test\r\n\r\n"));
  EXPECT_EQ(c.receive().status, 200);
}

TEST(idle_timeout, closes_a_connection_without_a_word) {
  live_server server(with(&http::options::idle_timeout, 100ms));
  client silent = server.connect();
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
  for (client* each : {&silent, &c}) {
    EXPECT_TRUE(each->sees_the_end());
    EXPECT_EQ(each->how_it_ended(), ending::fin);
  }
  EXPECT_EQ(server.seen.began_count(), 1U);
}

TEST(timeouts, of_connections_do_not_touch_a_request_that_is_worked_on) {  // C32
  setup how;
  how.how.head_timeout = how.how.idle_timeout = how.how.body_timeout = how.how.write_timeout = 50ms;
  how.deadline = 500ms;
  live_server server(how);
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/deadline/late")).body, "late\n");
}

TEST(body_timeout, before_a_worker_is_taken_is_a_408) {
  live_server server(with(&http::options::body_timeout, 100ms));
  for (const auto* path : {"/echo", "/pool/echo"}) {
    const auto before = server.seen.all().size();
    client c = server.connect();
    const auto a = c.ask(part_of_body(path, 500, 5));
    EXPECT_EQ(a.status, 408);
    EXPECT_TRUE(a.whole);
    EXPECT_TRUE(c.sees_the_end());
    EXPECT_EQ(server.seen.nth(before).end, request_end::bad_request);
    EXPECT_FALSE(server.seen.nth(before).started);
  }
}

TEST(body_timeout, while_a_worker_reads_the_body_is_a_408) {
  live_server server(with(&http::options::body_timeout, 100ms));
  client c = server.connect();
  const auto a = c.ask(part_of_body("/pool/echo", 200'000, 70'000));
  EXPECT_EQ(a.status, 408);
  EXPECT_TRUE(a.whole);
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_EQ(server.seen.nth(0).end, request_end::bad_request);
  EXPECT_EQ(server.at.count("/pool/echo"), 0);
}

// It makes progress all the time, and by far too little.
TEST(body_timeout, is_not_put_off_by_a_client_that_sends_a_little_now_and_then) {
  setup how = with(&http::options::body_timeout, 300ms);
  how.how.body_min_rate = 1 << 30;
  live_server server(how);
  for (const auto& start : {part_of_body("/echo", 60'000, 5), part_of_body("/pool/echo", 60'000, 5),
                            part_of_body("/pool/echo", 2'000'000, 70'000)}) {
    client c = server.connect();
    ASSERT_TRUE(c.send(start));
    const auto limit = http::clock::now() + patience;
    while (!c.readable(20ms) && http::clock::now() < limit) {
      ASSERT_TRUE(c.send("x"));
    }
    EXPECT_EQ(c.receive().status, 408);
  }
  ASSERT_TRUE(server.seen.await_ended(3));
  EXPECT_EQ(server.seen.reached(), (std::map<http::limit, int>{{http::limit::body_time, 3}}));
  EXPECT_EQ(server.at.count("/pool/echo") + server.at.count("/echo"), 0);
}

TEST(deadline, on_the_spot_is_that_of_the_server_unless_the_route_has_one) {
  setup how = with(&http::options::spot_deadline, 200ms);
  how.deadline = 400ms;  // of /deadline/big
  live_server server(how);
  client slow = server.connect();
  EXPECT_EQ(slow.ask(part_of_body("/echo", 500, 5)).status, 504);
  EXPECT_EQ(server.seen.nth(0).end, request_end::deadline);
  for (const auto* path : {"/big?size=15000000", "/deadline/big?size=15000000"}) {
    client c = server.connect(4096);
    ASSERT_TRUE(c.send(get(path)));
    EXPECT_EQ(server.seen.of(path).end, request_end::deadline);
  }
  client other = server.connect();
  EXPECT_EQ(other.ask(get("/pool/fast")).status, 200);
}

TEST(deadline, of_a_running_handler_is_a_504_and_the_connection_is_good_for_more) {  // C31, C42
  live_server server;
  client c = server.connect();
  const auto a = c.ask(get("/deadline/wait", "X-Request-Id: late-1\r\n"));
  EXPECT_EQ(a.status, 504);
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  EXPECT_NE(a.body.find("\"request_id\":\"late-1\""), std::string::npos);
  const auto r = server.seen.nth(0);
  EXPECT_EQ(r.end, request_end::deadline);
  EXPECT_EQ(r.status, 504);
  EXPECT_TRUE(r.started);
  EXPECT_TRUE(r.work_stopped);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST(deadline, does_not_withhold_what_the_handler_answers_after_it) {  // C42
  live_server server;
  client c = server.connect();
  const auto a = c.ask(get("/deadline/late"));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "late\n");
  EXPECT_EQ(server.seen.nth(0).end, request_end::deadline);
}

TEST(deadline, that_unwinds_a_handler_is_a_504_and_not_half_an_answer) {
  live_server server;
  client c = server.connect();
  const auto a = c.ask(get("/deadline/throw"));
  EXPECT_EQ(a.status, 504);
  EXPECT_EQ(a.body.find("half of"), std::string::npos);
  EXPECT_EQ(server.seen.nth(0).end, request_end::deadline);
}

TEST(deadline, in_a_stream_breaks_it_off_without_the_last_chunk) {
  live_server server;
  client c = server.connect();
  const auto a = c.ask(get("/deadline/rows"));
  EXPECT_EQ(a.status, 200);
  EXPECT_FALSE(a.whole);
  EXPECT_FALSE(a.body.empty());
  EXPECT_TRUE(c.sees_the_end());
  const auto r = server.seen.nth(0);
  EXPECT_EQ(r.end, request_end::deadline);
  EXPECT_EQ(r.status, 200);
}

TEST(deadline, passes_while_the_body_is_awaited) {
  live_server server;
  client c = server.connect();
  EXPECT_EQ(c.ask(part_of_body("/deadline/wait", 500, 5)).status, 504);
  EXPECT_EQ(server.seen.nth(0).end, request_end::deadline);
  EXPECT_FALSE(server.seen.nth(0).started);
}

TEST(deadline, passes_while_a_worker_reads_the_body) {
  live_server server;
  client c = server.connect();
  EXPECT_EQ(c.ask(part_of_body("/deadline/wait", 200'000, 70'000)).status, 504);
  EXPECT_EQ(server.seen.nth(0).end, request_end::deadline);
  EXPECT_EQ(server.at.count("/deadline/wait"), 0);
}

TEST(deadline, passes_while_the_client_does_not_read_the_answer_of_the_spot) {
  live_server server;  // whose write_timeout is far longer
  client c = server.connect(4096);
  ASSERT_TRUE(c.send(get("/deadline/big?size=15000000")));
  const auto r = server.seen.nth(0);
  EXPECT_EQ(r.end, request_end::deadline) << r;
}

// Who does not read is given up after write_timeout, and is no success.
class write_timeout : public testing::TestWithParam<std::string> {};

TEST_P(write_timeout, ends_the_request_of_a_client_that_does_not_read_while_others_are_served) {
  // C30
  setup how = with(&http::options::write_timeout, 500ms);
  how.workers = 2;
  live_server server(how);
  client slow = server.connect(4096);
  ASSERT_TRUE(slow.send(get(GetParam())));
  ASSERT_TRUE(slow.readable(patience));
  client other = server.connect();
  EXPECT_EQ(other.ask(get("/fast")).status, 200);
  EXPECT_EQ(other.ask(get("/pool/fast")).status, 200);
  const auto is_slow = [&](const ended_request& r) { return r.target == GetParam(); };
  ASSERT_TRUE(server.seen.await_ended(3));
  const auto all = server.seen.all();
  const auto r = std::find_if(all.begin(), all.end(), is_slow);
  ASSERT_NE(r, all.end());
  EXPECT_EQ(r->end, request_end::client_vanished) << *r;
  EXPECT_EQ(r->status, 499);
  EXPECT_FALSE(r->cause.empty());
  EXPECT_TRUE(eventually([&] { return server.connections() == 1; }));
}

INSTANTIATE_TEST_SUITE_P(of, write_timeout,
                         testing::Values("/big?size=15000000", "/pool/big?size=15000000",
                                         "/pool/rows?size=100000"));

// It is there, as its kernel says, so it has not vanished: a stream of which little is sent fills
// the sockets slowly, and the kernel gives up before the server has waited for room.
TEST(write_timeout, is_the_cause_also_if_the_kernel_gives_up_a_client_that_does_not_read) {
  setup how = with(&http::options::write_timeout, 600s);
  how.how.user_timeout = 2s;
  live_server server(how);
  client slow = server.connect(4096);
  ASSERT_TRUE(slow.send(get("/pool/big?size=15000000")));
  const auto r = server.seen.nth(0);
  EXPECT_EQ(r.end, request_end::client_vanished) << r;
  EXPECT_EQ(r.cause, "client did not read (write timeout): nothing was taken for user_timeout_ms");
}

// It takes a little all the time, and by far too little.
TEST(slow_reader, that_takes_a_little_now_and_then_does_not_hold_its_request_for_ever) {
  setup how = with(&http::options::write_timeout, 300ms);
  how.how.write_min_rate = 1 << 30;
  live_server server(how);
  for (const auto* path :
       {"/big?size=15000000", "/pool/big?size=15000000", "/pool/rows?size=30000"}) {
    client c = server.connect(4096);
    ASSERT_TRUE(c.send(get(path)));
    const auto limit = http::clock::now() + patience;
    std::size_t taken = 0;
    while (!server.seen.has_ended(path) && http::clock::now() < limit && taken < 10'000'000) {
      taken += 100'000;
      static_cast<void>(c.receive_bytes(taken));
      static_cast<void>(c.readable(5ms));
    }
    const auto r = server.seen.of(path);
    EXPECT_EQ(r.end, request_end::client_vanished) << r;
  }
  EXPECT_EQ(server.seen.reached(), (std::map<http::limit, int>{{http::limit::write_time, 3}}));
}

// What the handler has written is sent to a client that has closed its own direction, and still
// not for longer than the deadline.
TEST(slow_reader, half_closed_that_does_not_read_ends_with_the_deadline) {
  setup how;  // whose write_timeout is far longer
  how.more = {[](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = "/deadline/pool/big",
                     .runs_on = &s.many,
                     .deadline = 2s,
                     .answer = [](const context&, const httplib::Request&, httplib::Response& res) {
                       res.set_content(std::string(15'000'000, 'b'), "text/plain");
                     }});
  }};
  live_server server(how);
  client c = server.connect(4096);
  ASSERT_TRUE(c.send(get("/deadline/pool/big")));
  ASSERT_TRUE(c.receive_bytes(1000));
  c.shutdown_write();
  EXPECT_EQ(server.seen.nth(0).end, request_end::client_closed);
  EXPECT_TRUE(server.await_quiet());
}

TEST(slow_reader, that_does_read_gets_everything) {
  live_server server(with(&http::options::write_timeout, 2000ms));
  for (const auto* path : {"/big?size=6000000", "/pool/big?size=6000000"}) {
    const auto before = server.seen.all().size();
    client c = server.connect(16 * 1024);
    const auto a = c.ask(get(path));
    EXPECT_TRUE(a.whole) << path;
    EXPECT_EQ(a.body.size(), 6'000'000U) << path;
    EXPECT_EQ(server.seen.nth(before).end, request_end::completed);
    EXPECT_EQ(c.ask(get("/fast")).status, 200) << "the connection is good for more";
  }
}

TEST(slow_reader, that_leaves_before_the_last_byte_has_not_been_answered) {
  live_server server;
  for (const bool by_reset : {false, true}) {
    for (const auto* path : {"/big?size=15000000", "/pool/big?size=15000000"}) {
      const auto before = server.seen.all().size();
      client c = server.connect(4096);
      ASSERT_TRUE(c.send(get(path)));
      ASSERT_TRUE(c.receive_bytes(1000));
      by_reset ? c.reset() : c.close();
      const auto r = server.seen.nth(before);
      EXPECT_TRUE(http::client_left(r.end)) << r;
      EXPECT_EQ(r.status, 499);
    }
  }
}

TEST(slow_reader, half_closed_still_gets_what_the_handler_has_written) {
  live_server server;
  for (const auto* path : {"/big?size=15000000", "/pool/big?size=15000000"}) {
    const auto before = server.seen.all().size();
    client c = server.connect(4096);
    ASSERT_TRUE(c.send(get(path)));
    ASSERT_TRUE(c.receive_bytes(1000));
    c.shutdown_write();
    EXPECT_TRUE(c.receive().whole);
    EXPECT_EQ(server.seen.nth(before).end, request_end::client_closed);
  }
}

TEST(slow_reader, half_closed_that_does_not_read_costs_no_processor_and_ends_by_the_write_timeout) {
  live_server server(with(&http::options::write_timeout, 500ms));
  client c = server.connect(4096);
  ASSERT_TRUE(c.send(get("/big?size=15000000")));
  ASSERT_TRUE(c.receive_bytes(1000));
  c.shutdown_write();
  const auto before = std::clock();
  EXPECT_TRUE(http::client_left(server.seen.nth(0).end));
  const auto used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.25) << "a thread went round and round";
}

TEST(limits, an_answer_too_large_for_the_spot_is_broken_off) {
  setup how;
  how.how.spot_output = 1 << 20;
  live_server server(how);
  client c = server.connect(4096);
  ASSERT_TRUE(c.send(get("/big?size=15000000")));
  EXPECT_EQ(server.seen.nth(0).end, request_end::failed);
  EXPECT_FALSE(c.receive().whole);
}

TEST(limits, one_connection_too_many_is_told_so_and_closed) {
  setup how;
  how.how.max_connections = 2;
  live_server server(how);
  client a = server.connect();
  client b = server.connect();
  EXPECT_EQ(a.ask(get("/fast")).status, 200);
  EXPECT_EQ(b.ask(get("/fast")).status, 200);
  client c = server.connect();
  const auto told = c.receive();
  EXPECT_EQ(told.status, 503);
  EXPECT_TRUE(told.whole);
  EXPECT_EQ(told.header("content-type"), "application/problem+json");
  EXPECT_EQ(told.header("retry-after"), "1");
  EXPECT_TRUE(c.sees_the_end());
  c.close();
  ASSERT_TRUE(eventually([&] { return server.connections() == 2; }));
  b.close();
  ASSERT_TRUE(eventually([&] { return server.connections() == 1; }));
  client d = server.connect();
  EXPECT_EQ(d.ask(get("/fast")).status, 200);
}

TEST(limits, a_client_that_does_not_close_after_the_last_answer_is_closed) {
  live_server server(with(&http::options::linger_timeout, 100ms));
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/fast", "Connection: close\r\n")).status, 200);
  EXPECT_TRUE(server.await_no_connections());
}

}  // namespace
}  // namespace hangup::wire
