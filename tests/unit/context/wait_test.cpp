// Waits end with their context; what they wait for ends them first if it comes first.
#include <gtest/gtest.h>

#include <poll.h>
#include <limits>

#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>

#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

struct queue {  // whose condition never comes
  std::mutex mutex;
  std::condition_variable_any cv;
  std::error_code wait_in_vain(const context& ctx) {
    std::unique_lock lock(mutex);
    return wait(ctx, cv, lock, [] { return false; });
  }
};

// Every way to wait for something that does not come before the context ends.
std::vector<std::function<std::error_code(const context&)>> all_waits() {
  return {
      [](const context& ctx) { return sleep_for(ctx, never); },
      [](const context& ctx) { return sleep_for(ctx, clock::duration::max()); },
      [](const context& ctx) { return sleep_until(ctx, clock::now() + never); },
      [](const context& ctx) { return wait_done(ctx); },
      [](const context& ctx) {
        queue q;
        return q.wait_in_vain(ctx);
      },
      [](const context& ctx) {
        const sockets pair;
        return wait_fd(ctx, pair.fd[0], POLLIN).get();
      },
      [](const context& ctx) {
        const sockets pair;
        return wait_fd(ctx, pair.fd[0], POLLIN, clock::now() + never).get();
      },
  };
}

TEST(waits, an_ended_context_does_not_wait_at_all) {
  const auto c = with_cancel(background());
  c.cancel();
  for (const auto& wait_for_it : all_waits()) {
    EXPECT_EQ(wait_for_it(c.ctx), errc::canceled);
  }
  EXPECT_EQ(sleep_for(c.ctx, -1s).get(), errc::canceled);
  sockets pair;
  pair.hang_up();  // ready, and yet
  EXPECT_EQ(wait_fd(c.ctx, pair.fd[0], POLLIN).get(), errc::canceled);
}

TEST(waits, each_ends_with_the_cancel_of_a_parent) {
  for (const auto& wait_for_it : all_waits()) {
    for (int i = 0; i < 3; ++i) {
      const auto parent = with_cancel(background());
      const auto c = with_cancel(parent.ctx);
      auto result = std::async(std::launch::async, [&] { return wait_for_it(c.ctx); });
      // A moment later, so that it waits by now; at once, so that it may be about to.
      EXPECT_FALSE(sleep_for(background(), i * 5ms).get());
      parent.cancel();
      ASSERT_EQ(result.wait_for(patience), std::future_status::ready);
      EXPECT_EQ(result.get(), errc::canceled);
    }
  }
}

TEST(waits, each_ends_with_the_deadline_and_not_before) {
  for (const auto& wait_for_it : all_waits()) {
    const auto c = with_timeout(background(), 20ms);
    const auto child = with_cancel(c.ctx);
    EXPECT_EQ(wait_for_it(child.ctx), errc::deadline_exceeded);
    EXPECT_GE(clock::now(), *c.ctx.deadline());
    EXPECT_TRUE(c.ctx.done());
  }
}

TEST(waits, the_sleeper_ends_the_context_itself_when_the_timer_thread_is_busy) {
  const stalled_timer stalled;
  for (const int which : {0, 2, 3, 5, 6}) {  // all but the condition variable
    const auto c = with_timeout(background(), 5ms);
    const auto child = with_cancel(c.ctx);
    EXPECT_EQ(all_waits()[static_cast<std::size_t>(which)](child.ctx), errc::deadline_exceeded);
    EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
  }
}

TEST(waits, a_hundred_threads_are_woken_by_one_end) {
  const auto parent = with_cancel(background());
  std::atomic<int> woken{0};
  std::atomic<int> started{0};
  const auto waits = all_waits();
  const int count = tsan ? 28 : 98;
  std::jthread ender([&] {
    EXPECT_TRUE(spin_until([&] { return started == count; }));
    parent.cancel();
  });
  together(count, [&](int i) {
    const auto own = with_cancel(parent.ctx);
    const auto& ctx = i % 2 == 0 ? parent.ctx : own.ctx;
    ++started;
    woken += waits[static_cast<std::size_t>(i) % waits.size()](ctx) == errc::canceled;
  });
  EXPECT_EQ(woken, count);
}

TEST(sleep_for, sleeps_the_whole_time_on_every_kind_of_context) {
  const auto c = with_cancel(background());
  const auto timed = with_timeout(background(), never);
  for (const auto& ctx : {background(), c.ctx, timed.ctx, without_cancel(c.ctx)}) {
    const auto start = clock::now();
    EXPECT_FALSE(sleep_for(ctx, 10ms).get());
    EXPECT_GE(clock::now() - start, 10ms);
    EXPECT_FALSE(sleep_for(ctx, 0ms).get());
    EXPECT_FALSE(sleep_for(ctx, clock::duration::min()).get());
    EXPECT_FALSE(sleep_until(ctx, clock::time_point::min()).get());
  }
}

TEST(sleep_for, no_time_that_can_be_written_is_undefined) {
  using real = std::chrono::duration<double>;
  using limits = std::numeric_limits<double>;
  const auto c = with_timeout(background(), 20ms);
  EXPECT_EQ(sleep_for(background(), real(limits::quiet_NaN())).get(), std::error_code());
  EXPECT_EQ(sleep_for(background(), real(-limits::infinity())).get(), std::error_code());
  EXPECT_EQ(sleep_for(background(), std::chrono::hours::min()).get(), std::error_code());
  EXPECT_EQ(sleep_until(background(), clock::time_point::min()).get(), std::error_code());
  EXPECT_EQ(sleep_for(c.ctx, real(limits::infinity())).get(), errc::deadline_exceeded);
  EXPECT_EQ(sleep_for(c.ctx, std::chrono::hours::max()).get(), errc::deadline_exceeded);
}

TEST(wait_cv, reports_readiness_also_when_the_end_comes_with_it) {
  std::mutex mutex;
  std::condition_variable_any cv;
  bool ready = false;
  const auto c = with_cancel(background());
  auto result = std::async(std::launch::async, [&] {
    std::unique_lock lock(mutex);
    return wait(c.ctx, cv, lock, [&] { return ready; });
  });
  {
    const std::lock_guard lock(mutex);
    ready = true;
    c.cancel();
  }
  ASSERT_EQ(result.wait_for(patience), std::future_status::ready);
  EXPECT_FALSE(result.get());
}

TEST(wait_cv, is_woken_by_a_notification) {
  std::mutex mutex;
  std::condition_variable_any cv;
  int turn = 0;
  const auto c = with_cancel(background());
  for (const auto& ctx : {background(), c.ctx}) {
    turn = 0;
    std::jthread other([&] {
      for (int i = 0; i < 100; ++i) {
        std::unique_lock lock(mutex);
        EXPECT_FALSE(wait(ctx, cv, lock, [&] { return turn % 2 == 1; }));
        ++turn;
        cv.notify_all();
      }
    });
    for (int i = 0; i < 100; ++i) {
      std::unique_lock lock(mutex);
      EXPECT_FALSE(wait(ctx, cv, lock, [&] { return turn % 2 == 0; }));
      ++turn;
      cv.notify_all();
    }
    other.join();
    EXPECT_EQ(turn, 200);
  }
}

}  // namespace
}  // namespace hangup
