// event: set, reset, and waiting for it by threads and tasks.
#include "hangup/context/event.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <vector>

#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "tests/unit/context/task_support.h"

namespace hangup {
namespace {

using namespace test;

task<std::error_code> await_event(event& e, const context& ctx) {
  co_return co_await e.wait(ctx);
}

// The wait of a thread, and the wait of a task on a loop, for tests of both.
struct waiter {
  const char* who;
  std::function<std::future<std::error_code>(loop&, event&, const context&)> begin;
};
std::vector<waiter> threads_and_tasks() {
  return {{"thread",
           [](loop&, event& e, const context& c) {
             return in_thread(c,
                              [&e](const context& ctx) -> std::error_code { return e.wait(ctx); });
           }},
          {"task", [](loop& on, event& e, const context& c) {
             return in_task(on, c, [&e](const context& ctx) { return await_event(e, ctx); });
           }}};
}

// Whether it waits cannot be seen; that it has begun to, and is not over, can.
bool still_waits(const std::future<std::error_code>& w) {
  return w.wait_for(10ms) == std::future_status::timeout;
}

TEST(event, that_is_set_is_not_waited_for) {
  event from_the_start(true);
  EXPECT_TRUE(from_the_start.is_set());
  EXPECT_FALSE(from_the_start.wait(background()));
  event later;
  EXPECT_FALSE(later.is_set());
  later.set();
  later.set();
  EXPECT_TRUE(later.is_set());
  EXPECT_FALSE(later.wait(background()));
  EXPECT_EQ(run_blocking(await_event(later, background())), std::error_code());
}

TEST(event, that_was_reset_is_waited_for_until_it_is_set_again) {
  for (const auto& w : threads_and_tasks()) {
    SCOPED_TRACE(w.who);
    event e(true);
    e.reset();
    EXPECT_FALSE(e.is_set());
    loop tasks({.name = "tasks"});
    auto waiting = w.begin(tasks, e, background());
    EXPECT_TRUE(still_waits(waiting));
    e.set();
    ASSERT_TRUE(over(waiting));
    EXPECT_FALSE(waiting.get());
  }
}

TEST(event, one_set_ends_the_waits_of_all_threads_and_tasks) {
  const auto kinds = threads_and_tasks();
  event e;
  loop tasks({.name = "tasks", .threads = 2});
  std::vector<std::future<std::error_code>> waiting;
  waiting.reserve(100);
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(kinds[i % 10 == 0 ? 0 : 1].begin(tasks, e, background()));
  }
  EXPECT_TRUE(still_waits(waiting.back()));
  e.set();
  for (auto& w : waiting) {
    ASSERT_TRUE(over(w));
    EXPECT_FALSE(w.get());
  }
}

TEST(event, a_reset_right_after_the_set_keeps_nobody_back_who_was_waiting) {
  event e;
  int released = 0;
  const auto body = [&](awaited_task_group& group) {
    for (int i = 0; i < 10; ++i) {
      group.go([&](const context& ctx) -> task<std::error_code> {
        const std::error_code ec = co_await e.wait(ctx);
        released += ec ? 0 : 1;
        co_return ec;
      });
    }
    group.go([&](const context& ctx) -> task<> {  // begins when the others wait
      e.set();
      e.reset();
      EXPECT_EQ(released, 0);
      EXPECT_FALSE(co_await sleep_for(ctx, 1ms));
      EXPECT_EQ(released, 10);
      EXPECT_FALSE(e.is_set());
    });
  };
  EXPECT_EQ(run_blocking(with_task_group(background(), body)), std::error_code());
}

TEST(event, an_ended_context_is_reported_though_it_is_set) {
  event e(true);
  const auto c = with_cancel(background());
  c.cancel();
  EXPECT_EQ(e.wait(c.ctx).get(), errc::canceled);
  EXPECT_EQ(run_blocking(await_event(e, c.ctx)), errc::canceled);
  const auto late = with_timeout(background(), -1s);
  EXPECT_EQ(e.wait(late.ctx).get(), errc::deadline_exceeded);
  EXPECT_EQ(run_blocking(await_event(e, late.ctx)), errc::deadline_exceeded);
}

TEST(event, the_end_of_the_context_ends_the_wait) {
  for (const auto& w : threads_and_tasks()) {
    for (const bool by_deadline : {false, true}) {
      SCOPED_TRACE(w.who);
      event e;
      loop tasks({.name = "tasks"});
      const auto above = with_cancel(background());
      const auto own = with_timeout(above.ctx, by_deadline ? 30ms : clock::duration(never));
      auto waiting = w.begin(tasks, e, own.ctx);
      if (!by_deadline) {
        EXPECT_TRUE(still_waits(waiting));
        above.cancel();
      }
      ASSERT_TRUE(over(waiting));
      EXPECT_EQ(waiting.get(), by_deadline ? errc::deadline_exceeded : errc::canceled);
      e.set();  // touches nobody who has left
    }
  }
}

TEST(event, what_was_done_before_the_set_is_seen_after_the_wait) {
  loop tasks({.name = "tasks", .threads = 2});
  for (int round = 0; round < rounds(500); ++round) {
    event e;
    int plain = 0;
    auto reads = in_task(tasks, background(), [&](const context& ctx) -> task<std::error_code> {
      const std::error_code ec = co_await e.wait(ctx);
      EXPECT_EQ(plain, round + 1);
      co_return ec;
    });
    plain = round + 1;
    e.set();
    ASSERT_TRUE(over(reads));
    EXPECT_FALSE(reads.get());
  }
}

TEST(event, may_be_destroyed_by_whoever_has_waited_for_it) {
  loop tasks({.name = "tasks", .threads = 2});
  for (int round = 0; round < rounds(1000); ++round) {
    auto* const e = new event;
    auto waits = in_task(tasks, background(), [e](const context& ctx) -> task<std::error_code> {
      const std::error_code ec = co_await e->wait(ctx);
      delete e;
      co_return ec;
    });
    if (round % 2 == 0) {
      auto sets = in_task(tasks, background(), [e](const context&) -> task<std::error_code> {
        e->set();
        co_return std::error_code();
      });
      ASSERT_TRUE(over(sets));
    } else {
      e->set();
    }
    ASSERT_TRUE(over(waits));
    EXPECT_FALSE(waits.get());
  }
}

// Contexts end, the event is set and reset, threads and tasks come and go, all at any moment. Each
// wait ends with success or with the error of its context, and those that can only end by the last
// set() do.
TEST(event, every_wait_ends_exactly_once_whatever_comes_first) {
  for (int seed = 0; seed < rounds(300); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    const int actors = 2 + static_cast<int>(random() % 6);
    const int each = 1 + static_cast<int>(random() % 20);
    event e;
    std::atomic<int> wrong{0};
    std::atomic<int> over_by_now{0};
    std::vector<std::future<std::error_code>> all;
    bool done = true;
    {
      loop tasks({.name = "tasks", .threads = 1 + static_cast<unsigned>(random() % 3)});
      for (int i = 0; i < actors; ++i) {
        const auto own_seed = static_cast<std::uint32_t>(seed * 16 + i);
        const auto look = [&wrong](std::error_code ec, const context& ctx) {
          wrong += ec && ec != ctx.err();
        };
        if (random() % 3 != 0) {
          all.push_back(in_task(tasks, background(),
                                [&e, &over_by_now, look, each,
                                 own_seed](const context& ctx) -> task<std::error_code> {
                                  std::mt19937 own(own_seed);
                                  for (int n = 0; n < each; ++n) {
                                    const auto c =
                                        with_timeout(ctx, std::chrono::microseconds(own() % 100));
                                    const std::error_code ec = co_await e.wait(c.ctx);
                                    look(ec, c.ctx);
                                  }
                                  ++over_by_now;
                                  co_return co_await e.wait(ctx);
                                }));
        } else {
          all.push_back(in_thread(
              background(),
              [&e, &over_by_now, look, each, own_seed](const context& ctx) -> std::error_code {
                std::mt19937 own(own_seed);
                for (int n = 0; n < each; ++n) {
                  const auto c = with_timeout(ctx, std::chrono::microseconds(own() % 100));
                  look(e.wait(c.ctx), c.ctx);
                }
                ++over_by_now;
                return e.wait(ctx);
              }));
        }
      }
      while (over_by_now < actors) {
        e.set();
        e.reset();
        std::this_thread::yield();
      }
      e.set();
      for (auto& one : all) {
        done = done && over(one);
      }
    }
    ASSERT_TRUE(done) << "somebody waits for ever";
    for (auto& one : all) {
      ASSERT_FALSE(one.get());
    }
    ASSERT_EQ(wrong, 0);
  }
}

}  // namespace
}  // namespace hangup
