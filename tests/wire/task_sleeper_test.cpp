// A handler that is a task hears its client leave by itself while it sleeps, and the watcher is not
// woken for it: what sleeper_test.cpp shows for threads.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "hangup/context/with_task_group.h"
#include "tests/support/own_thread.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

void compute_on_the_task_until_the_end(const context& ctx) {
  while (!ctx.done()) {
  }
}

// Sleeps for this time, and computes until its context ends, if it has not slept to the end.
void add_nap(live_server& s, loop& tasks, std::chrono::milliseconds time) {
  s.server.handle({.method = "GET",
                   .path = "/nap",
                   .on_loop = &tasks,
                   .answer = [&s, time](context ctx, http::request&, http::reply&) -> task<> {
                     s.at.tell("/nap");
                     const std::error_code ec = co_await sleep_for(ctx, time);
                     if (!ec) {
                       s.at.tell("awake");
                       compute_on_the_task_until_the_end(ctx);
                     }
                   }});
}

void each_leaves(
    live_server& server, int clients, const std::function<void(int)>& first = [](int) {}) {
  for (int i = 0; i < clients; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/nap")));
    ASSERT_TRUE(server.at.await("/nap", i + 1));
    first(i);
    i % 2 == 0 ? c.close() : c.reset();
    ASSERT_TRUE(server.await_no_connections()) << "round " << i;
  }
}

TEST(a_task_that_sleeps, hears_the_hang_up_and_the_watcher_sleeps_on) {
  with_tasks s([](live_server& to, loop& tasks) { add_nap(to, tasks, 600s); });
  const auto watcher = test::thread_named("hangup-watcher");
  ASSERT_NE(watcher, 0);
  constexpr int clients = 100;
  const auto before = test::waits_of(watcher);
  each_leaves(*s, clients, [&](int) {
    EXPECT_TRUE(eventually([&] { return s->connections(http::phase::waiting) == 1; }));
  });
  EXPECT_LT(test::waits_of(watcher) - before, clients / 2);
}

TEST(a_task_that_sleeps, and_computes_afterwards_is_told_by_the_watcher) {
  with_tasks s([](live_server& to, loop& tasks) { add_nap(to, tasks, 5ms); });
  each_leaves(*s, 20, [&](int i) { EXPECT_TRUE(s->at.await("awake", i + 1)); });
}

// Hearing a hang-up needs no thread of the loop.
TEST(a_task_that_sleeps, is_ended_while_another_one_holds_its_thread) {
  std::atomic<bool> go_on{false};
  const auto adds = [&](live_server& to, loop& tasks) {
    add_nap(to, tasks, 600s);
    to.server.handle({.method = "GET",
                      .path = "/hold",
                      .on_loop = &tasks,
                      .answer = [&](const context&, http::request&, http::reply&) -> task<> {
                        to.at.tell("/hold");
                        EXPECT_TRUE(eventually([&] { return go_on.load(); }));
                        co_return;
                      }});
  };
  with_tasks s(adds, {}, {.name = "tasks", .threads = 1});
  std::vector<client> clients;
  for (int i = 0; i < 300; ++i) {  // more than are told at once
    ASSERT_TRUE(clients.emplace_back(s->connect()).send(get("/nap")));
    ASSERT_TRUE(s->at.await("/nap", i + 1));
  }
  client holder = s->connect();
  ASSERT_TRUE(holder.send(get("/hold")));
  ASSERT_TRUE(s->at.await("/hold"));
  clients.clear();
  const auto ended = [&] {
    std::size_t count = 0;
    s->server.each_in_flight([&](const http::request_view& v) {
      count += v.context_ended ? 1 : 0;
      return true;
    });
    return count;
  };
  EXPECT_TRUE(eventually([&] { return ended() == 300; })) << ended();
  go_on = true;
  EXPECT_EQ(holder.receive().status, 200);
  holder.close();
  EXPECT_TRUE(s->await_no_connections());
}

TEST(a_task_that_sleeps, may_be_left_at_any_moment_around_its_sleep) {
  with_tasks s([](live_server& to, loop& tasks) { add_nap(to, tasks, 2ms); });
  each_leaves(*s, 200, [](int i) {
    std::this_thread::sleep_for(std::chrono::microseconds(37 * (i % 100)));
  });
}

TEST(a_task_that_sleeps, hears_a_fin_behind_what_has_come_while_it_read) {
  setup how;
  how.how.max_body = std::uint64_t{1} << 40;
  with_tasks s([](live_server& to, loop& tasks) { add_waiting(to, tasks); }, how);
  for (int i = 0; i < 50; ++i) {
    client c = s->connect();
    ASSERT_TRUE(c.send(get("/task/wait", "Content-Length: 1000000000000\r\n")));
    const std::string part(1 + 997 * static_cast<std::size_t>(i), 'x');
    for (int n = 0; n < 300; ++n) {
      ASSERT_TRUE(c.send(part));
    }
    c.close();
    ASSERT_TRUE(s->await_all_gone()) << "round " << i;
  }
}

TEST(a_task_that_sleeps, hears_an_end_behind_a_request_that_nobody_reads) {
  with_tasks s([](live_server& to, loop& tasks) { add_waiting(to, tasks); });
  for (int i = 0; i < 50; ++i) {
    client c = s->connect();
    ASSERT_TRUE(c.send(get("/task/wait") + get("/fast")));
    ASSERT_TRUE(s->at.await("/task/wait", i + 1));
    ASSERT_TRUE(c.send(get("/fast")));
    i % 2 == 0 ? c.close() : c.reset();
    ASSERT_TRUE(s->await_all_gone()) << "round " << i;
  }
}

TEST(a_task_that_sleeps, is_one_of_several_of_a_request_and_each_of_them_hears_it) {
  with_tasks s([](live_server& to, loop& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/nap",
                      .on_loop = &tasks,
                      .answer = [&to](context ctx, http::request&, http::reply&) -> task<> {
                        const auto several = [&](awaited_task_group& all) {
                          for (const auto time : {2ms, 4ms, 600'000ms, 600'000ms}) {
                            all.go([time](const context& own) -> task<std::error_code> {
                              const std::error_code ec = co_await sleep_for(own, time);
                              co_return ec;
                            });
                          }
                          to.at.tell("/nap");
                        };
                        EXPECT_EQ(co_await with_task_group(ctx, several), errc::canceled);
                      }});
  });
  each_leaves(*s, 20);
}

}  // namespace
}  // namespace hangup::wire
