// task_group: errors, exceptions, limits, and what is over when wait() returns.
#include "hangup/context/task_group.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "hangup/context/wait.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

const auto broken = std::make_error_code(std::errc::io_error);
const auto other = std::make_error_code(std::errc::no_space_on_device);

// A task that is over when its context is, as every one should be.
std::error_code until_the_end(const context& ctx) {
  return wait_done(ctx);
}

TEST(task_group, without_tasks_succeeds) {
  task_group plain;
  EXPECT_EQ(plain.wait(), std::error_code());
  task_group with_ctx(background());
  EXPECT_EQ(with_ctx.wait(), std::error_code());
  const task_group not_waited_for(background());
}

TEST(task_group, takes_every_kind_of_function) {
  task_group g;
  std::atomic<int> ran{0};
  g.go([&] { ++ran; });
  g.go([&](const context&) { ++ran; });
  g.go([&]() -> std::error_code {
    ++ran;
    return {};
  });
  g.go([&](const context&) -> std::error_code {
    ++ran;
    return {};
  });
  g.go([&](context) { ++ran; });
  g.go(std::function<void()>([&] { ++ran; }));
  g.go([&, counts = 0]() mutable { ran += ++counts; });
  g.go([&, only = std::make_unique<int>(1)] { ran += *only; });  // no copy is needed
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_EQ(ran, 8);
}

TEST(task_group, a_function_of_both_kinds_is_given_the_context) {
  struct both {
    bool& given;
    void operator()() const { given = false; }
    void operator()(const context&) const { given = true; }
  };
  bool given = false;
  task_group g;
  g.go(both{given});
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_TRUE(given);
}

TEST(task_group, a_plain_group_returns_the_first_error_and_its_other_tasks_go_on) {  // B75 B78
  task_group g({.limit = 1});  // the second task starts when the first has failed
  bool ended = true;
  EXPECT_EQ(g.go([] { return broken; }), std::error_code());
  EXPECT_EQ(g.go([&](const context& ctx) {
    ended = ctx.done();
    return other;
  }),
            std::error_code());
  EXPECT_EQ(g.wait(), broken);
  EXPECT_FALSE(ended);
  EXPECT_FALSE(g.ctx().done());
}

TEST(task_group, a_plain_group_is_used_again_and_keeps_the_first_error) {  // B79
  task_group g;
  g.go([] {});
  EXPECT_EQ(g.wait(), std::error_code());
  g.go([] { return broken; });
  EXPECT_EQ(g.wait(), broken);
  bool ran = false;
  EXPECT_EQ(g.go([&] {
    ran = true;
    return other;
  }),
            std::error_code());
  EXPECT_EQ(g.wait(), broken);
  EXPECT_TRUE(ran);
  EXPECT_EQ(g.wait(), broken);
}

TEST(task_group, a_plain_group_is_used_1000_times) {  // B79
  task_group g;
  std::atomic<int> ran{0};
  for (int i = 0; i < rounds(1000); ++i) {
    for (int j = 0; j < i % 4; ++j) {
      g.go([&] { ++ran; });
    }
    const int before = ran;
    EXPECT_GE(before, 0);
    ASSERT_EQ(g.wait(), std::error_code());
  }
  int expected = 0;
  for (int i = 0; i < rounds(1000); ++i) {
    expected += i % 4;
  }
  EXPECT_EQ(ran, expected);
}

TEST(task_group, the_first_error_ends_the_context_with_its_code_and_place) {  // B76 B77 B45
  task_group g(background());
  std::error_code sibling;
  g.go([&](const context& ctx) { sibling = until_the_end(ctx); });
  const auto from = location::current();
  g.go([] { return broken; });
  EXPECT_EQ(g.wait(), broken);
  EXPECT_EQ(sibling, errc::canceled);
  ASSERT_TRUE(g.ctx().done());
  const auto& why = *g.ctx().cause();
  EXPECT_EQ(why.kind, cause_kind::sibling_failed);
  EXPECT_EQ(why.code, broken);
  EXPECT_STREQ(why.source.file, from.file);
  EXPECT_EQ(why.source.line, from.line + 1);
  EXPECT_NE(describe(why).find(broken.message()), std::string::npos);
}

TEST(task_group, an_error_ends_its_own_context_only) {  // B9
  const auto parent = with_cancel(background());
  task_group g(parent.ctx);
  g.go([] { return broken; });
  EXPECT_EQ(g.wait(), broken);
  EXPECT_FALSE(parent.ctx.done());
  EXPECT_EQ(scope_of(parent.ctx).kids, nullptr);  // B63
}

TEST(task_group, wait_ends_the_context_also_on_success) {  // B76 B77
  task_group g(background());
  g.go([] {});
  EXPECT_FALSE(g.ctx().done());
  EXPECT_EQ(g.wait(), std::error_code());
  ASSERT_EQ(g.ctx().err(), errc::canceled);
  EXPECT_EQ(g.ctx().cause()->kind, cause_kind::caller);
  EXPECT_EQ(g.ctx().cause()->code, std::error_code());
  EXPECT_EQ(g.wait(), std::error_code());
}

TEST(task_group, the_end_of_the_parent_reaches_the_tasks_with_its_cause) {  // B8 B35
  const auto parent = with_cancel(background());
  task_group g(parent.ctx);
  std::latch started(3);
  for (int i = 0; i < 3; ++i) {
    g.go([&](const context& ctx) {
      started.count_down();
      return until_the_end(ctx);
    });
  }
  started.wait();
  parent.cancel({test::kinds::disconnected, {}, "gone"});
  EXPECT_EQ(g.wait(), errc::canceled);
  EXPECT_EQ(g.ctx().cause(), parent.ctx.cause());
}

TEST(task_group, a_deadline_of_the_parent_is_the_error_of_the_tasks) {
  const auto parent = with_timeout(background(), 10ms);
  task_group g(parent.ctx);
  EXPECT_EQ(g.ctx().deadline(), parent.ctx.deadline());
  g.go(until_the_end);
  EXPECT_EQ(g.wait(), errc::deadline_exceeded);
  EXPECT_EQ(g.ctx().cause()->kind, cause_kind::deadline);
}

TEST(task_group, an_exception_is_the_first_error_and_wait_rethrows_it_each_time) {  // B85
  task_group g(background());
  std::error_code sibling;
  g.go([&](const context& ctx) { sibling = until_the_end(ctx); });
  const auto from = location::current();
  g.go([] { throw std::runtime_error("no such table"); });
  for (int i = 0; i < 3; ++i) {
    try {
      (void)g.wait();
      FAIL() << "lost";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "no such table");
    }
  }
  EXPECT_EQ(sibling, errc::canceled);
  EXPECT_EQ(g.ctx().cause()->kind, cause_kind::sibling_failed);
  EXPECT_EQ(g.ctx().cause()->text, "no such table");
  EXPECT_EQ(g.ctx().cause()->source.line, from.line + 1);
}

TEST(task_group, an_exception_of_a_strange_type_is_rethrown_as_it_is) {  // B85
  task_group g;
  g.go([] { throw 42; });
  try {
    (void)g.wait();
    FAIL() << "lost";
  } catch (int thrown) {
    EXPECT_EQ(thrown, 42);
  }
  task_group with_ctx(background());
  with_ctx.go([] { throw 42; });
  EXPECT_THROW((void)with_ctx.wait(), int);
  EXPECT_EQ(with_ctx.ctx().cause()->kind, cause_kind::sibling_failed);
  EXPECT_FALSE(with_ctx.ctx().cause()->text.empty());
}

TEST(task_group, the_code_of_a_thrown_system_error_is_the_code_of_the_cause) {
  task_group g(background());
  g.go([] { throw std::system_error(broken, "read"); });
  EXPECT_THROW((void)g.wait(), std::system_error);
  EXPECT_EQ(g.ctx().cause()->code, broken);
}

TEST(task_group, wait_has_ended_the_context_when_it_throws) {
  task_group plain;
  plain.go([] { throw 1; });
  EXPECT_THROW((void)plain.wait(), int);
  EXPECT_FALSE(plain.ctx().done());
  bool ran = false;
  plain.go([&] { ran = true; });  // and it can be used again
  EXPECT_THROW((void)plain.wait(), int);
  EXPECT_TRUE(ran);
}

TEST(task_group, a_canceled_error_is_an_error_like_a_returned_one) {
  const auto parent = with_cancel(background());
  task_group g(parent.ctx);
  std::latch started(1);
  g.go([&](const context& ctx) {
    started.count_down();
    (void)until_the_end(ctx);
    ctx.throw_if_done();
  });
  started.wait();
  parent.cancel();
  EXPECT_EQ(g.wait(), errc::canceled);

  task_group plain;
  plain.go([] { throw canceled_error(errc::deadline_exceeded); });
  EXPECT_EQ(plain.wait(), errc::deadline_exceeded);
}

TEST(task_group, the_first_of_many_errors_wins_and_all_tasks_are_joined) {  // B78
  for (int round = 0; round < rounds(300); ++round) {
    task_group g(background());
    std::atomic<int> over{0};
    int started = 0;
    for (int i = 1; i <= 8; ++i) {
      started += !g.go([&, i]() -> std::error_code {
        ++over;
        if (i % 2 == 0) {
          throw i;
        }
        return {i, std::generic_category()};
      });
    }
    int returned = 0;
    try {
      returned = g.wait().value();
    } catch (int thrown) {
      returned = thrown;
    }
    ASSERT_EQ(over, started);
    ASSERT_GT(returned, 0);
    const auto& why = *g.ctx().cause();
    ASSERT_EQ(why.kind, cause_kind::sibling_failed);
    ASSERT_EQ(why.code.value(), returned % 2 == 0 ? 0 : returned);
  }
}

TEST(task_group, on_an_ended_context_starts_nothing_and_says_so) {
  const auto parent = with_cancel(background());
  parent.cancel();
  task_group g(parent.ctx);
  std::atomic<bool> ran{false};
  EXPECT_FALSE(g.try_go([&] { ran = true; }));
  EXPECT_EQ(g.wait(), std::error_code());  // a refused try_go() counts for nothing
  EXPECT_EQ(g.go([&] { ran = true; }), errc::canceled);
  EXPECT_EQ(g.wait(), errc::canceled);
  EXPECT_EQ(g.wait(), errc::canceled);
  EXPECT_FALSE(ran);

  const auto late = with_timeout(background(), -1s);
  task_group expired(late.ctx);
  EXPECT_EQ(expired.go([&] { ran = true; }), errc::deadline_exceeded);
  EXPECT_EQ(expired.wait(), errc::deadline_exceeded);
  EXPECT_FALSE(ran);
}

TEST(task_group, a_refused_go_does_not_replace_the_first_error) {
  task_group g(background());
  g.go([] { return broken; });
  EXPECT_EQ(wait_done(g.ctx()).get(), errc::canceled);
  EXPECT_EQ(g.go([] {}), errc::canceled);
  EXPECT_FALSE(g.try_go([] {}));
  EXPECT_EQ(g.wait(), broken);
}

TEST(task_group, go_after_the_wait_of_a_group_with_a_context_is_refused_and_counts) {
  task_group g(background());
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_EQ(g.go([] {}), errc::canceled);
  EXPECT_EQ(g.wait(), errc::canceled);
}

TEST(task_group, what_a_refused_task_has_captured_is_gone_when_go_returns) {
  const auto parent = with_cancel(background());
  parent.cancel();
  task_group g(parent.ctx);
  const auto held = std::make_shared<int>(1);
  EXPECT_TRUE(g.go([held] {}));
  EXPECT_FALSE(g.try_go([held] {}));
  EXPECT_EQ(held.use_count(), 1);
}

TEST(task_group, what_the_tasks_have_captured_is_gone_when_wait_returns) {
  for (int round = 0; round < rounds(300); ++round) {
    task_group g(background());
    const auto held = std::make_shared<int>(1);
    for (int i = 0; i < 4; ++i) {
      g.go([held, i]() -> std::error_code {
        if (i == 3 && *held == 1) {
          throw std::runtime_error("x");
        }
        return {};
      });
    }
    EXPECT_THROW((void)g.wait(), std::runtime_error);
    ASSERT_EQ(held.use_count(), 1);
  }
}

TEST(task_group, the_destructor_ends_the_context_and_joins) {  // B86
  for (int round = 0; round < rounds(100); ++round) {
    std::atomic<int> over{0};
    const cause* why = nullptr;
    const auto keep = [&](const context& ctx) {
      EXPECT_EQ(until_the_end(ctx), errc::canceled);
      ++over;
    };
    context seen = background();
    {
      task_group g(background());
      seen = g.ctx();
      for (int i = 0; i < 3; ++i) {
        g.go(keep);
      }
    }
    ASSERT_EQ(over, 3);
    why = seen.cause();
    ASSERT_NE(why, nullptr);
    EXPECT_EQ(why->kind, cause_kind::caller);
  }
}

TEST(task_group, the_destructor_of_a_plain_group_ends_the_context_of_its_tasks_too) {  // B86
  std::atomic<bool> over{false};
  {
    task_group g;
    g.go([&](const context& ctx) {
      EXPECT_EQ(until_the_end(ctx), errc::canceled);
      over = true;
    });
  }
  EXPECT_TRUE(over);
}

TEST(task_group, the_destructor_says_nothing_of_an_exception) {  // B85 B86
  task_group g(background());
  g.go([] { throw std::runtime_error("never heard"); });
}

TEST(task_group, a_task_may_start_tasks) {
  task_group g;
  std::atomic<int> ran{0};
  std::function<void(int)> grow = [&](int left) {
    ++ran;
    if (left > 0) {
      g.go([&grow, left] { grow(left - 1); });
      g.go([&grow, left] { grow(left - 1); });
    }
  };
  g.go([&] { grow(7); });
  EXPECT_EQ(g.wait(), std::error_code());
  EXPECT_EQ(ran, 255);
}

TEST(task_group, a_task_that_starts_one_after_the_end_is_told) {
  const auto parent = with_cancel(background());
  task_group g(parent.ctx);
  std::error_code told;
  g.go([&](const context& ctx) {
    (void)until_the_end(ctx);
    told = g.go([] {});
  });
  parent.cancel();
  EXPECT_EQ(g.wait(), errc::canceled);  // of the refused one: no success is reported
  EXPECT_TRUE(told == errc::canceled || !told);
}

}  // namespace
}  // namespace hangup
