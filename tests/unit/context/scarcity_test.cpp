// Contexts, groups and pools where there is no memory, no thread or no descriptor: one failure is
// one failure, said to whoever asked, and what there was before goes on.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "hangup/context/bridge.h"
#include "hangup/context/detail/timer.h"
#include "hangup/context/signal.h"
#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "hangup/worker/after_func_on.h"
#include "hangup/worker/pool.h"
#include "tests/support/needs.h"
#include "tests/support/scarce.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

const std::string long_words(200, 'w');

// A test that needs a process of its own, as services start once and threads are kept.
template <class F>
void alone(const F& f) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        f();
        std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

void expect_that_signals_work() {
  const auto c = with_signal(background(), {SIGUSR1});
  ::raise(SIGUSR1);
  EXPECT_EQ(wait_done(c.ctx).get(), errc::canceled);
  EXPECT_EQ(c.ctx.cause()->text, "SIGUSR1");
}

TEST(no_descriptor, for_signals_is_an_error_and_nothing_has_changed) {  // B87
  alone([] {
    {
      const without_descriptors none;
      for (int i = 0; i < 2; ++i) {
        EXPECT_THROW((void)with_signal(background(), {SIGUSR1}), std::system_error);
      }
    }
    struct sigaction now {};
    ::sigaction(SIGUSR1, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
    expect_that_signals_work();
  });
}

TEST(no_thread, for_signals_is_an_error_and_nothing_has_changed) {  // B87
  needs({no_sanitizer("has its own pthread_create")});
  alone([] {
    const int before = ::dup(0);
    ::close(before);
    {
      const without_threads none;
      EXPECT_THROW((void)with_signal(background(), {SIGUSR1}), std::system_error);
    }
    const int after = ::dup(0);
    ::close(after);
    EXPECT_EQ(after, before) << "a descriptor was left behind";
    expect_that_signals_work();
  });
}

TEST(no_memory, for_a_context_of_signals_is_bad_alloc_and_nothing_has_changed) {  // B87
  {
    const without_memory none;
    EXPECT_THROW((void)with_signal(background(), {SIGUSR1, SIGUSR2}), std::bad_alloc);
  }
  struct sigaction now {};
  ::sigaction(SIGUSR1, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
  expect_that_signals_work();
}

TEST(no_memory, does_not_keep_a_signal_from_ending_its_contexts) {
  const auto one = with_signal(background(), {SIGUSR1, SIGUSR2});
  const auto two = with_signal(background(), {SIGUSR2});
  const without_memory none(without_memory::of_others);
  ::raise(SIGUSR2);
  EXPECT_EQ(wait_done(one.ctx).get(), errc::canceled);
  EXPECT_EQ(wait_done(two.ctx).get(), errc::canceled);
  EXPECT_EQ(two.ctx.cause()->text, "SIGUSR2");
}

TEST(with_signal, a_signal_ends_those_that_waited_when_it_came) {
  const auto first = with_signal(background(), {SIGUSR1});
  std::optional<cancelable> second;
  const after_func again(first.ctx, [&] { second = with_signal(background(), {SIGUSR1}); });
  ::raise(SIGUSR1);
  ASSERT_TRUE(spin_until([&] { return second.has_value(); }));
  const auto third = with_signal(background(), {SIGUSR2});
  ::raise(SIGUSR2);  // is heard after the first
  EXPECT_EQ(wait_done(third.ctx).get(), errc::canceled);
  EXPECT_FALSE(second->ctx.done());
}

struct counted_timer final : tree::timer {
  void expire() noexcept override { expired.fetch_add(1); }
  std::atomic<int> expired{0};
};

TEST(no_memory, loses_no_timer) {
  ASSERT_FALSE(tree::start_timers());
  std::vector<counted_timer> all(5000);
  {
    const without_memory none;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].arm(clock::now() + (i % 3 == 2 ? never : clock::duration(1ms)));
    }
    for (std::size_t i = 2; i < all.size(); i += 6) {
      all[i].disarm_timer();
    }
    for (std::size_t i = 5; i < all.size(); i += 6) {
      all[i].arm(clock::now() + 1ms);  // moved
    }
  }
  EXPECT_TRUE(spin_until([] { return tree::armed_timers() == 0; }));
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].disarm_and_wait();
    EXPECT_EQ(all[i].expired.load(), i % 6 == 2 ? 0 : 1) << i;
  }
}

TEST(no_memory, for_the_words_of_a_cause_costs_the_words_and_not_the_end) {
  const auto parent = with_cancel(background());
  const auto other = with_cancel(background());
  const auto both = with_either(parent.ctx, other.ctx);
  cause why{.kind = test::kinds::overruled, .text = long_words};
  {
    const without_memory none;
    other.cancel(std::move(why));
  }
  ASSERT_TRUE(both.ctx.done());
  EXPECT_EQ(both.ctx.cause()->kind, test::kinds::overruled);
  EXPECT_EQ(both.ctx.cause()->text, "");
  EXPECT_EQ(other.ctx.cause()->text, long_words);
}

TEST(no_memory, for_the_words_of_an_exception_costs_the_words_and_not_the_end) {
  task_group g(background());
  std::latch all_run(3);
  std::latch go_on(1);
  std::error_code sibling;
  g.go([&](const context& ctx) {
    all_run.arrive_and_wait();
    sibling = wait_done(ctx);
  });
  g.go([&, e = std::runtime_error(long_words)] {
    all_run.arrive_and_wait();
    go_on.wait();
    throw e;
  });
  all_run.arrive_and_wait();
  {
    const without_memory none(without_memory::of_others);
    go_on.count_down();
    EXPECT_THROW(g.wait(), std::runtime_error);
  }
  EXPECT_EQ(sibling, errc::canceled);
  EXPECT_EQ(g.ctx().cause()->kind, cause_kind::sibling_failed);
  EXPECT_EQ(g.ctx().cause()->text, "");
}

TEST(no_memory, for_a_task_is_bad_alloc_and_it_counts_for_nothing) {
  task_group g;
  const std::array<char, 64> large{};
  {
    const without_memory none;
    EXPECT_THROW(g.go([large] { (void)large; }), std::bad_alloc);
  }
  EXPECT_EQ(g.wait(), std::error_code());
}

TEST(no_memory, for_a_thread_is_an_error_of_the_task) {
  alone([] {
    ASSERT_FALSE(tree::start_timers());
    struct runs final : tree::thread_call {
      void run() noexcept override { over.count_down(); }
      void refuse(std::error_code) noexcept override {}
      std::latch over{1};
    } t;
    {
      const without_memory none;
      EXPECT_EQ(tree::start(t), std::errc::not_enough_memory);
    }
    EXPECT_EQ(tree::start(t), std::error_code());
    t.over.wait();
    pool p({.name = "p", .workers = 2, .queue = 4});
    struct nothing final : job {
      void run() noexcept override {}
      void dropped() noexcept override {}
    } j;
    {
      const without_memory none;
      EXPECT_EQ(p.post(background(), j), std::errc::not_enough_memory);
    }
    EXPECT_EQ(p.run(background(), [](const context&) {}), std::error_code());
    EXPECT_EQ(p.now().queued, 0U);
  });
}

TEST(no_thread, for_the_first_worker_of_a_pool_is_an_error_and_later_there_is_one) {
  needs({no_sanitizer("has its own pthread_create")});
  pool p({.name = "p", .workers = 2, .queue = 4});
  {
    const without_threads none;
    const auto ec = p.run(background(), [](const context&) {});
    EXPECT_EQ(ec, std::errc::resource_unavailable_try_again);
    EXPECT_EQ(p.why_not(ec), "the pool \"p\" has no worker and cannot start one");
  }
  EXPECT_EQ(p.run(background(), [](const context&) {}), std::error_code());
  {
    const without_threads none;  // the worker that there is goes on
    std::latch ran(4);
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(p.submit(background(), [&](const context&) { ran.count_down(); }),
                std::error_code());
    }
    ran.wait();
  }
}

TEST(no_thread, for_a_function_on_a_pool_runs_it_on_the_thread_that_ends_the_context) {
  needs({no_sanitizer("has its own pthread_create")});
  pool p({.name = "p", .workers = 1});
  const auto c = with_cancel(background());
  std::thread::id ran_on;
  const after_func_on on_end(c.ctx, p, [&] { ran_on = std::this_thread::get_id(); });
  const without_threads none;
  c.cancel();
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(no_thread, for_timers_leaves_deadlines_to_those_who_wait_until_there_is_one) {
  needs({no_sanitizer("has its own pthread_create")});
  alone([] {
    {
      const without_threads none;
      EXPECT_TRUE(tree::start_timers());
      const auto c = with_timeout(background(), 1ms);
      EXPECT_EQ(wait_done(c.ctx).get(), errc::deadline_exceeded);
    }
    const auto c = with_timeout(background(), 1ms);
    EXPECT_TRUE(spin_until([&] { return c.ctx.done(); }));
    EXPECT_FALSE(tree::start_timers());
  });
}

// What is waited for is in the queue, behind those that wait for it.
TEST(no_thread, for_tasks_that_others_wait_for_is_an_error_and_no_wait_without_end) {
  needs({no_sanitizer("has its own pthread_create")});
  alone([] {
    ASSERT_FALSE(tree::start_timers());
    task_group g(background());
    std::latch runs(1);
    std::error_code waited;
    g.go([&](const context& ctx) {
      runs.count_down();
      waited = wait_done(ctx);
      return waited;
    });
    runs.wait();
    const without_threads none;
    EXPECT_EQ(g.go([] {}), std::error_code()) << "there is a thread, which may come";
    EXPECT_EQ(wait_done(g.ctx()).get(), errc::canceled);
    EXPECT_EQ(g.wait(), std::errc::resource_unavailable_try_again);
    EXPECT_EQ(waited, errc::canceled);
  });
}

TEST(no_descriptor, for_a_wake_up_does_not_make_a_wait_deaf) {
  const int bell = ::eventfd(0, EFD_CLOEXEC);
  const auto c = with_cancel(background());
  const auto timed = with_timeout(background(), 30ms);
  std::error_code ready{1, std::generic_category()};
  std::error_code late;
  std::error_code over;
  std::error_code ended;
  std::latch waits(1);
  std::optional<without_descriptors> none(std::in_place);
  std::jthread waiter([&] {  // that has waited for nothing before
    late = wait_fd(c.ctx, bell, POLLIN, clock::now() + 30ms);
    over = wait_fd(timed.ctx, bell, POLLIN);
    const std::uint64_t one = 1;
    (void)::write(bell, &one, sizeof one);
    ready = wait_fd(c.ctx, bell, POLLIN);
    std::uint64_t rings = 0;
    (void)::read(bell, &rings, sizeof rings);
    waits.count_down();
    ended = wait_fd(c.ctx, bell, POLLIN);
  });
  waits.wait();
  c.cancel();
  waiter.join();
  EXPECT_EQ(late, std::errc::timed_out);
  EXPECT_EQ(over, errc::deadline_exceeded);
  EXPECT_EQ(ready, std::error_code());
  EXPECT_EQ(ended, errc::canceled);
  none.reset();
  ::close(bell);
}

}  // namespace
}  // namespace hangup
