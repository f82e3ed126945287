// A client that leaves ends the context of its request, whatever it has sent that nobody has read,
// and nothing but leaving does. C4 and the like number the cases.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

const std::string five = "hello";

// What a client has sent when it leaves while the handler of /wait runs. Some of it behind the
// request, in the same segment or later, where nobody reads it.
struct sent {
  const char* what;
  std::string request;
  std::string later;
};

std::vector<sent> everything_sent() {
  return {
      {"C1 a GET", get("/wait"), ""},
      {"C4 a small body", post("/wait", five), ""},
      {"C4 a body of a GET, which nobody reads", get("/wait", "Content-Length: 5\r\n") + five, ""},
      {"C7 a chunked body of a GET, which nobody reads",
       get("/wait", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n", ""},
      {"C7 a chunked body",
       "POST /wait HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
       "5\r\nhello\r\n0\r\n\r\n",
       ""},
      {"C11 a second request in the same segment", get("/wait") + get("/fast"), ""},
      {"C12 a second request later", get("/wait"), get("/fast")},
      {"C13 one stray byte later", get("/wait"), "x"},
      {"one stray byte in the same segment", get("/wait") + "x", ""},
      {"half of a second request", get("/wait"), "GET /fast HTT"},
      {"a second request with an incomplete body", get("/wait"), part_of_body("/echo", 500, 5)},
      {"100 more requests",
       [] {
         std::string all = get("/wait");
         for (int i = 0; i < 100; ++i) {
           all += get("/fast");
         }
         return all;
       }(),
       ""},
      {"C20 HEAD", "HEAD /wait HTTP/1.1\r\nHost: test\r\n\r\n", ""},
      {"C21 HTTP/1.0", "GET /wait HTTP/1.0\r\n\r\n", ""},
      {"Connection: close", get("/wait", "Connection: close\r\n"), ""},
  };
}

class hang_up_after : public testing::TestWithParam<std::size_t> {
 protected:
  // Sends, leaves while the handler waits, and returns how the request ended.
  ended_request left(const std::function<void(client&)>& leave) {
    const auto all = everything_sent();
    const auto& s = all[GetParam()];
    SCOPED_TRACE(s.what);
    client c = server_.connect();
    EXPECT_TRUE(c.send(s.request));
    EXPECT_TRUE(server_.at.await("/wait"));
    if (!s.later.empty()) {
      EXPECT_TRUE(c.send(s.later));
    }
    leave(c);
    const auto r = server_.seen.nth(0);
    EXPECT_EQ(r.status, 499);
    EXPECT_TRUE(r.started);
    EXPECT_TRUE(r.context_ended);
    EXPECT_TRUE(r.work_stopped);
    // What stood behind the request is never started.
    EXPECT_TRUE(server_.await_no_connections());
    EXPECT_EQ(server_.seen.began_count(), 1U);
    EXPECT_EQ(server_.at.count("/fast"), 0);
    EXPECT_TRUE(server_.await_quiet());
    return r;
  }

  live_server server_;
};

TEST_P(hang_up_after, a_fin_ends_the_request) {  // C1, C4, C7, C11, C12, C13, C20, C21
  const auto r = left([](client& c) { c.close(); });
  EXPECT_EQ(r.end, request_end::client_closed);
  EXPECT_EQ(r.cause, "client closed (FIN)");
}

TEST_P(hang_up_after, a_reset_ends_the_request) {  // C2, C5, C14
  const auto r = left([](client& c) { c.reset(); });
  EXPECT_EQ(r.end, request_end::client_reset);
}

TEST_P(hang_up_after, a_half_close_ends_the_request_and_nothing_is_written) {  // C3
  const auto r = left([](client& c) {
    c.shutdown_write();
    EXPECT_TRUE(c.sees_the_end());
  });
  EXPECT_EQ(r.end, request_end::client_closed);
}

INSTANTIATE_TEST_SUITE_P(sent, hang_up_after,
                         testing::Range(std::size_t{0}, everything_sent().size()));

TEST(hang_up, a_half_closed_client_gets_the_answer_that_the_handler_does_write) {  // C3
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/late")));
  ASSERT_TRUE(server.at.await("/late"));
  c.shutdown_write();
  const auto a = c.receive();
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "late\n");
  EXPECT_EQ(server.seen.nth(0).end, request_end::client_closed);
}

TEST(hang_up, a_client_that_stays_is_not_taken_for_gone_by_what_it_sends_meanwhile) {  // C48
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  ASSERT_TRUE(c.send(get("/fast")));  // C15
  server.gate.open();
  EXPECT_EQ(c.receive().body, "at last\n");
  EXPECT_EQ(c.receive().body, "fast\n");
  EXPECT_EQ(server.seen.nth(0).end, request_end::completed);
  EXPECT_EQ(server.seen.nth(0).cause, "");
  EXPECT_EQ(server.seen.nth(1).end, request_end::completed);
}

TEST(hang_up, the_second_request_of_a_connection_is_ended_and_the_first_was_completed) {
  live_server server;
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  EXPECT_EQ(server.seen.all().size(), 1U) << "live when its handler began";  // C16
  c.close();
  EXPECT_EQ(server.seen.nth(0).end, request_end::completed);
  EXPECT_EQ(server.seen.nth(1).end, request_end::client_closed);
}

TEST(hang_up, of_one_client_does_not_touch_another) {
  live_server server;
  client stays = server.connect();
  client leaves = server.connect();
  ASSERT_TRUE(stays.send(get("/stubborn")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  ASSERT_TRUE(leaves.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  leaves.close();
  EXPECT_EQ(server.seen.nth(0).target, "/wait");
  for (const auto& r : server.server.in_flight()) {
    EXPECT_FALSE(r.context_ended.has_value() && r.target != "/wait")
        << r.target;  // which is on its way out
  }
  server.gate.open();
  EXPECT_EQ(stays.receive().status, 200);
}

TEST(hang_up, on_a_handler_that_does_not_look_is_reported_as_a_late_stopper_until_it_is_over) {
  setup how;
  how.how.late_after = 10ms;
  live_server server(how);
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  EXPECT_TRUE(server.seen.late_stops().empty());
  c.close();
  ASSERT_TRUE(server.seen.await_late(1));
  ASSERT_EQ(server.server.in_flight().size(), 1U);
  EXPECT_TRUE(server.server.in_flight().front().late);
  server.gate.open();
  ASSERT_TRUE(server.seen.await_late(2));
  const auto told = server.seen.late_stops();
  EXPECT_EQ(told[0].target, "/stubborn");
  EXPECT_EQ(told[0].cause, "client closed (FIN)");
  EXPECT_GE(told[0].since, 10ms);
  EXPECT_FALSE(told[0].over);
  EXPECT_TRUE(told[1].over);
  EXPECT_EQ(server.seen.nth(0).end, request_end::client_closed);
}

TEST(hang_up, on_a_handler_that_stops_at_once_is_no_late_stopper) {
  live_server server;
  for (std::size_t i = 0; i < 20; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/wait")));
    ASSERT_TRUE(server.at.await("/wait", static_cast<int>(i) + 1));
    c.close();
    EXPECT_EQ(server.seen.nth(i).end, request_end::client_closed);
  }
  EXPECT_TRUE(server.seen.late_stops().empty());
  EXPECT_TRUE(eventually([] { return tree::armed_timers() == 0; })) << tree::armed_timers();
}

TEST(hang_up, gives_the_worker_to_the_next) {
  live_server server;
  client first = server.connect();
  ASSERT_TRUE(first.send(get("/one/wait")));
  ASSERT_TRUE(server.at.await("/one/wait"));
  client second = server.connect();
  ASSERT_TRUE(second.send(get("/one/fast")));
  first.close();
  EXPECT_EQ(second.receive().body, "fast\n");
}

TEST(hang_up, while_the_body_is_awaited_is_never_started) {  // C6
  live_server server;
  const int n = rounds(300);
  for (int i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(part_of_body("/wait", 500, 5)));
    ASSERT_TRUE(server.seen.await_began(static_cast<std::size_t>(i) + 1));
    c.close();
    const auto r = server.seen.nth(static_cast<std::size_t>(i));
    ASSERT_EQ(r.end, request_end::client_closed) << "round " << i;
    EXPECT_EQ(r.status, 499);
    EXPECT_FALSE(r.started);
  }
  EXPECT_EQ(server.at.count("/wait"), 0);
}

TEST(hang_up, by_reset_while_the_body_is_awaited_is_called_a_reset) {  // C6
  live_server server;
  const int n = rounds(1000);
  for (int i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(part_of_body("/wait", 500, 5)));
    ASSERT_TRUE(server.seen.await_began(static_cast<std::size_t>(i) + 1));
    c.reset();
    const auto r = server.seen.nth(static_cast<std::size_t>(i));
    ASSERT_EQ(r.end, request_end::client_reset) << "round " << i;
    EXPECT_FALSE(r.started);
  }
  EXPECT_EQ(server.at.count("/wait"), 0);
}

// A body larger than body_buffer is read by a worker: it is the worker that misses the rest of it.
TEST(hang_up, while_a_worker_reads_a_large_body_ends_the_request_and_the_handler_is_never_called) {
  // C10
  live_server server;
  const int n = rounds(300);
  for (int i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(part_of_body("/pool/echo", 200'000, 70'000)));
    ASSERT_TRUE(eventually([&] { return server.many.now().running == 1; }));
    c.close();
    const auto r = server.seen.nth(static_cast<std::size_t>(i));
    ASSERT_EQ(r.end, request_end::client_closed) << "round " << i << ": " << r;
    EXPECT_EQ(r.status, 499);
    ASSERT_TRUE(server.await_quiet());
  }
  EXPECT_EQ(server.at.count("/pool/echo"), 0);
}

TEST(hang_up, by_reset_while_a_worker_reads_a_large_body_is_called_a_reset) {  // C10
  live_server server;
  const int n = rounds(300);
  for (int i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(part_of_body("/pool/echo", 200'000, 70'000)));
    ASSERT_TRUE(eventually([&] { return server.many.now().running == 1; }));
    c.reset();
    const auto r = server.seen.nth(static_cast<std::size_t>(i));
    ASSERT_EQ(r.end, request_end::client_reset) << "round " << i << ": " << r;
    EXPECT_EQ(r.status, 499);
    ASSERT_TRUE(server.await_quiet());
  }
}

TEST(hang_up, a_half_closed_client_whose_large_body_is_incomplete_is_sent_nothing) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(part_of_body("/pool/echo", 200'000, 70'000)));
  ASSERT_TRUE(eventually([&] { return server.many.now().running == 1; }));
  c.shutdown_write();
  EXPECT_EQ(c.receive_rest(), "");
  EXPECT_EQ(server.seen.nth(0).end, request_end::client_closed);
}

TEST(hang_up, before_the_body_that_100_continue_asks_for_is_never_started) {  // C22, C23
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(
      c.send("POST /wait HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n"
             "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(c.receive().status, 100);
  c.close();
  const auto r = server.seen.nth(0);
  EXPECT_EQ(r.end, request_end::client_closed);
  EXPECT_FALSE(r.started);
}

TEST(hang_up, before_the_first_byte_or_within_a_head_is_no_request) {  // C19
  live_server server;
  for (const std::string text : {"", "\r\n", "G", "GET /wait HTTP/1.1\r\nHost: t"}) {
    client half = server.connect();
    ASSERT_TRUE(half.send(text));
    half.shutdown_write();
    EXPECT_TRUE(half.sees_the_end()) << text;
    client gone = server.connect();
    ASSERT_TRUE(gone.send(text));
    gone.close();
    client reset = server.connect();
    ASSERT_TRUE(reset.send(text));
    reset.reset();
  }
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.began_count(), 0U);
}

class hang_up_of_stream : public testing::TestWithParam<bool> {};

TEST_P(hang_up_of_stream, stops_the_rows) {  // C25, C27
  live_server server;
  for (const std::string behind : {"", "x", "GET /fast HTTP/1.1\r\nHost: test\r\n\r\n"}) {
    const auto before = server.seen.all().size();
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/pool/rows")));
    ASSERT_TRUE(c.receive_bytes(500));
    ASSERT_TRUE(c.send(behind));
    GetParam() ? c.reset() : c.close();
    const auto r = server.seen.nth(before);
    // A client that leaves without having read everything resets by closing.
    EXPECT_TRUE(r.end == request_end::client_reset ||
                (!GetParam() && r.end == request_end::client_closed))
        << r;
    EXPECT_EQ(r.status, 499);
    EXPECT_TRUE(r.work_stopped);
    EXPECT_TRUE(server.await_no_connections());
    EXPECT_EQ(server.seen.began_count(), before + 1);
  }
  EXPECT_TRUE(server.at.await("/pool/rows over", 3));
}

INSTANTIATE_TEST_SUITE_P(by, hang_up_of_stream, testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "reset" : "close");
});

TEST(hang_up, a_half_close_stops_the_rows_and_breaks_the_answer_off) {  // C26
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/pool/rows")));
  ASSERT_TRUE(c.receive_bytes(500));
  c.shutdown_write();
  const auto a = c.receive();
  EXPECT_EQ(a.status, 200);
  EXPECT_FALSE(a.whole);
  EXPECT_EQ(server.seen.nth(0).end, request_end::client_closed);
}

TEST(hang_up, of_a_client_that_does_not_read_stops_a_blocked_write) {  // C28
  live_server server;
  for (const bool by_reset : {false, true}) {
    const auto before = server.seen.all().size();
    client c = server.connect(4096);
    ASSERT_TRUE(c.send(get("/pool/rows?size=100000")));
    ASSERT_TRUE(c.receive_bytes(1));
    by_reset ? c.reset() : c.close();
    EXPECT_TRUE(http::client_left(server.seen.nth(before).end));
  }
}

TEST(hang_up, by_reset_is_seen_behind_more_than_the_receive_window_takes) {  // C8
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  const std::string much(1 << 20, 'x');
  while (c.send_some(much) > 0) {
  }
  c.reset();
  EXPECT_EQ(server.seen.nth(0).end, request_end::client_reset);
}

// To leave after the last byte is not a cancellation, however soon it happens.
class left_after : public testing::TestWithParam<std::string> {};

TEST_P(left_after, the_last_byte_is_completed) {  // C17
  live_server server;
  const bool large = GetParam().find("size") != std::string::npos;
  const auto n = static_cast<std::size_t>(rounds(large ? 100 : 700));
  for (std::size_t i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get(GetParam())));
    ASSERT_TRUE(c.receive().whole);
    i % 2 == 0 ? c.close() : c.reset();
  }
  ASSERT_TRUE(server.seen.await_ended(n));
  for (const auto& r : server.seen.all()) {
    ASSERT_EQ(r.end, request_end::completed) << r;
    ASSERT_EQ(r.status, 200);
    ASSERT_EQ(r.cause, "");
  }
  EXPECT_TRUE(server.await_no_connections());
}

INSTANTIATE_TEST_SUITE_P(of, left_after,
                         testing::Values("/fast", "/pool/fast", "/pool/rows?n=3",
                                         "/pool/big?size=300000", "/big?size=3000000"));

// The server may see the request first, or that the client has left: it ends once, either way.
TEST(hang_up, in_one_breath_with_the_request_ends_it_once) {  // C18
  live_server server;
  const int n = rounds(500);
  for (int i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/wait")));
    c.close();
    const auto r = server.seen.nth(static_cast<std::size_t>(i));
    ASSERT_EQ(r.end, request_end::client_closed);
    ASSERT_EQ(r.status, 499);
  }
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.began_count(), static_cast<std::size_t>(n));
}

TEST(hang_up, by_reset_in_one_breath_with_the_request_leaves_nothing_behind) {
  setup how;
  how.queue = 1000;  // none is rejected
  live_server server(how);
  const int n = rounds(500);
  for (int i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get(i % 2 == 0 ? "/wait" : "/pool/rows")));
    c.reset();
  }
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_TRUE(server.await_quiet());
  for (const auto& r : server.seen.all()) {
    EXPECT_EQ(r.end, request_end::client_reset) << r;
  }
}

// The reset may be met by the answer before the watcher has heard of it. It is a reset all the
// same, not a failure of the server.
TEST(hang_up, by_reset_that_the_answer_meets_first_is_not_a_failure) {
  setup how;
  how.queue_of_one = 0;
  live_server server(how);
  client busy = server.connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  const int n = rounds(1000);
  for (int i = 0; i < n; ++i) {
    for (const auto* path : {"/fast", "/nothing", "/one/fast", "/rows?n=2", "/pool/fast"}) {
      client c = server.connect();
      ASSERT_TRUE(c.send(get(path)));
      c.reset();
    }
  }
  EXPECT_TRUE(eventually([&] { return server.connections() == 1; })) << server.left();
  std::size_t failed = 0;
  for (const auto& r : server.seen.all()) {
    failed += r.end == request_end::failed ? 1 : 0;
  }
  EXPECT_EQ(failed, 0U) << "of " << server.seen.all().size();
}

// The answer to a request whose client has left is not sent, and so the next does not get it.
TEST(hang_up, of_a_request_never_reaches_the_next_one_on_the_same_descriptor) {  // C16
  live_server server;
  const int n = rounds(200);
  for (int i = 0; i < n; ++i) {
    client gone = server.connect();
    ASSERT_TRUE(gone.send(get("/wait")));
    gone.close();  // the descriptor of its connection is the next one's
    client c = server.connect();
    const auto a = c.ask(get("/pool/fast"));
    ASSERT_EQ(a.status, 200);
    ASSERT_EQ(a.body, "fast\n");
    ASSERT_TRUE(c.send(get("/pool/fast")));
    ASSERT_EQ(c.receive().status, 200);
  }
  ASSERT_TRUE(server.seen.await_ended(static_cast<std::size_t>(3 * n)));
  EXPECT_EQ(server.seen.count(request_end::completed), static_cast<std::size_t>(2 * n));
}

// Connections are dealt out to the loops in turn.
TEST(event_loops, each_serve_their_connections_and_hear_that_they_leave) {
  setup how;
  how.workers = 9;
  how.how.front_threads = 2;
  how.how.front_loops = 3;  // and so as many threads
  live_server server(how);
  std::vector<client> clients;
  for (int i = 0; i < 9; ++i) {
    clients.push_back(server.connect());
  }
  for (int round = 0; round < 3; ++round) {
    for (auto& c : clients) {
      EXPECT_EQ(c.ask(get("/fast")).status, 200);
      EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
    }
  }
  for (auto& c : clients) {
    ASSERT_TRUE(c.send(get("/wait")));
  }
  ASSERT_TRUE(server.at.await("/wait", 9));
  for (auto& c : clients) {
    c.close();
  }
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(server.seen.nth(9 * 6 + i).end, request_end::client_closed);
  }
  EXPECT_TRUE(server.await_no_connections());
}

}  // namespace
}  // namespace hangup::wire
