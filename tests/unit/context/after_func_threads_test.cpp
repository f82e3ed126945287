// after_func between threads: who waits for whom.
#include <gtest/gtest.h>
#include <atomic>
#include <future>
#include <latch>

#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(after_func, stop_while_it_runs_is_false_and_does_not_wait) {  // B56 B60
  const auto c = with_cancel(background());
  std::promise<void> running;
  std::promise<void> go_on;
  after_func hook(c.ctx, [&] {
    running.set_value();
    go_on.get_future().wait();
  });
  std::jthread ender([&] { c.cancel(); });
  running.get_future().wait();
  EXPECT_FALSE(hook.stop());  // would hang here if it waited
  go_on.set_value();
}

TEST(after_func, stop_may_be_called_by_the_function_and_by_its_owner_at_once) {  // B56 B61
  for (int round = 0; round < rounds(500); ++round) {
    const auto c = with_cancel(background());
    after_func<std::function<void()>>* self = nullptr;
    std::latch running(2);
    bool inside = true;
    after_func<std::function<void()>> hook(c.ctx, [&] {
      running.arrive_and_wait();
      inside = self->stop();
    });
    self = &hook;
    std::jthread ender([&] { c.cancel(); });
    running.arrive_and_wait();
    EXPECT_FALSE(hook.stop());
    ender.join();
    EXPECT_FALSE(inside);
  }
}

TEST(after_func, the_destructor_waits_for_a_function_that_runs_on_another_thread) {  // B60
  for (int round = 0; round < rounds(50); ++round) {
    const auto c = with_cancel(background());
    std::latch running(1);
    std::atomic<bool> finished{false};
    std::jthread ender;
    {
      const after_func hook(c.ctx, [&] {
        running.count_down();
        for (int i = 0; i < 20; ++i) {
          std::this_thread::yield();
        }
        finished = true;
      });
      ender = std::jthread([&] { c.cancel(); });
      running.wait();
    }
    ASSERT_TRUE(finished);
  }
}

TEST(after_func, the_destructor_does_not_wait_for_the_function_of_another_registration) {
  const auto c = with_cancel(background());
  std::promise<void> running;
  std::promise<void> go_on;
  auto other = std::make_unique<after_func<std::function<void()>>>(c.ctx, [] {});
  const after_func slow(c.ctx, [&] {
    running.set_value();
    go_on.get_future().wait();
  });
  std::jthread ender([&] { c.cancel(); });
  running.get_future().wait();
  other.reset();  // would hang here
  go_on.set_value();
}

TEST(after_func, a_second_cancel_does_not_wait_for_functions) {  // B57
  const auto c = with_cancel(background());
  const auto child = with_cancel(c.ctx);
  std::promise<void> running;
  std::promise<void> go_on;
  const after_func hook(child.ctx, [&] {
    running.set_value();
    go_on.get_future().wait();
  });
  std::jthread ender([&] { c.cancel(); });
  running.get_future().wait();
  EXPECT_TRUE(child.ctx.done());
  c.cancel();  // both would hang here
  child.cancel();
  go_on.set_value();
}

TEST(after_func, runs_exactly_once_or_is_stopped_when_both_race) {  // B53 B55 B56
  std::atomic<int> wrong{0};
  for (int round = 0; round < rounds(2000); ++round) {
    const auto c = with_cancel(background());
    std::atomic<int> ran{0};
    bool stopped = false;
    std::latch start(2);
    std::jthread ender([&] {
      start.arrive_and_wait();
      c.cancel();
    });
    {
      after_func hook(c.ctx, [&] { ++ran; });
      start.arrive_and_wait();
      stopped = hook.stop();
    }
    wrong += ran != (stopped ? 0 : 1);  // the destructor has waited: no later change
    ender.join();
    wrong += ran != (stopped ? 0 : 1);
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace hangup
