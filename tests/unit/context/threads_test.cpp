// The kept threads under task_group.
#include "hangup/context/detail/threads.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

template <class F>
struct call final : tree::thread_call {
  explicit call(F fn) : f(std::move(fn)) {}
  void run() noexcept override { f(); }
  void refuse(std::error_code) noexcept override {}
  F f;
};

// A task that deletes itself, as those of a group do.
template <class F>
struct own_call final : tree::thread_call {
  explicit own_call(F fn) : f(std::move(fn)) {}
  void run() noexcept override {
    const std::unique_ptr<own_call> self(this);
    f();
  }
  void refuse(std::error_code) noexcept override { delete this; }
  F f;
};
template <class F>
std::error_code start(F f) {
  return tree::start(*std::make_unique<own_call<F>>(std::move(f)).release());
}

TEST(kept_threads, run_a_task_once_on_a_thread_of_their_own) {
  std::atomic<int> ran{0};
  std::thread::id where;
  std::latch over(1);
  call task([&] {
    where = std::this_thread::get_id();
    ++ran;
    over.count_down();
  });
  EXPECT_EQ(tree::start(task), std::error_code());
  over.wait();
  EXPECT_EQ(ran, 1);
  EXPECT_NE(where, std::this_thread::get_id());
  EXPECT_GE(tree::kept_threads(), 1U);
}

TEST(kept_threads, are_used_again) {
  std::set<std::thread::id> seen;
  std::mutex guard;
  const int tasks = rounds(2000);
  for (int i = 0; i < tasks; ++i) {
    std::latch over(1);
    ASSERT_FALSE(start([&] {
      {
        const std::lock_guard hold(guard);
        seen.insert(std::this_thread::get_id());
      }
      over.count_down();
    }));
    over.wait();
  }
  EXPECT_LT(seen.size(), static_cast<std::size_t>(tasks) / 4);
}

TEST(kept_threads, a_burst_of_short_tasks_runs_on_far_fewer_threads) {
  std::set<std::thread::id> seen;
  std::mutex guard;
  const int tasks = rounds(20'000);
  std::latch over(tasks);
  for (int i = 0; i < tasks; ++i) {
    ASSERT_FALSE(start([&] {
      {
        const std::lock_guard hold(guard);
        seen.insert(std::this_thread::get_id());
      }
      over.count_down();
    }));
  }
  over.wait();
  const std::lock_guard hold(guard);
  EXPECT_LT(seen.size(), static_cast<std::size_t>(tasks) / 4);
}

TEST(kept_threads, a_task_may_be_started_again_when_it_has_run) {
  std::latch* over = nullptr;
  call task([&] { over->count_down(); });
  for (int i = 0; i < rounds(1000); ++i) {
    std::latch this_time(1);
    over = &this_time;
    ASSERT_FALSE(tree::start(task));
    this_time.wait();
  }
}

TEST(kept_threads, tasks_that_block_in_waits_of_ours_give_their_core_away) {
  const auto c = with_cancel(background());
  constexpr int tasks = 200;
  std::latch asleep(tasks);
  std::latch over(tasks);
  for (int i = 0; i < tasks; ++i) {
    ASSERT_FALSE(start([&] {
      asleep.count_down();
      (void)wait_done(c.ctx);
      over.count_down();
    }));
  }
  asleep.wait();
  EXPECT_GE(tree::kept_threads(), 200U);
  c.cancel();
  over.wait();
}

TEST(kept_threads, blocking_may_be_nested_and_used_on_any_thread) {
  const tree::blocking here;
  const tree::blocking here_too;
  std::latch over(8);
  for (int i = 0; i < 8; ++i) {
    ASSERT_FALSE(start([&] {
      {
        const tree::blocking outer;
        const tree::blocking inner;
        std::this_thread::yield();
      }
      over.count_down();
    }));
  }
  over.wait();
  std::latch all(64);
  std::latch after(64);
  for (int i = 0; i < 64; ++i) {
    ASSERT_FALSE(start([&] {
      all.arrive_and_wait();
      after.count_down();
    }));
  }
  after.wait();
}

TEST(kept_threads, tasks_started_from_many_threads_and_from_tasks_all_run) {
  std::atomic<int> ran{0};
  constexpr int each = tsan ? 200 : 2000;
  std::latch over(4 * each * 2);
  together(4, [&](int) {
    for (int i = 0; i < each; ++i) {
      EXPECT_FALSE(start([&] {
        EXPECT_FALSE(start([&] {
          ++ran;
          over.count_down();
        }));
        ++ran;
        over.count_down();
      }));
    }
  });
  over.wait();
  EXPECT_EQ(ran, 4 * each * 2);
}

TEST(kept_threads, bursts_of_blocking_and_of_short_tasks_take_turns) {
  for (int round = 0; round < rounds(30); ++round) {
    std::latch blocked(40);
    std::latch go_on(1);
    std::latch over(40 + 100);
    for (int i = 0; i < 40; ++i) {
      ASSERT_FALSE(start([&] {
        blocked.count_down();
        go_on.wait();
        over.count_down();
      }));
    }
    for (int i = 0; i < 100; ++i) {
      ASSERT_FALSE(start([&] { over.count_down(); }));
    }
    blocked.wait();
    go_on.count_down();
    over.wait();
  }
}

TEST(kept_threads, end_when_they_have_had_nothing_to_do) {
  std::latch all(32);
  std::latch returned(32);
  for (int i = 0; i < 32; ++i) {
    ASSERT_FALSE(start([&] {
      all.arrive_and_wait();
      returned.count_down();
    }));
  }
  returned.wait();
  EXPECT_GE(tree::kept_threads(), 32U);
  const auto limit = clock::now() + patience;
  while (tree::kept_threads() != 0 && clock::now() < limit) {
    std::this_thread::sleep_for(50ms);  // of their end nobody is told
  }
  EXPECT_EQ(tree::kept_threads(), 0U);
  std::latch over(1);
  ASSERT_FALSE(start([&] { over.count_down(); }));  // and one is made again
  over.wait();
}

#if !defined(HANGUP_TSAN) && !defined(HANGUP_ASAN)

// No more than a little memory beyond what there is: no stack of a thread fits in.
void allow_no_thread() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto now = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const rlimit most{now + (std::size_t{1} << 20), RLIM_INFINITY};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &most), 0);
  EXPECT_THROW(std::thread([] {}).join(), std::system_error);
}

void allow_threads() {
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &all), 0);
}

[[noreturn]] void without_a_thread() {
  int ran = 0;
  {
    allow_no_thread();
    task_group g(background(), {.limit = 1});
    const auto ec = g.go([&] { ++ran; });
    EXPECT_EQ(ec, std::errc::resource_unavailable_try_again);
    EXPECT_EQ(g.wait(), ec);  // it counts as the error of the task
    task_group again({.limit = 1});
    EXPECT_FALSE(again.try_go([&] { ++ran; }));  // and this one counts for nothing
    EXPECT_EQ(tree::kept_threads(), 0U);
    EXPECT_EQ(ran, 0);
    allow_threads();
    EXPECT_TRUE(again.try_go([&] { ++ran; }));  // its room was given back
    EXPECT_EQ(again.wait(), std::error_code());
    EXPECT_EQ(ran, 1);
  }
  std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
}

TEST(kept_threads, a_task_without_a_thread_is_refused) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        (void)with_timeout(background(), never);  // the timer service has its thread
        without_a_thread();
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(kept_threads, a_task_without_a_thread_is_refused_also_before_there_is_any) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(without_a_thread(), ::testing::ExitedWithCode(0), "");
}

TEST(kept_threads, tasks_wait_for_the_threads_there_are_when_none_can_be_made) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        std::latch go_on(1);
        std::atomic<int> ran{0};
        {
          (void)with_timeout(background(), never);
          task_group g;
          std::latch started(1);
          g.go([&] {
            started.count_down();
            go_on.wait();
          });
          started.wait();
          allow_no_thread();
          for (int i = 0; i < 20; ++i) {
            EXPECT_EQ(g.go([&] { ++ran; }), std::error_code());
          }
          go_on.count_down();
          EXPECT_EQ(g.wait(), std::error_code());
          EXPECT_EQ(ran, 20);
        }
        std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

#endif

}  // namespace
}  // namespace hangup
