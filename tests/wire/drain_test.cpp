// The server stops: what is in flight may finish, what is not stops, nobody is left without an
// answer that could have had one.
#include <gtest/gtest.h>

#include <future>
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

// drain() on a thread of its own, with a context that the test ends.
class draining {
 public:
  explicit draining(live_server& s, std::chrono::milliseconds stop_patience = patience)
      : server_(s), result_(std::async(std::launch::async, [this, stop_patience] {
          return server_.server.drain(own_.ctx, stop_patience);
        })) {
    EXPECT_TRUE(eventually([&] { return server_.server.draining(); }));
  }
  void no_more_patience() { own_.cancel(); }
  bool over() { return result_.wait_for(0s) == std::future_status::ready; }
  std::error_code result() {
    EXPECT_EQ(result_.wait_for(2 * patience), std::future_status::ready);
    return result_.get();
  }

 private:
  live_server& server_;
  const cancelable own_ = with_cancel(background());
  std::future<std::error_code> result_;
};

TEST(drain, of_an_idle_server_is_over_at_once_and_closes_its_connections) {  // C33
  live_server server;
  client fresh = server.connect();
  client kept = server.connect();
  EXPECT_EQ(kept.ask(get("/fast")).status, 200);
  ASSERT_TRUE(eventually([&] { return server.connections() == 2; }));
  EXPECT_FALSE(server.server.draining());
  EXPECT_FALSE(server.server.drain(background(), patience));
  EXPECT_TRUE(server.server.draining());
  EXPECT_TRUE(fresh.sees_the_end());
  EXPECT_TRUE(kept.sees_the_end());
  EXPECT_EQ(server.connections(), 0U);
  EXPECT_FALSE(server.server.drain(background(), patience)) << "the second does nothing";
}

TEST(drain, lets_requests_finish_and_refuses_new_clients) {  // C33
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  draining d(server);
  EXPECT_TRUE(eventually([&] { return !server.connect().connected(); }));
  EXPECT_FALSE(d.over());
  server.gate.open();
  const auto a = c.receive();
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "at last\n");
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_FALSE(d.result());
  EXPECT_EQ(server.seen.nth(0).end, request_end::completed);
}

// It waits for the event, it does not look again and again; who sends nothing holds nothing up.
TEST(drain, returns_as_soon_as_the_last_request_has_ended) {  // C33
  auto best = http::clock::duration::max();
  for (int i = 0; i < 10; ++i) {
    live_server server;
    client idle = server.connect();
    EXPECT_EQ(idle.ask(get("/fast")).status, 200);
    client silent = server.connect();
    client half = server.connect();
    ASSERT_TRUE(half.send("GET /fast HT"));
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/stubborn")));
    ASSERT_TRUE(server.at.await("/stubborn"));
    ASSERT_TRUE(eventually([&] { return server.connections() == 4; }));
    draining d(server);
    EXPECT_FALSE(d.over());
    const auto begin = http::clock::now();
    server.gate.open();
    EXPECT_FALSE(d.result());
    best = std::min(best, http::clock::now() - begin);
    EXPECT_EQ(c.receive().status, 200);
    EXPECT_TRUE(half.sees_the_end());
  }
  std::cout << "drain() returned " << std::chrono::duration<double, std::micro>(best).count()
            << " us after the gate was opened, at best of ten times\n";
  EXPECT_LT(best, sanitized ? 100ms : 5ms);
}

TEST(drain, closes_connections_that_may_be_idle_for_ever) {
  http::options how;
  how.idle_timeout = how.head_timeout = how.body_timeout = std::chrono::milliseconds::max();
  live_server server({.how = how});
  client idle = server.connect();
  EXPECT_EQ(idle.ask(get("/fast")).status, 200);
  client in_body = server.connect();
  ASSERT_TRUE(in_body.send(part_of_body("/pool/echo", 100, 50)));
  ASSERT_TRUE(eventually([&] { return server.connections(http::phase::reading) == 1; }));
  const auto at_once = with_timeout(background(), 0s);
  EXPECT_FALSE(server.server.drain(at_once.ctx, patience));
  EXPECT_TRUE(idle.sees_the_end());
  EXPECT_EQ(in_body.receive().status, 503);
}

TEST(drain, answers_who_is_connected_already_and_closes) {
  live_server server;
  client busy = server.connect();
  ASSERT_TRUE(busy.send(get("/stubborn")));
  client kept = server.connect();
  EXPECT_EQ(kept.ask(get("/fast")).status, 200);
  ASSERT_TRUE(server.at.await("/stubborn"));
  draining d(server);
  const auto a = kept.ask(get("/pool/fast"));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_TRUE(kept.sees_the_end());
  server.gate.open();
  EXPECT_EQ(busy.receive().status, 200);
  EXPECT_FALSE(d.result());
}

// Else a proxy's next request on it meets a connection that is just closed, and is lost.
TEST(drain, does_not_close_a_connection_whose_answer_has_not_said_so) {  // C33
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/stubborn/rows")));
  ASSERT_TRUE(c.receive_bytes(1));  // of the head, which promises to go on
  server.server.announce_drain();
  server.gate.open();
  const auto a = c.receive();
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "first\nlast\n");
  EXPECT_EQ(a.header("connection"), "");
  const auto b = c.ask(get("/fast"));
  EXPECT_EQ(b.status, 200);
  EXPECT_EQ(b.header("connection"), "close");
  EXPECT_TRUE(c.sees_the_end());
}

TEST(drain, still_serves_new_clients_while_it_is_only_announced) {  // C33
  live_server server;
  server.server.announce_drain();
  EXPECT_TRUE(server.server.draining());
  client c = server.connect();
  const auto a = c.ask(get("/pool/fast"));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_FALSE(server.server.drain(background(), patience));
  EXPECT_FALSE(server.connect().connected());
}

TEST(drain, ends_what_is_left_with_a_503_when_its_patience_is_over) {  // C33
  live_server server;
  client waiting = server.connect();
  ASSERT_TRUE(waiting.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  client rows = server.connect();
  ASSERT_TRUE(rows.send(get("/pool/rows")));
  ASSERT_TRUE(rows.receive_bytes(500));
  client body = server.connect();
  ASSERT_TRUE(body.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 500\r\n\r\nhello"));
  client head = server.connect();
  ASSERT_TRUE(head.send("GET /fast HT"));
  ASSERT_TRUE(server.seen.await_began(3));
  ASSERT_TRUE(eventually([&] { return server.connections(http::phase::reading) == 2; }));
  draining d(server);
  EXPECT_FALSE(d.over());
  d.no_more_patience();

  const auto a = waiting.receive();
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.header("retry-after"), "1");
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  EXPECT_TRUE(a.whole);
  EXPECT_TRUE(waiting.sees_the_end());
  EXPECT_FALSE(rows.receive().whole);
  EXPECT_TRUE(head.sees_the_end());
  EXPECT_FALSE(d.result());
  ASSERT_TRUE(server.seen.await_ended(3));
  EXPECT_EQ(server.seen.count(request_end::shutdown), 3U);
  EXPECT_EQ(body.receive().status, 503);
}

TEST(drain, ends_a_client_that_does_not_read_its_answer) {  // C29
  for (const auto* path : {"/big?size=15000000", "/pool/rows?size=100000"}) {
    live_server each;
    client c = each.connect(4096);
    ASSERT_TRUE(c.send(get(path)));
    ASSERT_TRUE(c.receive_bytes(1000));
    draining d(each);
    d.no_more_patience();
    EXPECT_FALSE(d.result());
    EXPECT_EQ(each.seen.nth(0).end, request_end::shutdown) << each.seen.nth(0);
  }
}

// Its context has ended with the FIN, and what its handler writes is sent still.
TEST(drain, ends_a_client_that_has_half_closed_and_does_not_read_its_answer) {
  live_server server;
  client c = server.connect(4096);
  ASSERT_TRUE(c.send(get("/pool/big?size=15000000")));
  ASSERT_TRUE(c.receive_bytes(1000));
  c.shutdown_write();
  ASSERT_TRUE(eventually([&] {
    const auto all = server.server.in_flight();
    return all.size() == 1 && all.front().context_ended.has_value();
  }));
  draining d(server);
  d.no_more_patience();
  EXPECT_FALSE(d.result());
  EXPECT_EQ(server.seen.nth(0).end, request_end::client_closed) << server.seen.nth(0);
}

TEST(drain, says_timed_out_when_a_handler_ignores_its_context) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  const auto [now, cancel] = with_timeout(background(), 0s);
  EXPECT_EQ(server.server.drain(now, 100ms), errc::deadline_exceeded);
  ASSERT_EQ(server.server.in_flight().size(), 1U);
  EXPECT_TRUE(server.server.in_flight().front().context_ended.has_value());
  server.gate.open();
  EXPECT_EQ(c.receive().body, "at last\n") << "what it does write is not withheld";
  EXPECT_EQ(server.seen.nth(0).end, request_end::shutdown);
}

TEST(drain, frees_the_port) {
  std::uint16_t port = 0;
  {
    live_server first;
    port = first.server.port();
    http::server second;
    EXPECT_EQ(second.start("127.0.0.1", port), std::errc::address_in_use);
    client c = first.connect();
    EXPECT_EQ(c.ask(get("/fast")).status, 200);
  }
  http::server third;
  EXPECT_EQ(third.start("127.0.0.1", port), std::error_code());
}

TEST(drain, at_any_moment_leaves_no_request_without_its_end) {
  for (int i = 0; i < rounds(30); ++i) {
    live_server server;  // which checks the sums at its end
    std::atomic<bool> stop{false};
    std::vector<std::thread> clients;
    for (int t = 0; t < 3; ++t) {
      clients.emplace_back([&, t] {
        const std::vector<std::string> asked = {get("/fast"), get("/pool/fast") + get("/fast"),
                                                get("/pool/rows?n=2")};
        while (!stop) {
          client c = server.connect();
          for (int k = 0; k < 5 && c.connected(); ++k) {
            if (!c.send(asked[static_cast<std::size_t>(t)]) || c.receive().status == 0) {
              break;
            }
          }
        }
      });
    }
    EXPECT_TRUE(server.seen.await_ended(static_cast<std::size_t>(i % 20)));
    const auto [soon, cancel] = with_timeout(background(), i % 2 == 0 ? 0ms : 1000ms);
    EXPECT_FALSE(server.server.drain(soon, patience));
    EXPECT_EQ(server.connections(), 0U);
    stop = true;
    for (auto& t : clients) {
      t.join();
    }
  }
}

// The threads of pools outlive the server. None may touch it once its destructor has returned.
TEST(destruction, just_after_the_last_connection_is_closed_by_a_worker_is_clean) {
  pool workers({.name = "workers", .workers = 4, .queue = 64});
  for (int i = 0; i < rounds(1000); ++i) {
    auto server = std::make_unique<http::server>();
    server->handle({.method = "GET",
                    .path = "/",
                    .runs_on = &workers,
                    .answer = [](const context&, const httplib::Request&, httplib::Response& res) {
                      res.set_content("x", "text/plain");
                    }});
    ASSERT_EQ(server->start("127.0.0.1", 0), std::error_code());
    std::vector<client> clients;
    for (int k = 0; k < 3; ++k) {
      clients.emplace_back(server->port());
      ASSERT_TRUE(clients.back().send(get("/")));
    }
    ASSERT_EQ(clients[0].receive().status, 200);
    clients[0].close();
    clients[1].close();
    server.reset();
  }
}

// Connections are accepted on one thread while another closes them all.
TEST(destruction, while_the_first_client_connects_is_clean) {
  for (int i = 0; i < rounds(2000); ++i) {
    auto server = std::make_unique<http::server>();
    ASSERT_EQ(server->start("127.0.0.1", 0), std::error_code());
    client c(server->port());
    server.reset();
    EXPECT_TRUE(c.sees_the_end() || c.how_it_ended() == ending::reset);
  }
}

TEST(destruction, ends_every_request_with_cause_shutdown) {  // C34
  pool workers({.name = "workers", .workers = 1, .queue = 8});
  recorder seen;
  signals at;
  auto server = std::make_unique<http::server>();
  server->handle({.method = "GET",
                  .path = "/",
                  .runs_on = &workers,
                  .answer = [&](const context& ctx, const httplib::Request&, httplib::Response&) {
                    at.tell("in");
                    static_cast<void>(wait_done(ctx));
                  }});
  server->observe(seen);
  ASSERT_EQ(server->start("127.0.0.1", 0), std::error_code());
  std::vector<client> clients;
  for (int k = 0; k < 5; ++k) {
    clients.emplace_back(server->port());
    ASSERT_TRUE(clients.back().send(get("/")));
  }
  ASSERT_TRUE(at.await("in"));
  ASSERT_TRUE(eventually([&] { return workers.now().queued == 4; }));
  server.reset();
  EXPECT_EQ(seen.count(request_end::shutdown), 5U);
  for (auto& c : clients) {
    EXPECT_EQ(c.receive().status, 503);
  }
  EXPECT_EQ(at.count("in"), 1);
}

// Who parks a connection and who wakes all parked ones must hear of each other: a connection that
// both have missed stays for its idle time-out, which is longer than this patience.
TEST(drain, at_any_moment_misses_no_connection_that_is_just_being_parked) {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int i = 0; i < rounds(30); ++i) {
    live_server server;
    std::vector<std::thread> clients;
    for (int n = 0; n < 4; ++n) {
      clients.emplace_back([&server, n] {
        client c = server.connect();
        while (c.send(n % 2 == 0 ? get("/fast") : get("/pool/fast")) && c.receive().status == 200) {
        }
      });
    }
    EXPECT_TRUE(server.seen.await_began(4 + random() % 200));
    const auto [now, cancel] = with_timeout(background(), 0s);
    const auto ec = server.server.drain(now, patience / 2);
    for (auto& c : clients) {
      c.join();
    }
    ASSERT_FALSE(ec) << ec.message() << ", seed " << seed << "\n" << server.left();
  }
}

// It has answered and has more to do, but no thread: it is not running.
TEST(a_connection, that_waits_for_its_turn_is_not_counted_as_running) {
  latch held;
  setup how;
  how.how.front_threads = 1;
  how.more.emplace_back([&held](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = "/held",
                     .answer = [&](const context&, const httplib::Request&, httplib::Response&) {
                       s.at.tell("/held");
                       held.wait();
                     }});
  });
  live_server server(how);
  client waiting = server.connect();
  ASSERT_TRUE(waiting.send(get("/stubborn") + get("/fast")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  client holding = server.connect();
  ASSERT_TRUE(holding.send(get("/held")));  // the only thread that reads
  ASSERT_TRUE(server.at.await("/held"));
  server.gate.open();
  EXPECT_EQ(waiting.receive().body, "at last\n");
  EXPECT_TRUE(eventually([&] { return server.connections(http::phase::reading) == 1; }))
      << server.left();
  EXPECT_EQ(server.connections(http::phase::running), 1U) << server.left();
  held.open();
  EXPECT_EQ(waiting.receive().body, "fast\n");
}

}  // namespace
}  // namespace hangup::wire
