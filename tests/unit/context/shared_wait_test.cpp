// Tasks of one thread that wait with one context: one of them stands for all in the context.
#include <gtest/gtest.h>

#include <atomic>
#include <list>
#include <random>

#include "hangup/context/after_func.h"
#include "hangup/context/channel.h"
#include "hangup/context/event.h"
#include "hangup/context/task.h"
#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/loop.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(shared_wait, of_which_the_first_leaves_still_ends_for_the_others) {
  const auto c = with_cancel(background());
  std::list<event> go_on(4);
  std::atomic<int> begun{0};
  std::atomic<int> left{0};
  std::atomic<int> ended{0};
  loop tasks({.name = "tasks"});
  for (auto& mine : go_on) {
    const auto refused = spawn(tasks, background(), [&](const context&) -> task<> {
      ++begun;
      const std::error_code ec = co_await mine.wait(c.ctx);
      ec == errc::canceled ? ++ended : ++left;
    });
    ASSERT_FALSE(refused);
  }
  EXPECT_TRUE(spin_until([&] { return begun == 4; }));
  auto mine = go_on.begin();
  mine++->set();  // the first
  EXPECT_TRUE(spin_until([&] { return left == 1; }));
  mine++->set();  // the one that is now
  EXPECT_TRUE(spin_until([&] { return left == 2; }));
  go_on.back().set();  // not the first
  EXPECT_TRUE(spin_until([&] { return left == 3; }));
  c.cancel();
  EXPECT_TRUE(spin_until([&] { return tasks.now().tasks == 0; }));
  EXPECT_EQ(ended, 1);
}

TEST(shared_wait, of_thousands_of_a_thread_ends_for_all) {
  const auto c = with_cancel(background());
  std::atomic<int> begun{0};
  int ended = 0;
  std::jthread ender([&] {
    spin_until([&] { return begun == 3'000; });
    c.cancel();
  });
  const auto body = [&](awaited_task_group& group) {
    for (int i = 0; i < 3'000; ++i) {
      group.go([&](const context& ctx) -> task<> {
        ++begun;
        const std::error_code ec = co_await wait_done(ctx);
        ended += ec == errc::canceled;
      });
    }
  };
  run_blocking(with_task_group(c.ctx, body));
  EXPECT_EQ(ended, 3'000);
}

TEST(shared_wait, behind_more_functions_than_are_looked_at_ends_as_well) {
  const auto c = with_cancel(background());
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::atomic<int> called{0};
  std::list<after_func<std::function<void()>>> functions;
  loop tasks({.name = "tasks"});
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      const auto refused = spawn(tasks, background(), [&](const context&) -> task<> {
        ++begun;
        const std::error_code ec = co_await wait_done(c.ctx);
        ended += ec == errc::canceled;
      });
      ASSERT_FALSE(refused);
    }
    EXPECT_TRUE(spin_until([&] { return begun == 4 * round; }));
    for (int i = 0; i < 10; ++i) {
      functions.emplace_back(c.ctx, std::function<void()>([&] { ++called; }));
    }
  }
  c.cancel();
  EXPECT_TRUE(spin_until([&] { return tasks.now().tasks == 0; }));
  EXPECT_EQ(ended, 12);
  EXPECT_EQ(called, 30);
}

// Tasks of two threads come and go while the context ends. Each wait must end once, and at the end
// of the context all of them.
class shared_wait_race : public ::testing::TestWithParam<unsigned> {};

TEST_P(shared_wait_race, of_many_that_leave_and_the_end_ends_all) {
  const auto seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto us = [&](unsigned below) { return std::chrono::microseconds(random() % below); };
  loop tasks({.name = "tasks", .threads = 2});
  for (int round = 0; round < rounds(100); ++round) {
    const auto c = with_cancel(background());
    event never_set;
    channel<int> numbers(1);
    std::atomic<int> ended{0};
    const int count = 3 + static_cast<int>(random() % 20);
    for (int i = 0; i < count; ++i) {
      const auto kind = random() % 5;
      const auto time = us(50) + 1us;
      const auto refused = spawn(tasks, background(), [&, kind, time](const context&) -> task<> {
        std::error_code ec;
        for (int n = 0; ec != errc::canceled; ++n) {
          if (kind == 0) {
            ec = co_await never_set.wait(c.ctx);
          } else if (kind == 1) {
            ec = co_await numbers.send(c.ctx, n);
          } else if (kind == 2) {
            ec = co_await numbers.receive(c.ctx, n);
          } else {
            ec = co_await sleep_for(c.ctx, time);
          }
        }
        ended += c.ctx.done();
      });
      ASSERT_FALSE(refused);
    }
    static_cast<void>(sleep_for(background(), us(300)));
    c.cancel();
    EXPECT_TRUE(spin_until([&] { return tasks.now().tasks == 0; }));
    EXPECT_EQ(ended, count);
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, shared_wait_race, ::testing::Range(0U, 4U));

}  // namespace
}  // namespace hangup
