// What contexts cost in memory: counted, by replacing the operators of the whole test program here
// and only here. Sanitizers bring their own operators, so there is nothing to count with them.
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "hangup/context/event.h"
#include "hangup/context/select.h"
#include "hangup/context/task.h"
#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/loop.h"
#include "tests/support/needs.h"
#include "tests/unit/context/support.h"

#if !defined(HANGUP_TSAN) && !defined(HANGUP_ASAN)
#define HANGUP_COUNTS 1
#endif

namespace {

// Of this thread, so that the timer thread and the rest of the program do not disturb.
struct counts {
  long made = 0;
  long freed = 0;
};
thread_local constinit counts now_here;
constinit std::atomic<long> made_anywhere{0};

}  // namespace

#ifdef HANGUP_COUNTS
// Not inlined: GCC would see malloc() meet operator delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++now_here.made;
  made_anywhere.fetch_add(1, std::memory_order_relaxed);
  if (void* const p = std::malloc(size)) {
    return p;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  now_here.freed += p != nullptr;
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  operator delete(p);
}
#endif

namespace hangup {
namespace {

using namespace test;

struct number_key {
  using type = long;
};

// A test that counts: skipped where there is nothing to count with.
class allocations : public ::testing::Test {
 protected:
  void SetUp() override {
#ifndef HANGUP_COUNTS
    needs({no_sanitizer("has its own operator new")});
#endif
    // Starts the timer service and gives its heap room for what follows.
    std::vector<cancelable> some;
    for (int i = 0; i < 100; ++i) {
      some.push_back(with_timeout(background(), never));
    }
  }

  template <class F>
  static long made_by(const F& f) {
    const auto before = now_here.made;
    f();
    return now_here.made - before;
  }
  static long live() {
    return now_here.made - now_here.freed;
  }
};

TEST_F(allocations, the_counter_counts) {
  EXPECT_EQ(made_by([] { delete new volatile int(1); }), 1);
}

TEST_F(allocations, roots_and_copies_make_none) {  // B3
  EXPECT_EQ(made_by([] {
              context a = background();
              const context b = todo();
              a = b;
              const context c = std::move(a);
              EXPECT_FALSE(c.done());
            }),
            0);
}

TEST_F(allocations, each_kind_of_context_makes_one) {  // B73
  const auto parent = with_cancel(background());
  EXPECT_EQ(made_by([&] { with_cancel(background()).cancel(); }), 1);
  EXPECT_EQ(made_by([&] { with_cancel(parent.ctx).cancel(); }), 1);
  EXPECT_EQ(made_by([&] { with_timeout(parent.ctx, never).cancel(); }), 1);
  EXPECT_EQ(made_by([&] { (void)with_timeout(parent.ctx, -1s); }), 1);
  EXPECT_EQ(made_by([&] { (void)with_value<number_key>(parent.ctx, 1); }), 1);
  EXPECT_EQ(made_by([&] { (void)without_cancel(parent.ctx); }), 1);
}

// Go's own test allows 3, 5, 8 and 12 for these, in all threads together.
TEST_F(allocations, whole_uses_of_a_context_make_one_or_two) {  // B73
  const auto made_by_all = [](const auto& f) {
    const auto before = made_anywhere.load();
    f();
    return made_anywhere.load() - before;
  };
  EXPECT_EQ(made_by_all(
                [] { EXPECT_EQ(*with_value<number_key>(background(), 5).value<number_key>(), 5); }),
            1);
  EXPECT_EQ(made_by_all([] {
              const auto c = with_cancel(background());
              const auto token = c.ctx.stop_token();
              c.cancel();
              EXPECT_TRUE(token.stop_requested());
            }),
            2);
  EXPECT_EQ(made_by_all([] {
              const auto c = with_timeout(background(), never);
              const auto token = c.ctx.stop_token();
              c.cancel();
              EXPECT_TRUE(token.stop_requested());
            }),
            2);
  EXPECT_EQ(made_by_all([] {  // by the timer thread
              const auto c = with_timeout(background(), 1ms);
              EXPECT_TRUE(spin_until([&] { return c.ctx.done(); }));
              EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
            }),
            1);
}

TEST_F(allocations, the_stop_token_of_an_ended_context_makes_none) {
  const auto c = with_cancel(background());
  c.cancel();
  (void)c.ctx.stop_token();  // the first one of the process makes one
  EXPECT_EQ(made_by([&] { EXPECT_TRUE(c.ctx.stop_token().stop_requested()); }), 0);
}

TEST_F(allocations, a_child_that_is_born_ended_makes_one) {  // B73
  const auto parent = with_cancel(background());
  parent.cancel();
  EXPECT_EQ(made_by([&] { (void)with_timeout(parent.ctx, never); }), 1);
}

TEST_F(allocations, polls_and_lookups_make_none) {  // B74
  const auto timed = with_timeout(with_value<number_key>(background(), 5), never);
  const auto ended = with_cancel(background());
  ended.cancel();
  EXPECT_EQ(made_by([&] {
              for (const auto* ctx : {&timed.ctx, &ended.ctx}) {
                EXPECT_EQ(ctx->done(), ctx == &ended.ctx);
                EXPECT_EQ(bool(ctx->err()), ctx == &ended.ctx);
                EXPECT_EQ(ctx->cause() != nullptr, ctx == &ended.ctx);
                EXPECT_EQ(ctx->deadline().has_value(), ctx == &timed.ctx);
                EXPECT_EQ(ctx->value<number_key>() != nullptr, ctx == &timed.ctx);
              }
            }),
            0);
}

TEST_F(allocations, after_func_and_the_end_make_none) {
  const auto parent = with_cancel(background());
  const auto child = with_cancel(parent.ctx);
  int ran = 0;
  EXPECT_EQ(made_by([&] {
              const after_func one(child.ctx, [&ran] { ++ran; });
              after_func two(child.ctx, [&ran] { ++ran; });
              (void)two.stop();
              parent.cancel();
            }),
            0);
  EXPECT_EQ(ran, 1);
}

TEST_F(allocations, sleeping_makes_none) {
  const auto asleep = with_timeout(background(), never);
  const auto ends = with_timeout(background(), 5ms);
  EXPECT_EQ(made_by([&] {
              EXPECT_FALSE(sleep_for(asleep.ctx, 1us).get());
              EXPECT_EQ(wait_done(ends.ctx).get(), errc::deadline_exceeded);
            }),
            0);
}

TEST_F(allocations, the_stop_token_makes_one_and_only_the_first_time) {
  const auto c = with_cancel(background());
  EXPECT_EQ(made_by([&] { (void)c.ctx.stop_token(); }), 1);
  EXPECT_EQ(made_by([&] { (void)c.ctx.stop_token(); }), 0);
  EXPECT_EQ(made_by([&] { (void)background().stop_token(); }), 0);
}

TEST_F(allocations, a_million_children_under_one_parent_leave_memory_flat) {  // B65
  const auto parent = with_cancel(background());
  const auto before = live();
  for (int i = 0; i < 1'000'000; ++i) {
    const auto child = i % 8 == 0 ? with_timeout(parent.ctx, never) : with_cancel(parent.ctx);
    const after_func hook(child.ctx, [] {});
  }
  EXPECT_EQ(live(), before);
  EXPECT_EQ(scope_of(parent.ctx).kids, nullptr);
  EXPECT_EQ(tree::armed_timers(), 0U);
}

task<int> child_of_a_task(int n) {
  co_return n;
}

TEST_F(allocations, a_task_makes_one_for_its_frame_and_its_waits_make_none) {
  const auto c = with_timeout(background(), never);
  const sockets pair;
  loop tasks({.name = "tasks"});
  pool workers({.name = "workers", .workers = 1});
  // For the number of the descriptor: the first one waits before the second one sends.
  const auto makes_room = [&](awaited_task_group& both) {
    both.go([&](const context& ctx) -> task<> {
      static_cast<void>(co_await wait_fd(ctx, pair.fd[0], POLLIN));
    });
    both.go([&](const context&) -> task<> {
      EXPECT_EQ(::send(pair.fd[1], "x", 1, 0), 1);
      co_return;
    });
  };
  const auto counts = [&]() -> task<> {
    static_cast<void>(co_await on(workers, c.ctx, [](const context&) {}));  // starts the worker
    static_cast<void>(co_await with_task_group(c.ctx, makes_room));
    char byte = 0;
    EXPECT_EQ(::recv(pair.fd[0], &byte, 1, 0), 1);
    auto before = now_here.made;
    const int n = co_await child_of_a_task(1);
    EXPECT_EQ(n, 1);
    EXPECT_EQ(now_here.made - before, 1);

    before = now_here.made;
    for (int i = 0; i < 10; ++i) {
      static_cast<void>(co_await sleep_for(c.ctx, 10us));
      static_cast<void>(co_await wait_fd(c.ctx, pair.fd[0], POLLOUT));
      static_cast<void>(co_await wait_fd(c.ctx, pair.fd[0], POLLIN, context::clock::now() + 10us));
      static_cast<void>(co_await on(workers, c.ctx, [](const context&) {}));
    }
    EXPECT_EQ(now_here.made - before, 0);
  };
  run_blocking(counts());

  // The frame, the record of the loop, and the context that ends with the loop as well.
  const auto nothing = [](const context&) -> task<> { co_return; };
  EXPECT_EQ(made_by([&] { EXPECT_FALSE(spawn(tasks, c.ctx, nothing)); }), 3);
}

TEST_F(allocations, tasks_that_wait_for_each_other_make_none) {
  const auto c = with_timeout(background(), never);
  channel<int> numbers(1);
  channel<int> others(1);
  event go_on;
  const auto body = [&](awaited_task_group& group) {
    group.go([&](const context& ctx) -> task<> {
      static_cast<void>(co_await go_on.wait(ctx));
      const auto before = now_here.made;
      for (int i = 0; i < 10; ++i) {
        static_cast<void>(co_await numbers.send(ctx, i));
        static_cast<void>(
            co_await select(ctx, on_send(numbers, i), on_receive(others, [](int) {})));
      }
      EXPECT_EQ(now_here.made - before, 0);
    });
    group.go([&](const context& ctx) -> task<> {
      const auto before = now_here.made;
      go_on.set();
      for (int i = 0, got = 0; i < 20; ++i) {
        static_cast<void>(co_await numbers.receive(ctx, got));
      }
      EXPECT_EQ(now_here.made - before, 0);
    });
  };
  EXPECT_EQ(run_blocking(with_task_group(c.ctx, body)), std::error_code());
}

TEST_F(allocations, a_task_of_a_group_makes_two) {
  const auto nothing = [](const context& ctx) -> task<std::error_code> {
    co_return co_await sleep_for(ctx, 10us);
  };
  const auto body = [&](awaited_task_group& group) {
    const auto before = now_here.made;
    for (int i = 0; i < 10; ++i) {
      group.go(nothing);
    }
    EXPECT_EQ(now_here.made - before, 20);
  };
  EXPECT_EQ(run_blocking(with_task_group(background(), body)), std::error_code());
}

}  // namespace
}  // namespace hangup
