// Loops: where tasks run, how many there may be, what becomes of their errors, and the end.
#include "hangup/worker/loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>

#include "hangup/context/wait.h"
#include "tests/unit/worker/support.h"

namespace hangup {
namespace {

using namespace test;

bool is_empty(const loop& l) {
  return spin_until([&] { return l.now().tasks == 0; });
}

TEST(loop, runs_what_is_spawned_and_resumes_it_on_the_same_thread) {
  loop tasks({.name = "tasks", .threads = 3});
  std::atomic<int> elsewhere{0};
  std::mutex mutex;
  std::set<std::thread::id> used;
  for (int i = 0; i < 30; ++i) {
    ASSERT_FALSE(spawn(tasks, background(), [&](const context& ctx) -> task<> {
      const auto here = std::this_thread::get_id();
      for (int n = 0; n < 5; ++n) {
        const std::error_code ec = co_await sleep_for(ctx, 100us);
        elsewhere += ec || here != std::this_thread::get_id();
      }
      const std::lock_guard hold(mutex);
      used.insert(here);
    }));
  }
  EXPECT_TRUE(is_empty(tasks));
  EXPECT_EQ(elsewhere, 0);
  EXPECT_EQ(used.size(), 3U);
  EXPECT_FALSE(used.contains(std::this_thread::get_id()));
}

TEST(loop, starts_what_a_task_spawns_on_the_thread_of_that_task) {
  loop tasks({.name = "tasks", .threads = 4});
  std::atomic<int> elsewhere{0};
  ASSERT_FALSE(spawn(tasks, background(), [&](const context& ctx) -> task<> {
    for (int i = 0; i < 20; ++i) {
      const auto here = std::this_thread::get_id();
      const auto ec = spawn(tasks, ctx, [&elsewhere, here](const context&) -> task<> {
        elsewhere += here != std::this_thread::get_id();
        co_return;
      });
      elsewhere += static_cast<bool>(ec);
    }
    const std::error_code ec = co_await sleep_for(ctx, 1ms);  // its children run meanwhile
    elsewhere += static_cast<bool>(ec);
  }));
  EXPECT_TRUE(is_empty(tasks));
  EXPECT_EQ(elsewhere, 0);
}

TEST(loop, that_is_destroyed_ends_its_tasks_and_waits_for_them) {
  std::atomic<int> ended{0};
  {
    loop tasks({.name = "tasks", .threads = 2});
    for (int i = 0; i < 100; ++i) {
      ASSERT_FALSE(spawn(tasks, background(), [&](const context& ctx) -> task<> {
        const std::error_code why = co_await wait_done(ctx);
        if (why == errc::canceled && ctx.cause()->kind == cause_kind::shutdown) {
          // Cleaning up may take time and further waits.
          const std::error_code ec = co_await sleep_for(without_cancel(ctx), 1ms);
          ended += !ec;
        }
      }));
    }
  }
  EXPECT_EQ(ended, 100);
}

TEST(loop, that_is_destroyed_takes_no_new_tasks) {
  std::error_code refused;
  {
    loop tasks({.name = "tasks"});
    ASSERT_FALSE(spawn(tasks, background(), [&](const context& ctx) -> task<> {
      static_cast<void>(co_await wait_done(ctx));
      refused = spawn(tasks, background(), [](const context&) -> task<> { co_return; });
    }));
  }
  EXPECT_EQ(refused, loop_errc::stopped);
}

TEST(loop, has_as_many_tasks_as_it_may_and_refuses_more) {
  loop tasks({.name = "tasks", .max_tasks = 2});
  const auto c = with_cancel(background());
  const auto waits = [](const context& ctx) -> task<> {
    static_cast<void>(co_await wait_done(ctx));
  };
  EXPECT_FALSE(spawn(tasks, c.ctx, waits));
  EXPECT_FALSE(spawn(tasks, c.ctx, waits));
  EXPECT_EQ(spawn(tasks, c.ctx, waits), loop_errc::full);
  EXPECT_EQ(tasks.now().rejected, 1U);
  c.cancel();
  EXPECT_TRUE(is_empty(tasks));
  EXPECT_EQ(spawn(tasks, c.ctx, waits), errc::canceled);
  const auto d = with_cancel(background());
  EXPECT_FALSE(spawn(tasks, d.ctx, waits));
  d.cancel();
}

TEST(loop, does_not_keep_the_place_of_a_task_that_could_not_be_made) {
  loop tasks({.name = "tasks", .max_tasks = 1});
  EXPECT_THROW(static_cast<void>(spawn(
                   tasks, background(),
                   [](const context&) -> task<> { throw std::runtime_error("no coroutine"); })),
               std::runtime_error);
  EXPECT_THROW(
      static_cast<void>(spawn(tasks, background(), [](const context&) { return task<>(); })),
      std::logic_error);
  EXPECT_EQ(tasks.now().tasks, 0U);
}

task<> plain(std::atomic<int>& runs) {
  ++runs;
  co_return;
}

TEST(loop, runs_a_task_that_exists) {
  std::atomic<int> runs{0};
  loop tasks({.name = "tasks"});
  EXPECT_FALSE(spawn(tasks, background(), plain(runs)));
  EXPECT_TRUE(is_empty(tasks));
  EXPECT_EQ(runs, 1);
}

TEST(loop, tells_of_exceptions_that_leave_a_task_and_not_of_cancellations) {
  std::atomic<int> told{0};
  {
    loop tasks({.name = "tasks", .on_exception = [&](std::exception_ptr what) {
                  EXPECT_THROW(std::rethrow_exception(what), std::runtime_error);
                  ++told;
                }});
    ASSERT_FALSE(spawn(tasks, background(), [](const context&) -> task<> {
      throw std::runtime_error("it fails");
      co_return;
    }));
    ASSERT_FALSE(spawn(tasks, background(), [](const context& ctx) -> task<> {
      static_cast<void>(co_await wait_done(ctx));
      ctx.throw_if_done();
    }));
    ASSERT_FALSE(spawn(tasks, background(), [](const context& ctx) -> task<> {
      const std::error_code ec = co_await wait_done(ctx);
      throw std::system_error(ec, "a wait has failed");
    }));
  }
  EXPECT_EQ(told, 1);
}

TEST(loop, needs_a_thread) {
  EXPECT_THROW(loop({.name = "none", .threads = 0}), std::invalid_argument);
}

// Keeps what is told of threads that are held.
struct told_of {
  struct entry {
    std::string loop;
    location started;
    bool over;
  };
  held_report after(clock::duration time) {
    return {.after = time, .call = [this](const held_thread& t) {
              const std::lock_guard hold(mutex);
              all.push_back({std::string(t.loop), t.started, t.over});
            }};
  }
  bool has(unsigned line, bool over) {
    const std::lock_guard hold(mutex);
    return std::any_of(all.begin(), all.end(),
                       [&](const entry& e) { return e.started.line == line && e.over == over; });
  }
  std::mutex mutex;
  std::vector<entry> all;
};

TEST(loop, tells_of_a_task_that_does_not_come_back_and_again_when_it_has) {
  told_of told;
  std::atomic<bool> go_on{false};
  unsigned line = 0;
  {
    loop tasks({.name = "holds", .threads = 2, .held = told.after(10ms)});
    const auto waits = [](const context& ctx) -> task<> {
      static_cast<void>(co_await sleep_for(ctx, 50ms));  // waiting is not holding
    };
    EXPECT_FALSE(spawn(tasks, background(), waits));
    const auto ec = spawn(tasks, background(),
                          [&](const context& ctx) -> task<> {
                            static_cast<void>(co_await sleep_for(ctx, 1ms));
                            EXPECT_TRUE(spin_until([&] { return go_on.load(); }));
                            static_cast<void>(co_await sleep_for(ctx, 20ms));
                          },
                          {__FILE__, line = __LINE__});
    EXPECT_FALSE(ec);
    EXPECT_TRUE(spin_until([&] { return told.has(line, false); }));
    EXPECT_GE(tasks.now().held, 1U);
    EXPECT_FALSE(told.has(line, true));
    go_on = true;
    EXPECT_TRUE(spin_until([&] { return told.has(line, true); }));
    EXPECT_TRUE(is_empty(tasks));
    EXPECT_TRUE(spin_until([&] { return tasks.now().held == 0; }));
  }
  EXPECT_EQ(told.all[0].loop, "holds");
}

TEST(loop, tells_of_a_task_that_goes_on_after_its_context_has_ended) {
  std::atomic<int> late{0};
  std::atomic<int> over{0};
  std::atomic<bool> go_on{false};
  loop tasks({.name = "tasks", .late = {.after = 5ms, .call = [&](const late_stopper& l) {
                                          EXPECT_EQ(l.name, "tasks");
                                          l.over ? ++over : ++late;
                                        }}});
  const auto c = with_cancel(background());
  ASSERT_FALSE(spawn(tasks, c.ctx, [&](const context& ctx) -> task<> {
    while (!go_on) {
      static_cast<void>(co_await sleep_for(without_cancel(ctx), 1ms));
    }
  }));
  c.cancel();
  EXPECT_TRUE(spin_until([&] { return late == 1; }));
  EXPECT_EQ(tasks.now().late, 1U);
  go_on = true;
  EXPECT_TRUE(is_empty(tasks));
  EXPECT_TRUE(spin_until([&] { return over == 1; }));
}

TEST(on_pool, runs_there_and_comes_back) {
  pool workers({.name = "workers", .workers = 2});
  const auto f = [&]() -> task<std::error_code> {
    const auto here = std::this_thread::get_id();
    std::thread::id there;
    const std::error_code ec = co_await on(workers, background(), [&](const context&) {
      there = std::this_thread::get_id();
      return std::make_error_code(std::errc::io_error);
    });
    EXPECT_NE(here, there);
    EXPECT_EQ(here, std::this_thread::get_id());
    co_return ec;
  };
  EXPECT_EQ(run_blocking(f()), std::errc::io_error);
}

TEST(on_pool, belongs_to_the_owner_that_is_said_and_no_other_one_keeps_it_out) {
  pool workers({.name = "workers", .workers = 1, .spare_workers = 1});
  const auto f = [&]() -> task<> {
    const auto nothing = [](const context&) {};
    const std::error_code greedy = co_await on(workers, background(), nothing);
    EXPECT_EQ(greedy, pool_errc::full);
    const std::error_code other = co_await on(workers, background(), nothing, 7);
    EXPECT_FALSE(other) << other.message();
  };
  const busy one(workers);
  run_blocking(f());
}

TEST(on_pool, keeps_the_function_and_destroys_it_once) {
  pool workers({.name = "workers", .workers = 1, .queue = 1});
  const auto shared = std::make_shared<int>(0);
  const auto f = [&]() -> task<> {
    for (int i = 0; i < 10; ++i) {
      // GCC 12 would destroy the captures of a lambda without a name twice, which does not compile.
      const auto adds = [mine = shared](const context&) { ++*mine; };
      const std::error_code ec = co_await on(workers, background(), adds);
      EXPECT_FALSE(ec);
    }
  };
  run_blocking(f());
  EXPECT_EQ(*shared, 10);
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(on_pool, throws_what_the_function_throws) {
  pool workers({.name = "workers", .workers = 1});
  const auto f = [&]() -> task<> {
    static_cast<void>(co_await on(workers, background(),
                                  [](const context&) { throw std::runtime_error("it fails"); }));
  };
  EXPECT_THROW(run_blocking(f()), std::runtime_error);
}

TEST(on_pool, says_why_the_pool_refuses) {
  pool workers({.name = "workers", .workers = 1});
  busy holds(workers);
  const auto c = with_cancel(background());
  const auto f = [&](context ctx) -> task<std::error_code> {
    co_return co_await on(workers, ctx, [](const context&) { ADD_FAILURE() << "it runs"; });
  };
  EXPECT_EQ(run_blocking(f(background())), pool_errc::full);
  c.cancel();
  EXPECT_EQ(run_blocking(f(c.ctx)), errc::canceled);
}

TEST(on_pool, is_never_run_if_the_context_ends_in_the_queue) {
  pool workers({.name = "workers", .workers = 1, .queue = 1});
  busy holds(workers);
  const auto c = with_cancel(background());
  std::jthread ender([&] {
    EXPECT_TRUE(spin_until([&] { return workers.now().queued == 1; }));
    c.cancel();
  });
  const auto f = [&]() -> task<std::error_code> {
    co_return co_await on(workers, c.ctx, [](const context&) { ADD_FAILURE() << "it runs"; });
  };
  EXPECT_EQ(run_blocking(f()), errc::canceled);
  EXPECT_EQ(workers.now().dropped, 1U);
}

// A context that ends while its job is being taken from the queue: run or dropped, and back once.
TEST(on_pool, comes_back_once_when_the_end_and_a_worker_race) {
  pool workers({.name = "workers", .workers = 2, .queue = 100});
  loop tasks({.name = "tasks", .threads = 2});
  std::atomic<int> back{0};
  std::atomic<int> ran{0};
  std::atomic<int> dropped{0};
  const int count = rounds(2000);
  for (int i = 0; i < count; ++i) {
    const auto c = with_cancel(background());
    const auto ec = spawn(tasks, background(), [&, ctx = c.ctx](const context&) -> task<> {
      const std::error_code result = co_await on(workers, ctx, [&](const context&) { ++ran; });
      dropped += result == errc::canceled;
      ++back;
    });
    ASSERT_FALSE(ec);
    c.cancel();
    if (i % 50 == 0) {
      EXPECT_TRUE(is_empty(tasks));
    }
  }
  EXPECT_TRUE(is_empty(tasks));
  EXPECT_EQ(back, count);
  EXPECT_EQ(ran + dropped, count);
}

TEST(run_blocking, is_woken_by_other_threads_a_thousand_times) {
  for (int i = 0; i < rounds(1000); ++i) {
    const auto c = with_cancel(background());
    const auto f = [&]() -> task<std::error_code> { co_return co_await wait_done(c.ctx); };
    std::jthread ender([&] { c.cancel(); });
    ASSERT_EQ(run_blocking(f()), errc::canceled);
  }
}

TEST(run_blocking, leaves_no_descriptor_behind) {
  const auto before = open_descriptors();
  const auto f = []() -> task<int> { co_return 1; };
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(run_blocking(f()), 1);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(run_blocking, may_be_nested) {
  const auto inner = []() -> task<int> {
    const std::error_code ec = co_await sleep_for(background(), 1ms);
    co_return ec ? 0 : 1;
  };
  const auto outer = [&]() -> task<int> {
    const int one = run_blocking(inner());
    co_return one + co_await inner();
  };
  EXPECT_EQ(run_blocking(outer()), 2);
}

}  // namespace
}  // namespace hangup
