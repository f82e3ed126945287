// ctx.stop_token(): the bridge to what the standard library has for stopping.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stop_token>

#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(stop_token, stops_with_the_context) {
  const auto parent = with_cancel(background());
  const auto c = with_cancel(parent.ctx);
  const auto token = c.ctx.stop_token();
  EXPECT_TRUE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
  EXPECT_EQ(token, c.ctx.stop_token());
  EXPECT_NE(token, parent.ctx.stop_token());
  parent.cancel();
  EXPECT_TRUE(token.stop_requested());
}

TEST(stop_token, of_an_ended_context_has_stopped) {
  const auto c = with_cancel(background());
  c.cancel();
  EXPECT_TRUE(c.ctx.stop_token().stop_requested());
  EXPECT_TRUE(with_timeout(background(), -1s).ctx.stop_token().stop_requested());
}

TEST(stop_token, outlives_the_context) {
  std::stop_token token;
  {
    const auto c = with_cancel(background());
    token = c.ctx.stop_token();
  }
  EXPECT_TRUE(token.stop_requested());
}

TEST(stop_token, stops_a_loop_of_a_jthread_when_the_deadline_passes) {
  const auto c = with_timeout(background(), 10ms);
  std::promise<void> stopped;
  std::jthread worker([&, token = c.ctx.stop_token()] {
    while (!token.stop_requested()) {
      std::this_thread::yield();
    }
    stopped.set_value();
  });
  EXPECT_EQ(stopped.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
}

TEST(stop_token, of_a_jthread_can_end_a_context_and_so_its_waits) {
  std::error_code ec;
  {
    std::jthread worker([&](const std::stop_token& token) {
      const auto c = with_cancel(background());
      const std::stop_callback forward(token, [&] { c.cancel({cause_kind::shutdown}); });
      ec = wait_done(c.ctx);
    });
  }  // ~jthread requests the stop
  EXPECT_EQ(ec, errc::canceled);
}

TEST(stop_token, wakes_a_condition_variable_any) {
  const auto c = with_cancel(background());
  std::mutex mutex;
  std::condition_variable_any cv;
  auto result = std::async(std::launch::async, [&] {
    std::unique_lock lock(mutex);
    return cv.wait(lock, c.ctx.stop_token(), [] { return false; });
  });
  c.cancel();
  ASSERT_EQ(result.wait_for(patience), std::future_status::ready);
  EXPECT_FALSE(result.get());
}

TEST(stop_token, runs_callbacks_on_the_thread_that_ends_the_context) {
  const auto c = with_cancel(background());
  std::thread::id where;
  bool done_inside = false;
  const std::stop_callback callback(c.ctx.stop_token(), [&] {
    where = std::this_thread::get_id();
    done_inside = c.ctx.done();
  });
  c.cancel();
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_TRUE(done_inside);
}

// Whoever asks for the token meanwhile must not run them: cancel() would return before them.
TEST(stop_token, has_run_its_callbacks_when_cancel_returns_whoever_asks_for_it_meanwhile) {
  for (int i = 0; i < rounds(2'000); ++i) {
    const auto c = with_cancel(background());
    std::thread::id ran_on;
    const std::stop_callback callback(c.ctx.stop_token(), [&] {
      std::this_thread::yield();
      ran_on = std::this_thread::get_id();
    });
    together(2, [&](int n) {
      if (n == 0) {
        c.cancel();
        EXPECT_EQ(ran_on, std::this_thread::get_id());
      } else {
        while (!c.ctx.done()) {
        }
        EXPECT_TRUE(c.ctx.stop_token().stop_requested());
      }
    });
  }
}

TEST(stop_token, made_while_the_context_ends_stops_in_any_case) {
  for (int round = 0; round < rounds(2000); ++round) {
    const auto c = with_cancel(background());
    std::atomic<bool> ran[2] = {};
    std::stop_token tokens[2];
    together(3, [&](int i) {
      if (i == 2) {
        c.cancel();
        return;
      }
      tokens[i] = c.ctx.stop_token();
      // Awaited by the callback, not by stop_requested(): that comes first, and a callback that is
      // destroyed in between does not run.
      const std::stop_callback callback(tokens[i], [&] { ran[i] = true; });
      if (!spin_until([&] { return ran[i].load(); })) {
        ADD_FAILURE() << "the token did not stop";
      }
    });
    ASSERT_TRUE(tokens[0].stop_requested());
    ASSERT_TRUE(tokens[1].stop_requested());
  }
}

}  // namespace
}  // namespace hangup
