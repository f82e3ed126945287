// A handler that sleeps hears its client leave by itself, and the watcher is not woken for it. What
// happens while nobody sleeps is the watcher's again.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "tests/support/eventually.h"
#include "tests/support/own_thread.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

setup with_get(const std::string& path,
               std::function<void(live_server&, const context&, http::reply&)> answer) {
  setup how;
  how.more = {[path, answer](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = path,
                     .runs_on = &s.many,
                     .answer = [&s, answer](const context& ctx, const http::request&,
                                            http::reply& res) { answer(s, ctx, res); }});
  }};
  return how;
}

void compute_until_the_end(const context& ctx) {
  while (!ctx.done()) {
  }
}

// Clients that ask, one after the other, and leave once their handler has told that it is there.
void each_leaves(
    live_server& server, const std::string& path, int clients,
    const std::function<void(int)>& first = [](int) {}) {
  for (int i = 0; i < clients; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get(path)));
    ASSERT_TRUE(server.at.await(path, i + 1));
    first(i);
    c.close();
    ASSERT_TRUE(server.await_no_connections()) << "round " << i;
  }
}

TEST(sleeper, hears_the_hang_up_and_the_watcher_sleeps_on) {
  live_server server;
  const auto watcher = test::thread_named("hangup-watcher");
  ASSERT_NE(watcher, 0);
  constexpr int clients = 100;
  const auto before = test::waits_of(watcher);
  each_leaves(server, "/wait", clients, [](int) {
    // It has gone to sleep. If not, the watcher may be woken, which is allowed, but not always.
    test::eventually([] {
      const auto workers = test::threads_named("many");
      return std::all_of(workers.begin(), workers.end(),
                         [](pid_t one) { return test::status_of(one, "State") == "S (sleeping)"; });
    });
  });
  EXPECT_LT(test::waits_of(watcher) - before, clients / 2);
  EXPECT_EQ(server.seen.of("/wait").end, http::request_end::client_closed);
}

TEST(sleeper, that_computes_afterwards_is_told_by_the_watcher) {
  live_server server(with_get("/nap", [](live_server& s, const context& ctx, http::reply&) {
    EXPECT_FALSE(sleep_for(ctx, 5ms));
    s.at.tell("/nap");
    compute_until_the_end(ctx);
  }));
  each_leaves(server, "/nap", 20);
}

TEST(sleeper, may_be_left_at_any_moment_around_its_sleep) {
  live_server server(with_get("/naps", [](live_server& s, const context& ctx, http::reply&) {
    s.at.tell("/naps");
    static_cast<void>(sleep_for(ctx, 2ms));
    compute_until_the_end(ctx);  // so that only the watcher can tell
  }));
  each_leaves(server, "/naps", 200, [](int i) {
    std::this_thread::sleep_for(std::chrono::microseconds(37 * (i % 100)));
  });
}

TEST(sleeper, is_one_of_several_of_a_request_and_each_of_them_hears_it) {
  live_server server(with_get("/several", [](live_server& s, const context& ctx, http::reply&) {
    task_group group(ctx);
    for (const auto time : {2ms, 4ms, 600'000ms, 600'000ms}) {
      group.go([time](const context& own) -> std::error_code { return sleep_for(own, time); });
    }
    group.go([&s](const context& own) {
      const std::error_code ec = sleep_for(own, 8ms);
      s.at.tell("/several");
      return ec;
    });
    EXPECT_EQ(group.wait(), errc::canceled);
  }));
  each_leaves(server, "/several", 20);
}

// The handler has returned, and the server is gone, before the thread runs that it has left asleep.
TEST(sleeper, that_is_left_by_its_handler_is_waited_for_by_the_server) {
  pool others({.name = "others", .workers = 4, .queue = 64});
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> woken{0};
    {
      live_server server(
          with_get("/leaves", [&](live_server& s, const context& ctx, http::reply& res) {
            for (int n = 0; n < 4; ++n) {
              EXPECT_FALSE(others.submit(ctx, [&](const context& own) {
                s.at.tell("asleep");
                EXPECT_EQ(sleep_for(own, 600s).get(), errc::canceled);
                ++woken;
              }));
            }
            EXPECT_TRUE(s.at.await("asleep", 4));
            res.body("text/plain", "left");
          }));
      client c = server.connect();
      EXPECT_EQ(c.ask(get("/leaves")).status, 200);
    }
    EXPECT_TRUE(test::eventually([&] { return woken == 4; }));
  }
}

TEST(sleeper, sleeps_for_its_time_whatever_the_client_sends_meanwhile) {
  auto how = with_get("/nap", [](live_server& s, const context& ctx, http::reply& res) {
    s.at.tell("/nap");
    EXPECT_FALSE(sleep_for(ctx, 50ms));
    res.body("text/plain", "slept");
  });
  how.how.max_body = std::uint64_t{1} << 40;
  live_server server(how);
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/nap", "Content-Length: 1000000000000\r\n")));
  const std::string much(100'000, 'x');
  const auto limit = http::clock::now() + patience;
  while (http::clock::now() < limit && c.send(much)) {  // until it is answered, and closed
  }
  const auto r = server.seen.of("/nap");
  EXPECT_EQ(r.end, http::request_end::completed);
  EXPECT_EQ(r.status, 200);
}

TEST(sleeper, hears_a_fin_behind_what_has_come_while_it_read) {
  setup how;
  how.how.max_body = std::uint64_t{1} << 40;
  live_server server(how);
  for (int i = 0; i < 50; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/wait", "Content-Length: 1000000000000\r\n")));
    const std::string part(1 + 997 * static_cast<std::size_t>(i), 'x');
    for (int n = 0; n < 300; ++n) {
      ASSERT_TRUE(c.send(part));
    }
    c.close();
    ASSERT_TRUE(server.await_all_gone()) << "round " << i;
  }
}

TEST(sleeper, of_one_request_leaves_the_next_of_its_connection_to_the_watcher) {
  live_server server(with_get("/nap", [](live_server& s, const context& ctx, http::reply& res) {
    s.at.tell("/nap");
    if (s.at.count("/nap") > 1) {
      compute_until_the_end(ctx);
      return;
    }
    EXPECT_FALSE(sleep_for(ctx, 5ms));
    res.body("text/plain", "slept");
  }));
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/nap")));
  ASSERT_EQ(c.receive().status, 200);
  ASSERT_TRUE(c.send(get("/nap")));
  ASSERT_TRUE(server.at.await("/nap", 2));
  c.close();
  ASSERT_TRUE(server.await_no_connections());
}

}  // namespace
}  // namespace hangup::wire
