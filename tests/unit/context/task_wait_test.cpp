// The waits, awaited by tasks: the same promises as for threads.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <random>

#include "hangup/context/task.h"
#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

// Runs a wait as a task; make() returns what is awaited.
template <class Make>
std::error_code awaited(const Make& make) {
  const auto f = [&]() -> task<std::error_code> { co_return co_await make(); };
  return run_blocking(f());
}

TEST(task_wait, sleeps_for_the_time_and_not_less) {
  const auto begin = clock::now();
  EXPECT_FALSE(awaited([] { return sleep_for(background(), 20ms); }));
  EXPECT_GE(clock::now() - begin, 20ms);
}

TEST(task_wait, returns_as_soon_as_its_context_ends) {
  const auto c = with_cancel(background());
  std::jthread ender([&] { c.cancel(); });
  EXPECT_EQ(awaited([&] { return sleep_for(c.ctx, never); }), errc::canceled);
  EXPECT_EQ(awaited([&] { return wait_done(c.ctx); }), errc::canceled);
}

TEST(task_wait, on_an_ended_context_does_not_wait) {
  const auto c = with_cancel(background());
  c.cancel();
  const sockets pair;
  EXPECT_EQ(awaited([&] { return sleep_for(c.ctx, never); }), errc::canceled);
  EXPECT_EQ(awaited([&] { return wait_fd(c.ctx, pair.fd[0], POLLOUT); }), errc::canceled);
}

TEST(task_wait, notices_the_deadline_of_its_context_before_the_timer_thread_does) {
  const stalled_timer stalled;
  const sockets pair;
  for (int i = 0; i < 3; ++i) {
    const auto c = with_timeout(background(), 5ms);
    EXPECT_EQ(awaited([&]() { return sleep_for(c.ctx, never); }), errc::deadline_exceeded);
    const auto d = with_timeout(background(), 5ms);
    EXPECT_EQ(awaited([&]() { return wait_fd(d.ctx, pair.fd[0], POLLIN); }),
              errc::deadline_exceeded);
    const auto e = with_timeout(background(), 1ms);
    std::this_thread::sleep_for(2ms);
    EXPECT_EQ(awaited([&]() { return sleep_for(e.ctx, 0s); }), errc::deadline_exceeded);
  }
}

TEST(task_wait, of_any_length_is_defined) {
  const auto c = with_timeout(background(), 5ms);
  EXPECT_EQ(awaited([&] { return sleep_for(c.ctx, std::chrono::hours::max()); }),
            errc::deadline_exceeded);
  EXPECT_FALSE(awaited([] { return sleep_for(background(), std::chrono::hours::min()); }));
  EXPECT_FALSE(awaited([] { return sleep_until(background(), clock::time_point::min()); }));
}

TEST(task_wait, for_a_descriptor_returns_when_it_is_ready) {
  const auto c = with_timeout(background(), never);
  for (const auto& ctx : {background(), c.ctx}) {
    sockets pair;
    EXPECT_FALSE(awaited([&] { return wait_fd(ctx, pair.fd[0], POLLOUT); }));
    std::jthread writer([&] {
      std::this_thread::sleep_for(2ms);
      EXPECT_EQ(::write(pair.fd[1], "x", 1), 1);
    });
    EXPECT_FALSE(awaited([&] { return wait_fd(ctx, pair.fd[0], POLLIN); }));
    writer.join();
    char byte = 0;
    EXPECT_EQ(::read(pair.fd[0], &byte, 1), 1);
    std::jthread closer([&] { pair.hang_up(); });
    EXPECT_FALSE(awaited([&] { return wait_fd(ctx, pair.fd[0], 0); }));  // comes unasked
  }
}

TEST(task_wait, for_a_descriptor_ends_with_the_time_or_the_context) {
  const sockets pair;
  EXPECT_EQ(awaited([&] { return wait_fd(background(), pair.fd[0], POLLIN, clock::now() + 5ms); }),
            std::errc::timed_out);
  EXPECT_EQ(awaited([&] { return wait_fd(background(), -1, POLLIN, clock::now() + 5ms); }),
            std::errc::timed_out);
  const auto c = with_cancel(background());
  std::jthread ender([&] {
    std::this_thread::sleep_for(2ms);
    c.cancel();
  });
  EXPECT_EQ(awaited([&] { return wait_fd(c.ctx, pair.fd[0], POLLIN); }), errc::canceled);
}

TEST(task_wait, for_what_is_no_socket_says_the_same_as_for_a_thread) {
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  EXPECT_FALSE(awaited([&] { return wait_fd(background(), file, POLLIN); }));
  ::close(file);
  constexpr int nobodys = 1'000'000;
  EXPECT_EQ(awaited([&] { return wait_fd(background(), nobodys, POLLIN); }),
            wait_fd(background(), nobodys, POLLIN).get());
}

TEST(task_wait, of_two_tasks_for_one_descriptor_wakes_both) {
  const auto before = open_descriptors();
  {
    sockets pair;
    std::atomic<int> woken{0};
    loop tasks({.name = "tasks"});
    for (int i = 0; i < 3; ++i) {
      const auto ec = spawn(tasks, background(), [&](const context& ctx) -> task<> {
        const std::error_code failed = co_await wait_fd(ctx, pair.fd[0], POLLIN);
        woken += !failed;
      });
      EXPECT_FALSE(ec);
    }
    EXPECT_EQ(::write(pair.fd[1], "x", 1), 1);
    EXPECT_TRUE(spin_until([&] { return tasks.now().tasks == 0; }));
    EXPECT_EQ(woken, 3);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(task_wait, of_a_thousand_tasks_ends_with_one_cancel) {
  loop tasks({.name = "tasks", .threads = 2});
  const auto c = with_cancel(background());
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  for (int i = 0; i < 1000; ++i) {
    const auto ec = spawn(tasks, c.ctx, [&](const context& ctx) -> task<> {
      ++begun;
      const std::error_code why = co_await wait_done(ctx);
      ended += why == errc::canceled;
    });
    ASSERT_FALSE(ec);
  }
  EXPECT_TRUE(spin_until([&] { return begun == 1000; }));
  c.cancel();
  EXPECT_TRUE(spin_until([&] { return tasks.now().tasks == 0; }));
  EXPECT_EQ(ended, 1000);
}

TEST(task_wait, may_end_its_own_context_and_those_of_others_on_its_thread) {
  const auto c = with_cancel(background());
  loop tasks({.name = "tasks"});
  std::atomic<int> ended{0};
  for (int i = 0; i < 10; ++i) {
    const auto ec = spawn(tasks, c.ctx, [&, i](const context& ctx) -> task<> {
      const std::error_code why = co_await sleep_for(ctx, i == 9 ? 1ms : clock::duration(never));
      if (!why) {
        c.cancel();
      }
      ended += ctx.done();
    });
    ASSERT_FALSE(ec);
  }
  EXPECT_TRUE(spin_until([&] { return tasks.now().tasks == 0; }));
  EXPECT_EQ(ended, 10);
}

// Everything that can end a wait happens at nearly the same time, on three threads. Each wait must
// end once, with a result that is true, and nothing may be left behind.
class task_wait_race : public ::testing::TestWithParam<unsigned> {};

TEST_P(task_wait_race, of_cancel_time_and_descriptor_has_one_winner) {
  const auto seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto us = [&](unsigned below) { return std::chrono::microseconds(random() % below); };
  for (int round = 0; round < rounds(200); ++round) {
    const auto outer = with_cancel(background());
    const auto own = random() % 2 == 0 ? with_cancel(outer.ctx) : with_timeout(outer.ctx, us(200));
    const sockets pair;
    const auto until = clock::now() + us(200);
    const bool for_fd = random() % 2 == 0;
    int returns = 0;
    std::error_code ec;
    const auto waits = [&]() -> task<> {
      if (for_fd) {
        ec = co_await wait_fd(own.ctx, pair.fd[0], POLLIN, until);
      } else {
        ec = co_await sleep_until(own.ctx, until);
      }
      ++returns;
    };
    const auto ends_after = us(200);
    const auto writes_after = us(200);
    const bool parent = random() % 2 == 0;
    std::jthread ender([&] {
      static_cast<void>(sleep_for(background(), ends_after));
      parent ? outer.cancel() : own.cancel();
    });
    std::jthread writer([&] {
      static_cast<void>(sleep_for(background(), writes_after));
      EXPECT_EQ(::write(pair.fd[1], "x", 1), 1);
    });
    run_blocking(waits());
    EXPECT_EQ(returns, 1);
    if (ec == std::errc::timed_out && ec != errc::deadline_exceeded) {
      EXPECT_TRUE(for_fd && clock::now() >= until);
    } else if (ec) {
      EXPECT_EQ(ec, own.ctx.err());
    } else if (!for_fd) {
      EXPECT_GE(clock::now(), until);
    }
    ender.join();
    EXPECT_EQ(scope_of(own.ctx).hooks, nullptr);
  }
}

INSTANTIATE_TEST_SUITE_P(by_seed, task_wait_race, ::testing::Range(1U, 9U));

// Many tasks on two threads wait in all ways, while four threads end their contexts.
TEST_P(task_wait_race, of_many_tasks_and_threads_loses_none) {
  const auto seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr int count = 64;
  std::atomic<long> waits{0};
  {
    loop tasks({.name = "raced", .threads = 2});
    const sockets pair;
    for (int round = 0; round < rounds(40); ++round) {
      std::vector<cancelable> contexts;
      for (int i = 0; i < count; ++i) {
        contexts.push_back(with_cancel(i % 8 == 0 ? background() : contexts[0].ctx));
      }
      std::atomic<int> over{0};
      for (int i = 0; i < count; ++i) {
        const auto mine = seed * 1000 + static_cast<unsigned>(round * count + i);
        const auto ec =
            spawn(tasks, contexts[static_cast<std::size_t>(i)].ctx,
                  [&, mine](const context& ctx) -> task<> {
                    std::mt19937 dice(mine);
                    for (std::error_code end; !end;) {
                      const auto time = std::chrono::microseconds(dice() % 100);
                      if (dice() % 4 == 0) {
                        end = co_await wait_fd(ctx, pair.fd[0], POLLIN, clock::now() + time);
                        if (!ctx.done()) {
                          end.clear();
                        }
                      } else if (dice() % 8 == 0) {
                        end = co_await wait_done(ctx);
                      } else {
                        end = co_await sleep_for(ctx, time);
                      }
                      ++waits;
                    }
                    ++over;
                  });
        if (ec) {
          ++over;
        }
      }
      together(4, [&](int t) {
        std::mt19937 dice(seed * 77 + static_cast<unsigned>(round * 4 + t));
        for (std::size_t i = static_cast<std::size_t>(t); i < contexts.size(); i += 4) {
          static_cast<void>(sleep_for(background(), std::chrono::microseconds(dice() % 50)));
          contexts[contexts.size() - 1 - i].cancel();
        }
      });
      EXPECT_TRUE(spin_until([&] { return over == count; }));
    }
  }
  EXPECT_GT(waits, 0);
}

}  // namespace
}  // namespace hangup
