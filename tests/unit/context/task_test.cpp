// The coroutine itself: when it begins, what it gives, and what becomes of its frame. Built twice,
// with optimisation and without, as compilers transfer control in another way then.
#include "hangup/context/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include "hangup/context/bridge.h"
#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

// Counts the objects of its type.
struct counted_object {
  counted_object() { ++alive; }
  counted_object(const counted_object&) { ++alive; }
  counted_object(counted_object&&) noexcept { ++alive; }
  counted_object& operator=(const counted_object&) = default;
  ~counted_object() { --alive; }
  static inline int alive = 0;
};

task<int> number(int n) {
  co_return n;
}

task<> fails() {
  throw std::runtime_error("it fails");
  co_return;
}

TEST(task, begins_when_it_is_awaited_and_not_before) {
  bool begun = false;
  const auto f = [&]() -> task<> {
    begun = true;
    co_return;
  };
  auto t = f();
  EXPECT_FALSE(begun);
  run_blocking(std::move(t));
  EXPECT_TRUE(begun);
}

TEST(task, gives_its_result_to_who_awaits_it) {
  const auto sum = []() -> task<int> {
    const int one = co_await number(1);
    co_return one + co_await number(2);
  };
  EXPECT_EQ(run_blocking(sum()), 3);
}

TEST(task, may_return_what_can_only_be_moved) {
  const auto make = []() -> task<std::unique_ptr<std::string>> {
    co_return std::make_unique<std::string>("moved");
  };
  const auto pass = [&]() -> task<std::unique_ptr<std::string>> { co_return co_await make(); };
  EXPECT_EQ(*run_blocking(pass()), "moved");
}

TEST(task, that_throws_throws_where_it_is_awaited) {
  bool seen = false;
  const auto outer = [&]() -> task<> {
    try {
      co_await fails();
    } catch (const std::runtime_error&) {
      seen = true;
    }
    co_await fails();
  };
  EXPECT_THROW(run_blocking(outer()), std::runtime_error);
  EXPECT_TRUE(seen);
}

struct throws_at_the_end {
  ~throws_at_the_end() noexcept(false) { throw std::runtime_error("in a destructor"); }
};

TEST(task, whose_local_variable_throws_in_its_destructor_throws_where_it_is_awaited) {
  const auto f = []() -> task<> {
    const throws_at_the_end last;
    co_return;
  };
  const auto outer = [&]() -> task<bool> {
    try {
      co_await f();
    } catch (const std::runtime_error&) {
      co_return true;
    }
    co_return false;
  };
  EXPECT_TRUE(run_blocking(outer()));
}

TEST(task, that_is_never_awaited_destroys_its_parameters) {
  {
    const auto f = [](counted_object) -> task<> { co_return; };
    const auto t = f({});
    EXPECT_EQ(counted_object::alive, 1);
  }
  EXPECT_EQ(counted_object::alive, 0);
}

TEST(task, destroys_parameters_locals_and_temporaries_once) {
  const auto child = [](counted_object) -> task<counted_object> {
    const counted_object local;
    co_return local;
  };
  const auto f = [&](counted_object mine) -> task<> {
    for (int i = 0; i < 3; ++i) {
      const counted_object made = co_await child(counted_object());
      const counted_object again = co_await child(mine);
      static_cast<void>(co_await child(co_await child(made)));
    }
  };
  run_blocking(f({}));
  EXPECT_EQ(counted_object::alive, 0);
}

TEST(task, that_is_empty_or_has_returned_cannot_be_awaited) {
  const auto twice = []() -> task<> {
    auto t = number(1);
    const int first = co_await std::move(t);
    EXPECT_EQ(first, 1);
    bool refused = false;
    try {
      static_cast<void>(co_await std::move(t));
    } catch (const std::logic_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    auto from = number(2);
    const auto to = std::move(from);
    co_await task<>();
  };
  EXPECT_THROW(run_blocking(twice()), std::logic_error);
  EXPECT_THROW(run_blocking(task<>()), std::logic_error);
}

TEST(task, that_is_assigned_to_destroys_what_it_was) {
  const auto f = [](counted_object) -> task<> { co_return; };
  auto t = f({});
  t = f({});
  EXPECT_EQ(counted_object::alive, 1);
  t = {};
  EXPECT_EQ(counted_object::alive, 0);
}

// How far apart the stack frames are in which it is called.
class stack_used {
 public:
  void look() {
    const volatile char here = 0;
    const auto at = reinterpret_cast<std::uintptr_t>(&here);
    low_ = std::min(low_, at);
    high_ = std::max(high_, at);
  }
  std::uintptr_t bytes() const { return high_ - low_; }

 private:
  std::uintptr_t low_ = std::numeric_limits<std::uintptr_t>::max();
  std::uintptr_t high_ = 0;
};

constexpr int many = sanitized ? 100'000 : 1'000'000;
constexpr std::uintptr_t little = 64 * 1024;

TEST(task, awaits_a_million_in_a_loop_without_using_more_stack) {
  stack_used stack;
  const auto step = [&](int n) -> task<int> {
    stack.look();
    co_return n;
  };
  const auto loop = [&]() -> task<long> {
    long sum = 0;
    for (int i = 0; i < many; ++i) {
      sum += co_await step(1);
    }
    co_return sum;
  };
  EXPECT_EQ(run_blocking(loop()), many);
  EXPECT_LT(stack.bytes(), little);
}

TEST(task, that_has_waited_returns_to_who_awaits_it_without_using_more_stack) {
  stack_used stack;
  const auto step = [&](int n) -> task<int> {
    // Every tenth waits, and is resumed from the loop; the others return at once.
    if (n % 10 == 0) {
      static_cast<void>(co_await sleep_for(background(), 1ns));
    }
    stack.look();
    co_return 1;
  };
  const auto loop = [&]() -> task<long> {
    long sum = 0;
    for (int i = 0; i < many / 10; ++i) {
      sum += co_await step(i);
    }
    co_return sum;
  };
  EXPECT_EQ(run_blocking(loop()), many / 10);
  EXPECT_LT(stack.bytes(), little);
}

task<int> depth(int n, stack_used& stack) {
  stack.look();
  if (n == 0) {
    co_return 0;
  }
  co_return 1 + co_await depth(n - 1, stack);
}

TEST(task, awaited_by_another_and_so_on_uses_little_stack_or_none) {
#if defined(__clang__)
  constexpr bool jumps = !sanitized;  // they keep compilers from jumping
#else
  constexpr bool jumps = false;
#endif
  constexpr int deep = jumps ? 100'000 : 1000;
  stack_used stack;
  EXPECT_EQ(run_blocking(depth(deep, stack)), deep);
  EXPECT_TRUE(!jumps || stack.bytes() < little);
}

TEST(task, with_timeout_ends_what_it_runs) {
  const auto f = []() -> task<std::error_code> {
    co_return co_await with_timeout(background(), 1ms,
                                    [](const context& ctx) -> task<std::error_code> {
                                      co_return co_await sleep_for(ctx, never);
                                    });
  };
  EXPECT_EQ(run_blocking(f()), errc::deadline_exceeded);
}

TEST(task, with_timeout_keeps_the_function_that_makes_the_task) {
  const auto f = []() -> task<std::string> {
    task<std::string> limited;
    {
      const auto waits = [text = std::string(100, 'x')](const context& ctx) -> task<std::string> {
        const std::error_code ec = co_await sleep_for(ctx, 1ms);
        EXPECT_FALSE(ec);
        co_return text;
      };
      limited = with_timeout(background(), never, waits);
    }
    co_return co_await std::move(limited);
  };
  EXPECT_EQ(run_blocking(f()), std::string(100, 'x'));
}

task<std::error_code> sleeps(context ctx) {
  co_return co_await sleep_for(ctx, never);
}

TEST(task, is_ended_by_a_stop_token) {
  std::stop_source source;
  const auto c = with_stop_token(background(), source.get_token());
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_EQ(run_blocking(sleeps(c.ctx)), errc::canceled);
}

TEST(task, stops_what_has_a_token_of_its_context) {
  const auto c = with_cancel(background());
  std::promise<void> stopped;
  const std::stop_callback on_stop(c.ctx.stop_token(), [&] { stopped.set_value(); });
  const auto f = [&]() -> task<> {
    c.cancel();
    co_return;
  };
  run_blocking(f());
  EXPECT_EQ(stopped.get_future().wait_for(patience), std::future_status::ready);
}

// See before_task.
task<> waits_in_a_condition_without_a_local_variable() {
  while (co_await sleep_for(background(), 0ms)) {
  }
}

TEST(task, that_gcc_12_compiles_wrongly_ends_the_program_before_it_begins) {
  const auto run = [] { run_blocking(waits_in_a_condition_without_a_local_variable()); };
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ == 12
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGABRT), "co_await that is in a condition");
#else
  run();
#endif
}

}  // namespace
}  // namespace hangup
