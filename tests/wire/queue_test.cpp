// Requests that wait for a worker: a connection each, no thread; who leaves is never started.
#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <vector>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

// The one worker of the pool "one" is busy until the gate opens.
class a_busy_worker : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(first_.send(get("/one/stubborn")));
    ASSERT_TRUE(server_.at.await("/one/stubborn"));
  }
  // A client whose request waits.
  client queued(std::string_view request) {
    const auto before = server_.one.now().queued;
    client c = server_.connect();
    EXPECT_TRUE(c.send(request));
    EXPECT_TRUE(eventually([&] { return server_.one.now().queued == before + 1; }));
    return c;
  }

  live_server server_;
  client first_ = server_.connect();
};

class leaving_while_queued : public a_busy_worker {
 protected:
  ended_request left(const std::string& behind, const std::function<void(client&)>& leave) {
    client c = queued(get("/one/wait") + behind);
    leave(c);
    const auto r = server_.seen.nth(0);  // at once: the worker is still busy
    EXPECT_EQ(server_.one.now().running, 1U);
    EXPECT_FALSE(r.started);
    EXPECT_FALSE(r.work_stopped) << "there was no work";
    EXPECT_EQ(r.status, 499);
    EXPECT_EQ(server_.one.now().dropped, 1U);
    EXPECT_EQ(server_.one.now().queued, 0U);
    EXPECT_EQ(server_.one.now().rejected, 0U);
    server_.gate.open();
    EXPECT_EQ(first_.receive().status, 200);
    EXPECT_TRUE(server_.await_quiet());
    EXPECT_EQ(server_.at.count("/one/wait"), 0);
    EXPECT_EQ(server_.at.count("/fast"), 0);
    EXPECT_EQ(server_.seen.began_count(), 2U);
    return r;
  }
};

TEST_F(leaving_while_queued, by_fin_is_never_started) {  // C18
  EXPECT_EQ(left("", [](client& c) { c.close(); }).end, request_end::client_closed);
}

TEST_F(leaving_while_queued, by_reset_is_never_started) {  // C18
  EXPECT_EQ(left("", [](client& c) { c.reset(); }).end, request_end::client_reset);
}

TEST_F(leaving_while_queued, by_half_close_is_never_started_and_nothing_is_written) {
  const auto r = left("", [](client& c) {
    c.shutdown_write();
    EXPECT_TRUE(c.sees_the_end());
  });
  EXPECT_EQ(r.end, request_end::client_closed);
}

TEST_F(leaving_while_queued, with_a_second_request_behind_starts_neither) {  // C18
  EXPECT_EQ(left(get("/fast"), [](client& c) { c.close(); }).end, request_end::client_closed);
}

TEST_F(leaving_while_queued, with_a_stray_byte_behind_is_never_started) {
  EXPECT_EQ(left("x", [](client& c) { c.reset(); }).end, request_end::client_reset);
}

TEST_F(a_busy_worker, frees_the_place_of_who_left_the_queue) {
  client a = queued(get("/one/fast"));
  client b = queued(get("/one/fast"));  // the queue is full: it takes two
  b.close();
  EXPECT_EQ(server_.seen.nth(0).end, request_end::client_closed);
  client c = queued(get("/one/fast"));
  server_.gate.open();
  EXPECT_EQ(a.receive().status, 200);
  EXPECT_EQ(c.receive().status, 200);
  EXPECT_EQ(server_.at.count("/one/fast"), 2);
}

TEST_F(a_busy_worker, with_a_full_queue_rejects_at_once_and_says_when_to_come_back) {
  client a = queued(get("/one/fast"));
  client b = queued(get("/one/fast"));
  client c = server_.connect();
  const auto rejected = c.ask(get("/one/fast", "X-Request-Id: full-1\r\n"));  // nobody else is done
  EXPECT_EQ(rejected.status, 503);
  EXPECT_EQ(rejected.header("retry-after"), "1");
  EXPECT_EQ(rejected.header("content-type"), "application/problem+json");
  EXPECT_EQ(rejected.header("x-request-id"), "full-1");
  EXPECT_NE(rejected.body.find("\"status\":503"), std::string::npos);
  const auto r = server_.seen.nth(0);
  EXPECT_EQ(r.end, request_end::rejected);
  EXPECT_FALSE(r.started);
  EXPECT_EQ(server_.one.now().rejected, 1U);
  EXPECT_EQ(c.ask(get("/fast")).status, 200) << "its connection is good for more";
  server_.gate.open();
  EXPECT_EQ(a.receive().status, 200);
  EXPECT_EQ(b.receive().status, 200);
}

TEST_F(a_busy_worker, with_a_full_queue_does_not_hold_up_other_routes) {
  client a = queued(get("/one/fast"));
  client b = queued(get("/one/fast"));
  client other = server_.connect();
  EXPECT_EQ(other.ask(get("/fast")).status, 200);
  EXPECT_EQ(other.ask(get("/pool/fast")).status, 200);
}

TEST_F(a_busy_worker, takes_the_next_in_the_order_in_which_they_came) {
  client a = queued(get("/one/fast?a"));
  client b = queued(get("/one/fast?b"));
  server_.gate.open();
  EXPECT_EQ(b.receive().status, 200);
  EXPECT_EQ(a.receive().status, 200);
  EXPECT_EQ(server_.seen.nth(0).target, "/one/stubborn");
  EXPECT_EQ(server_.seen.nth(1).target, "/one/fast?a");
  EXPECT_EQ(server_.seen.nth(2).target, "/one/fast?b");
}

TEST_F(a_busy_worker, a_deadline_in_the_queue_is_a_504_and_its_connection_is_good_for_more) {
  client c = server_.connect();
  const auto a = c.ask(get("/deadline/one"));
  EXPECT_EQ(a.status, 504);
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  const auto r = server_.seen.nth(0);
  EXPECT_EQ(r.end, request_end::deadline);
  EXPECT_EQ(r.status, 504);
  EXPECT_FALSE(r.started);
  EXPECT_EQ(server_.one.now().dropped, 1U);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_EQ(server_.at.count("/deadline/one"), 0);
}

TEST_F(a_busy_worker, a_deadline_in_the_queue_leaves_the_pipelined_request_to_be_answered) {
  client c = server_.connect();
  ASSERT_TRUE(c.send(get("/deadline/one") + get("/fast")));
  EXPECT_EQ(c.receive().status, 504);
  EXPECT_EQ(c.receive().body, "fast\n");
}

TEST_F(a_busy_worker, who_waits_when_the_server_stops_gets_a_503) {
  client c = queued(get("/one/wait"));
  std::error_code drained;
  std::thread stopping([&] {
    const auto [now, cancel] = with_timeout(background(), 0s);
    drained = server_.server.drain(now, patience);
  });
  const auto a = c.receive();
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_EQ(server_.seen.nth(0).end, request_end::shutdown);
  EXPECT_FALSE(server_.seen.nth(0).started);
  server_.gate.open();
  stopping.join();
  EXPECT_FALSE(drained) << drained.message();
}

TEST(a_queue, of_hundreds_is_emptied_at_once_when_all_of_them_leave) {
  setup how;
  how.queue_of_one = 400;
  live_server server(how);
  client first = server.connect();
  ASSERT_TRUE(first.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  const auto before = threads();
  std::vector<client> all;
  for (int i = 0; i < 400; ++i) {
    all.push_back(server.connect());
    ASSERT_TRUE(all.back().send(get("/one/wait") + (i % 3 == 0 ? "x" : "")));
  }
  ASSERT_TRUE(eventually([&] { return server.one.now().queued == 400; }));
  EXPECT_EQ(threads(), before) << "who waits for a worker has no thread";
  EXPECT_EQ(server.connections(http::phase::queued), 400U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    i % 2 == 0 ? all[i].close() : all[i].reset();
  }
  ASSERT_TRUE(server.seen.await_ended(400));  // while the worker is busy
  EXPECT_EQ(server.seen.count(request_end::client_closed), 200U);
  EXPECT_EQ(server.seen.count(request_end::client_reset), 200U);
  EXPECT_EQ(server.one.now().dropped, 400U);
  EXPECT_EQ(server.one.now().queued, 0U);
  server.gate.open();
  EXPECT_EQ(first.receive().status, 200);
  EXPECT_EQ(server.at.count("/one/wait"), 0);
}

// The deadline drops a request from the queue on the timer thread, while the watcher reads ahead
// what its client goes on sending: nothing of the connection may be touched by both.
TEST(a_queue, is_left_by_deadlines_while_clients_go_on_sending) {
  setup how;
  how.deadline = 5ms;
  how.queue_of_one = 64;
  live_server server(how);
  client first = server.connect();
  ASSERT_TRUE(first.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&server] {
      client c = server.connect();
      for (int round = 0; round < 30; ++round) {
        ASSERT_TRUE(c.send(get("/deadline/one")));
        int behind = 0;
        do {  // each a segment of its own: some come before the request has its place
          ASSERT_TRUE(c.send(get("/fast")));
          ++behind;
        } while (!c.readable(2ms));
        ASSERT_EQ(c.receive().status, 504);
        for (; behind > 0; --behind) {
          ASSERT_EQ(c.receive().body, "fast\n");
        }
      }
    });
  }
  for (auto& t : clients) {
    t.join();
  }
  EXPECT_EQ(server.seen.count(request_end::deadline), 120U);
  server.gate.open();
  EXPECT_EQ(first.receive().status, 200);
}

// Leaving just as a worker comes free: it is started or it is not, and it ends once.
TEST(a_queue, that_is_left_while_a_worker_comes_free_ends_each_request_once) {
  setup how;
  how.queue_of_one = 64;
  live_server server(how);
  const int n = rounds(300);
  for (int i = 0; i < n; ++i) {
    client running = server.connect();
    ASSERT_TRUE(running.send(get("/one/wait")));
    client waiting = server.connect();
    ASSERT_TRUE(waiting.send(get("/one/wait")));
    running.close();
    i % 2 == 0 ? waiting.close() : waiting.reset();
  }
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_TRUE(server.await_quiet());
  // The next may have come before the server has heard that the last have left: it was rejected.
  const auto all = server.seen.all();
  EXPECT_EQ(std::count_if(all.begin(), all.end(),
                          [](const auto& r) {
                            return !http::client_left(r.end) && r.end != request_end::rejected;
                          }),
            0);
}

TEST(a_saturated_pool, slows_neither_the_fast_routes_nor_another_pool) {
  setup how;
  how.queue = 4;
  live_server server(how);
  std::vector<client> waiting;
  for (std::size_t i = 0; i < how.workers + how.queue; ++i) {
    waiting.push_back(server.connect());
    ASSERT_TRUE(waiting.back().send(get("/stubborn")));
  }
  ASSERT_TRUE(server.at.await("/stubborn", static_cast<int>(how.workers)));
  ASSERT_TRUE(eventually([&] { return server.many.now().queued == how.queue; }));

  client fast = server.connect();
  client other = server.connect();
  for (int i = 0; i < rounds(1000); ++i) {
    ASSERT_EQ(fast.ask(get("/fast")).status, 200);
    ASSERT_EQ(other.ask(get("/one/fast")).status, 200);
    ASSERT_EQ(fast.ask(get("/pool/fast")).status, 503);
  }
  EXPECT_EQ(server.many.now().running, how.workers);
  EXPECT_EQ(server.many.now().queued, how.queue);
  server.gate.open();
  for (auto& c : waiting) {
    EXPECT_EQ(c.receive().body, "at last\n");
  }
}

}  // namespace
}  // namespace hangup::wire
