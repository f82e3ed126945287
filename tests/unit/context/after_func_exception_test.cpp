// after_func: exceptions of its function, stop_and_wait(), and registrations that replace
// themselves.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

using any_func = after_func<std::function<void()>>;

TEST(after_func_exception, does_not_reach_cancel_nor_stop_the_others) {  // B62
  const auto c = with_cancel(background());
  const auto below = with_cancel(c.ctx);
  int ran = 0;
  any_func one(c.ctx, [&] { ++ran; });
  any_func bad(c.ctx, [] { throw std::runtime_error("bad"); });
  any_func two(c.ctx, [&] { ++ran; });
  any_func worse(below.ctx, [] { throw 42; });
  any_func three(below.ctx, [&] { ++ran; });
  EXPECT_NO_THROW(c.cancel());
  EXPECT_EQ(ran, 3);
  EXPECT_THROW(bad.stop_and_wait(), std::runtime_error);
  EXPECT_THROW(worse.stop_and_wait(), int);
  EXPECT_FALSE(one.stop_and_wait());
}

TEST(after_func_exception, is_rethrown_each_time) {
  const auto c = with_cancel(background());
  any_func bad(c.ctx, [] { throw std::runtime_error("bad"); });
  c.cancel();
  for (int i = 0; i < 3; ++i) {
    try {
      bad.stop_and_wait();
      FAIL() << "lost";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "bad");
    }
  }
  EXPECT_FALSE(bad.stop());  // which says nothing of it
}

TEST(after_func_exception, on_an_ended_context_is_kept_too) {  // B54
  const auto c = with_cancel(background());
  c.cancel();
  std::optional<any_func> bad;
  EXPECT_NO_THROW(bad.emplace(c.ctx, [] { throw std::runtime_error("bad"); }));
  EXPECT_THROW(bad->stop_and_wait(), std::runtime_error);
}

TEST(after_func_exception, on_the_timer_thread_or_in_a_sleeper_is_kept) {  // B53
  const auto c = with_timeout(background(), 5ms);
  std::promise<void> ran;
  any_func bad(c.ctx, [&] {
    ran.set_value();
    throw std::runtime_error("bad");
  });
  EXPECT_EQ(sleep_for(c.ctx, never).get(), errc::deadline_exceeded);
  ran.get_future().wait();
  EXPECT_THROW(bad.stop_and_wait(), std::runtime_error);
}

TEST(after_func_exception, is_dropped_with_the_registration) {
  const auto c = with_cancel(background());
  {
    const any_func bad(c.ctx, [] { throw std::runtime_error("bad"); });
    c.cancel();
  }
}

TEST(after_func_exception, of_a_function_that_has_destroyed_its_registration_is_dropped) {
  const auto c = with_cancel(background());
  std::unique_ptr<any_func> self;
  bool ran = false;
  self = std::make_unique<any_func>(c.ctx, [&] {
    auto& has_run = ran;
    self.reset();
    has_run = true;
    throw std::runtime_error("bad");
  });
  EXPECT_NO_THROW(c.cancel());
  EXPECT_TRUE(ran);
}

TEST(stop_and_wait, before_the_end_unregisters) {  // B55 B60
  const auto c = with_cancel(background());
  bool ran = false;
  any_func hook(c.ctx, [&] { ran = true; });
  EXPECT_TRUE(hook.stop_and_wait());
  EXPECT_FALSE(hook.stop_and_wait());
  EXPECT_FALSE(hook.stop());
  EXPECT_EQ(scope_of(c.ctx).hooks, nullptr);  // B63
  c.cancel();
  EXPECT_FALSE(ran);
}

TEST(stop_and_wait, after_stop_or_after_the_run_is_false) {  // B56
  const auto c = with_cancel(background());
  any_func stopped(c.ctx, [] {});
  any_func run(c.ctx, [] {});
  EXPECT_TRUE(stopped.stop());
  EXPECT_FALSE(stopped.stop_and_wait());
  c.cancel();
  EXPECT_FALSE(run.stop_and_wait());
}

TEST(stop_and_wait, on_a_context_that_never_ends_is_true_once) {  // B59
  any_func root(background(), [] { throw 1; });
  EXPECT_TRUE(root.stop_and_wait());
  EXPECT_FALSE(root.stop_and_wait());
  EXPECT_FALSE(root.stop());
  const auto c = with_cancel(background());
  any_func shielded(without_cancel(c.ctx), [] {});
  c.cancel();
  EXPECT_TRUE(shielded.stop_and_wait());
}

TEST(stop_and_wait, waits_for_the_running_function_and_sees_what_it_did) {  // B60
  for (int round = 0; round < rounds(500); ++round) {
    const auto c = with_cancel(background());
    int written = 0;
    std::latch running(1);
    const bool fails = round % 2 == 0;
    any_func hook(c.ctx, [&] {
      running.count_down();
      std::this_thread::yield();
      written = 1;
      if (fails) {
        throw std::runtime_error("bad");
      }
    });
    std::jthread ender([&] { c.cancel(); });
    running.wait();
    if (fails) {
      EXPECT_THROW(hook.stop_and_wait(), std::runtime_error);
    } else {
      EXPECT_FALSE(hook.stop_and_wait());
    }
    ASSERT_EQ(written, 1);
  }
}

TEST(stop_and_wait, races_with_the_end_and_answers_exactly) {
  for (int round = 0; round < rounds(1000); ++round) {
    const auto c = with_cancel(background());
    int ran = 0;
    any_func hook(c.ctx, [&] {
      ++ran;
      throw 1;
    });
    int stopped = 0;
    together(2, [&](int i) {
      if (i == 0) {
        c.cancel();
        return;
      }
      try {
        stopped = hook.stop_and_wait() ? 1 : -1;
      } catch (int) {
        stopped = 0;
      }
    });
    ASSERT_EQ(ran, stopped == 1 ? 0 : 1);
    ASSERT_NE(stopped, -1);  // neither stopped nor told of the exception
  }
}

TEST(stop_and_wait, by_many_at_once_all_are_told) {
  for (int round = 0; round < rounds(200); ++round) {
    const auto c = with_cancel(background());
    any_func hook(c.ctx, [] { throw 1; });
    c.cancel();
    std::atomic<int> told{0};
    together(3, [&](int) {
      try {
        hook.stop_and_wait();
      } catch (int) {
        ++told;
      }
    });
    ASSERT_EQ(told, 3);
  }
}

TEST(stop_and_wait, from_inside_the_function_does_not_wait) {  // B60
  const auto c = with_cancel(background());
  std::unique_ptr<any_func> self;
  bool inside = true;
  self = std::make_unique<any_func>(c.ctx, [&] { inside = self->stop_and_wait(); });
  c.cancel();
  EXPECT_FALSE(inside);
}

// "it may cancel, derive, register and unregister, also on this context"
TEST(after_func_again, a_function_may_replace_its_own_registration) {  // B61
  const auto c = with_cancel(background());
  std::optional<any_func> slot;
  int runs = 0;
  slot.emplace(c.ctx, [&] {
    auto& n = runs;  // what it has captured goes with the registration
    auto& s = slot;
    const auto ctx = c.ctx;
    ++n;
    s.emplace(ctx, [&n] { ++n; });
  });
  c.cancel();
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(slot->stop_and_wait());
}

// The second registration may have the address of the first, which is still marked as running.
TEST(after_func_again, a_function_may_replace_its_own_registration_and_take_it_back) {  // B61
  const auto c = with_cancel(background());
  std::optional<any_func> slot;
  int runs = 0;
  slot.emplace(c.ctx, [&] {
    auto& n = runs;
    auto& s = slot;
    const auto ctx = c.ctx;
    s.emplace(ctx, [&n] { ++n; });
    s.reset();
    ++n;
  });
  c.cancel();
  EXPECT_EQ(runs, 2);
}

TEST(after_func_again, the_exception_of_a_replaced_registration_does_not_reach_the_new_one) {
  const auto c = with_cancel(background());
  std::optional<any_func> slot;
  slot.emplace(c.ctx, [&] {
    auto& s = slot;
    const auto ctx = c.ctx;
    s.emplace(ctx, [] {});
    throw 1;
  });
  c.cancel();
  EXPECT_NO_THROW(slot->stop_and_wait());
}

}  // namespace
}  // namespace hangup
