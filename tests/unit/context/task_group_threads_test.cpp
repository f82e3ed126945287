// task_group between threads: limits, tasks that wait for each other, and many groups at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <functional>
#include <future>
#include <latch>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

const auto failure = std::make_error_code(std::errc::io_error);

void raise_to(std::atomic<int>& highest, int value) {
  int seen = highest;
  while (seen < value && !highest.compare_exchange_weak(seen, value)) {
  }
}

TEST(task_group_limit, is_never_exceeded_over_1025_tasks) {  // B80
  for (const int limit : {1, 2, 10}) {
    task_group g(background(), {.limit = limit});
    std::atomic<int> active{0};
    std::atomic<int> highest{0};
    std::atomic<int> ran{0};
    for (int i = 0; i < rounds(1025); ++i) {
      ASSERT_EQ(g.go([&] {
        raise_to(highest, ++active);
        std::this_thread::yield();
        --active;
        ++ran;
      }),
                std::error_code());
    }
    EXPECT_EQ(g.wait(), std::error_code());
    EXPECT_LE(highest, limit);
    EXPECT_EQ(ran, rounds(1025));
  }
}

TEST(task_group_limit, is_reached) {  // B80
  task_group g({.limit = 10});
  std::barrier all(10);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(g.go([&] { all.arrive_and_wait(); }), std::error_code());
  }
  EXPECT_EQ(g.wait(), std::error_code());
}

TEST(task_group_limit, holds_for_go_from_many_threads) {  // B80
  for (int round = 0; round < rounds(20); ++round) {
    task_group g({.limit = 3});
    std::atomic<int> active{0};
    std::atomic<int> highest{0};
    std::atomic<int> ran{0};
    together(4, [&](int) {
      for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(g.go([&] {
          raise_to(highest, ++active);
          ++ran;
          --active;
        }),
                  std::error_code());
      }
    });
    EXPECT_EQ(g.wait(), std::error_code());
    ASSERT_LE(highest, 3);
    ASSERT_EQ(ran, 200);
  }
}

TEST(task_group_limit, go_waits_for_room) {  // B80
  task_group g({.limit = 1});
  std::latch go_on(1);
  std::atomic<bool> first_over{false};
  bool order = false;
  g.go([&] {
    go_on.wait();
    first_over = true;
  });
  std::jthread opener([&] { go_on.count_down(); });
  EXPECT_EQ(g.go([&] { order = first_over; }), std::error_code());
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_TRUE(order);
}

TEST(task_group_limit, try_go_is_true_below_it_and_false_at_it_and_true_after_the_drain) {  // B81
  task_group g;
  const auto ok = std::error_code();
  for (int n = 1; n <= 20; ++n) {
    g.set_limit(n);
    std::latch go_on(1);
    std::atomic<int> ran{0};
    const auto task = [&] {
      go_on.wait();
      ++ran;
    };
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(g.try_go(task)) << i << " of " << n;
    }
    ASSERT_FALSE(g.try_go(task));
    go_on.count_down();
    ASSERT_EQ(g.wait(), ok);
    ASSERT_EQ(ran, n);
    ASSERT_TRUE(g.try_go([] {}));
    ASSERT_EQ(g.wait(), ok);
  }
}

TEST(task_group_limit, of_zero_lets_nothing_start) {  // B82
  task_group g({.limit = 0});
  bool ran = false;
  EXPECT_FALSE(g.try_go([&] { ran = true; }));
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_EQ(g.go([&] { ran = true; }), std::errc::operation_not_permitted);
  EXPECT_EQ(g.wait(), std::errc::operation_not_permitted);
  EXPECT_FALSE(ran);
  g.set_limit(1);
  EXPECT_TRUE(g.try_go([&] { ran = true; }));
  EXPECT_EQ(g.wait(), std::errc::operation_not_permitted);  // the first error stays
  EXPECT_TRUE(ran);
}

TEST(task_group_limit, negative_is_none) {  // B82
  for (const int none : {-1, -100}) {
    task_group g;
    g.set_limit(1);
    g.set_limit(none);
    std::barrier all(50);
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(g.try_go([&] { all.arrive_and_wait(); }));
    }
    EXPECT_EQ(g.wait(), std::error_code());
  }
}

TEST(task_group_limit, changed_while_tasks_run_is_a_programming_error_that_names_them) {  // B83
  for (const int before : {-1, 5}) {
    task_group g({.limit = before});
    std::latch started(3);
    std::latch go_on(1);
    for (int i = 0; i < 3; ++i) {
      g.go([&] {
        started.count_down();
        go_on.wait();
      });
    }
    started.wait();
    try {
      g.set_limit(1);
      ADD_FAILURE() << "accepted";
    } catch (const std::logic_error& e) {
      EXPECT_NE(std::string(e.what()).find('3'), std::string::npos) << e.what();
    }
    go_on.count_down();
    EXPECT_EQ(g.wait(), std::error_code());
    g.set_limit(1);  // and now it may
    EXPECT_TRUE(g.try_go([] {}));
    EXPECT_EQ(g.wait(), std::error_code());
  }
}

TEST(task_group_limit, go_that_waits_for_room_is_woken_by_the_end) {  // B84
  for (int round = 0; round < rounds(100); ++round) {
    const auto parent = with_cancel(background());
    task_group g(parent.ctx, {.limit = 1});
    std::latch go_on(1);
    bool ran = false;
    g.go([&] { go_on.wait(); });
    std::jthread ender([&] { parent.cancel(); });
    ASSERT_EQ(g.go([&] { ran = true; }), errc::canceled);  // would hang: nobody makes room
    go_on.count_down();
    ASSERT_EQ(g.wait(), errc::canceled);  // and that is no success
    ASSERT_FALSE(ran);
  }
}

TEST(task_group_limit, go_that_waits_for_room_is_woken_by_the_deadline) {  // B84
  const auto parent = with_timeout(background(), 20ms);
  task_group g(parent.ctx, {.limit = 1});
  std::latch go_on(1);
  g.go([&] { go_on.wait(); });
  EXPECT_EQ(g.go([] {}), errc::deadline_exceeded);
  go_on.count_down();
  EXPECT_EQ(g.wait(), errc::deadline_exceeded);
}

// The room is made by the very task that has ended the context: so whoever gets the room comes
// after the end.
TEST(task_group_limit, room_that_a_failed_task_leaves_is_given_to_nobody) {  // B76 B84
  int started = 0;
  for (int round = 0; round < rounds(500); ++round) {
    task_group g(background(), {.limit = 1});
    std::latch about_to_wait(1);
    std::minstd_rand dice(static_cast<unsigned>(round));
    const auto spins = dice() % 2000;
    g.go([&, spins] {
      about_to_wait.wait();
      for (unsigned i = 0; i < spins; ++i) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
      }
      return failure;
    });
    std::atomic<bool> ran{false};
    about_to_wait.count_down();
    const auto told = g.go([&] { ran = true; });
    EXPECT_EQ(g.wait(), failure);
    started += ran;
    EXPECT_EQ(told == std::error_code(), ran);
  }
  EXPECT_EQ(started, 0) << "tasks were started on an ended context";
}

TEST(task_group_limit, many_that_wait_for_room_are_all_woken_by_one_failure) {  // B84
  for (int round = 0; round < rounds(30); ++round) {
    task_group g(background(), {.limit = 1});
    std::latch fail(1);
    std::atomic<int> refused{0};
    g.go([&] {
      fail.wait();
      return failure;
    });
    {
      std::vector<std::jthread> waiting;
      for (int i = 0; i < 8; ++i) {
        waiting.emplace_back([&] { refused += g.go([] {}) == errc::canceled; });
      }
      fail.count_down();
    }
    EXPECT_EQ(g.wait(), failure);
    EXPECT_EQ(refused, 8);
  }
}

// How the tasks of one group wait for each other.

TEST(task_group_blocking, a_barrier_of_300_tasks_in_one_group_is_passed) {
  task_group g(background());
  std::barrier all(300);
  std::atomic<int> passed{0};
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(g.go([&] {
      all.arrive_and_wait();
      ++passed;
    }),
              std::error_code());
  }
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_EQ(passed, 300);
}

TEST(task_group_blocking, tasks_in_waits_that_are_not_ours_all_have_a_thread) {
  for (int round = 0; round < rounds(20); ++round) {
    task_group g;
    std::latch all(64);
    std::latch go_on(1);
    for (int i = 0; i < 64; ++i) {
      g.go([&] {
        all.count_down();
        go_on.wait();
      });
    }
    all.wait();  // would hang if one had no thread
    go_on.count_down();
    ASSERT_EQ(g.wait(), std::error_code());
  }
}

TEST(task_group_blocking, of_1000_tasks_each_waits_for_the_next) {
  constexpr int tasks = tsan ? 300 : 1000;
  task_group g(background());
  std::vector<cancelable> turn;
  for (int i = 0; i <= tasks; ++i) {
    turn.push_back(with_cancel(background()));
  }
  for (int i = 0; i < tasks; ++i) {
    const auto at = static_cast<std::size_t>(i);
    ASSERT_EQ(g.go([&turn, at] {
      (void)wait_done(turn[at + 1].ctx);
      turn[at].cancel();
    }),
              std::error_code());
  }
  turn.back().cancel();
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_TRUE(turn.front().ctx.done());
}

TEST(task_group_blocking, of_1000_tasks_all_wait_for_the_last) {
  constexpr int tasks = tsan ? 300 : 1000;
  task_group g(background());
  const auto last = with_cancel(background());
  std::atomic<int> woken{0};
  for (int i = 1; i < tasks; ++i) {
    ASSERT_FALSE(g.go([&] {
      (void)wait_done(last.ctx);
      ++woken;
    }));
  }
  ASSERT_FALSE(g.go([&] { last.cancel(); }));
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_EQ(woken, tasks - 1);
}

TEST(task_group_blocking, a_failure_wakes_1000_sleepers) {  // B76
  constexpr int tasks = tsan ? 300 : 1000;
  task_group g(background());
  std::atomic<int> woken{0};
  std::latch all(tasks);
  for (int i = 0; i < tasks; ++i) {
    ASSERT_FALSE(g.go([&](const context& ctx) {
      all.count_down();
      woken += wait_done(ctx) == errc::canceled;
    }));
  }
  g.go([&] {
    all.wait();
    return failure;
  });
  EXPECT_EQ(g.wait(), failure);
  EXPECT_EQ(woken, tasks);
}

TEST(task_group_blocking, groups_in_tasks_of_groups_to_a_depth_of_40) {
  std::atomic<int> leaves{0};
  std::function<std::error_code(const context&, int)> down = [&](const context& ctx,
                                                                 int left) -> std::error_code {
    if (left == 0) {
      ++leaves;
      return {};
    }
    task_group inner(ctx);
    inner.go([&](const context& below) { return down(below, left - 1); });
    inner.go([](const context&) {});
    return inner.wait();
  };
  EXPECT_EQ(down(background(), 40), std::error_code());
  EXPECT_EQ(leaves, 1);
}

TEST(task_group_blocking, an_error_comes_up_through_nested_groups_and_ends_all) {
  std::atomic<int> asleep{0};
  std::function<std::error_code(const context&, int)> down = [&](const context& ctx,
                                                                 int left) -> std::error_code {
    if (left == 0) {
      return spin_until([&] { return asleep == 20; }) ? failure : std::error_code();
    }
    task_group inner(ctx);
    inner.go([&](const context& below) {
      ++asleep;
      return wait_done(below).get();
    });
    inner.go([&](const context& below) { return down(below, left - 1); });
    return inner.wait();
  };
  EXPECT_EQ(down(background(), 20), failure);
}

TEST(task_group_blocking, a_tree_of_groups_with_three_tasks_each) {
  std::atomic<int> leaves{0};
  std::function<void(const context&, int)> down = [&](const context& ctx, int left) {
    if (left == 0) {
      ++leaves;
      return;
    }
    task_group inner(ctx);
    for (int i = 0; i < 3; ++i) {
      inner.go([&](const context& below) { down(below, left - 1); });
    }
    EXPECT_EQ(inner.wait(), std::error_code());
  };
  down(background(), tsan ? 4 : 6);
  EXPECT_EQ(leaves, tsan ? 81 : 729);
}

TEST(task_group_blocking, a_nested_group_that_is_not_waited_for_is_joined_by_its_destructor) {
  task_group g(background());
  std::atomic<int> over{0};
  for (int i = 0; i < 8; ++i) {
    g.go([&](const context& ctx) {
      task_group inner(ctx);
      for (int j = 0; j < 4; ++j) {
        inner.go([&](const context& below) {
          (void)wait_done(below);
          ++over;
        });
      }
    });
  }
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_EQ(over, 32);
}

// Everything at once, by chance.
TEST(task_group_stress, many_groups_from_many_threads) {
  std::atomic<int> wrong{0};
  together(4, [&](int who) {
    for (int round = 0; round < rounds(150); ++round) {
      std::minstd_rand dice(static_cast<unsigned>(1000 * who + round + 1));
      const auto chance = [&dice](unsigned of) { return static_cast<int>(dice() % of); };
      const auto parent = with_cancel(background());
      std::atomic<int> ran{0};
      const auto held = std::make_shared<int>(who);
      int started = 0;
      {
        task_group g(parent.ctx, {.limit = chance(4) == 0 ? 1 + chance(5) : -1});
        const int tasks = chance(20);
        for (int i = 0; i < tasks; ++i) {
          const int what = chance(12);
          const auto task = [&ran, held, what](const context& ctx) -> std::error_code {
            ++ran;
            switch (what) {
              case 0:
                return failure;
              case 1:
                throw std::runtime_error("x");
              case 2:
                (void)sleep_for(ctx, 50us);
                return {};
              case 3:
                std::this_thread::yield();
                return ctx.err();
              default:
                return {};
            }
          };
          started += chance(3) == 0 ? g.try_go(task) : !g.go(task);
        }
        const int end = chance(4);
        if (end == 0) {
          parent.cancel();
        }
        if (end != 1) {
          try {
            (void)g.wait();
          } catch (const std::runtime_error&) {
          }
          wrong += ran != started || held.use_count() != 1 || !g.ctx().done();
        }
      }
      wrong += ran != started || held.use_count() != 1;
      wrong += scope_of(parent.ctx).kids != nullptr || scope_of(parent.ctx).hooks != nullptr;
    }
  });
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace hangup
