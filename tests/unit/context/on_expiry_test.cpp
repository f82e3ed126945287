// What the cause of a passed deadline says, and where causes come from.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "hangup/context/after_func.h"
#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

const auto budget = std::make_error_code(std::errc::stream_timeout);

void expect_the_budget(const context& ctx) {
  ASSERT_EQ(ctx.err(), errc::deadline_exceeded);
  EXPECT_EQ(ctx.cause()->kind, cause_kind::deadline);
  EXPECT_EQ(ctx.cause()->code, budget);
  EXPECT_EQ(ctx.cause()->text, "the budget of the audit");
  EXPECT_NE(ctx.cause()->at, clock::time_point{});
  EXPECT_EQ(describe(*ctx.cause()), "deadline exceeded: the budget of the audit");
}

on_expiry says() {
  return {budget, "the budget of the audit"};
}

TEST(on_expiry, is_the_cause_of_a_passed_deadline) {  // B40
  const auto by_timer = with_timeout(background(), 5ms, says());
  const auto below = with_cancel(by_timer.ctx);
  EXPECT_EQ(wait_done(below.ctx).get(), errc::deadline_exceeded);
  expect_the_budget(by_timer.ctx);
  EXPECT_EQ(below.ctx.cause(), by_timer.ctx.cause());
}

TEST(on_expiry, is_the_cause_when_a_sleeper_finds_the_deadline) {  // B40
  const stalled_timer nobody_else;
  const auto c = with_timeout(background(), 5ms, says());
  EXPECT_EQ(sleep_for(c.ctx, never).get(), errc::deadline_exceeded);
  expect_the_budget(c.ctx);
}

TEST(on_expiry, is_the_cause_of_a_deadline_in_the_past) {  // B22 B40
  expect_the_budget(with_timeout(background(), 0s, says()).ctx);
  expect_the_budget(with_timeout(background(), -1h, says()).ctx);
  expect_the_budget(with_timeout(background(), std::chrono::hours::min(), says()).ctx);
  expect_the_budget(with_deadline(background(), clock::now() - 1s, says()).ctx);
  expect_the_budget(with_deadline(background(), std::chrono::system_clock::now() - 1h, says()).ctx);
}

TEST(on_expiry, works_with_wall_clock_deadlines) {  // B31
  const auto c = with_deadline(background(), std::chrono::system_clock::now() + 5ms, says());
  EXPECT_EQ(wait_done(c.ctx).get(), errc::deadline_exceeded);
  expect_the_budget(c.ctx);
}

TEST(on_expiry, is_not_used_when_it_is_cancelled_first) {  // B41
  const auto c = with_timeout(background(), never, says());
  c.cancel();
  EXPECT_EQ(c.ctx.err(), errc::canceled);
  EXPECT_EQ(c.ctx.cause()->kind, cause_kind::caller);
  EXPECT_EQ(c.ctx.cause()->text, "");
  EXPECT_EQ(c.ctx.cause()->code, std::error_code());
  std::optional<context> left;
  {
    const auto d = with_timeout(background(), never, says());
    left.emplace(d.ctx);
  }
  EXPECT_EQ(left->cause()->text, "");
}

TEST(on_expiry, is_not_used_when_the_parent_ends_first) {  // B42
  const auto parent = with_cancel(background());
  const auto c = with_timeout(parent.ctx, never, says());
  parent.cancel(because("parent"));
  EXPECT_EQ(c.ctx.cause(), parent.ctx.cause());
  const auto dead = with_timeout(parent.ctx, -1s, says());  // B23
  EXPECT_EQ(dead.ctx.err(), errc::canceled);
  EXPECT_EQ(dead.ctx.cause(), parent.ctx.cause());
}

TEST(on_expiry, stays_when_the_parent_ends_later) {  // B42 B28
  const auto parent = with_cancel(background());
  const auto c = with_timeout(parent.ctx, 1ms, says());
  EXPECT_EQ(wait_done(c.ctx).get(), errc::deadline_exceeded);
  parent.cancel(because("parent"));
  c.cancel(because("too late"));
  expect_the_budget(c.ctx);
}

TEST(on_expiry, is_dropped_with_a_deadline_later_than_the_parents) {  // B25
  const auto parent = with_timeout(background(), 5ms, {.text = "the request's"});
  const auto later = with_timeout(parent.ctx, never, says());
  EXPECT_EQ(wait_done(later.ctx).get(), errc::deadline_exceeded);
  EXPECT_EQ(later.ctx.cause(), parent.ctx.cause());
  EXPECT_EQ(later.ctx.cause()->text, "the request's");
  // Both overdue, the parent's first.
  const auto both = with_timeout(parent.ctx, -1h, says());
  EXPECT_EQ(both.ctx.cause()->text, "the request's");
}

TEST(on_expiry, of_the_earlier_child_ends_the_child_only) {  // B26
  const auto parent = with_timeout(background(), never, {.text = "the request's"});
  const auto c = with_timeout(parent.ctx, 1ms, says());
  EXPECT_EQ(wait_done(c.ctx).get(), errc::deadline_exceeded);
  expect_the_budget(c.ctx);
  EXPECT_FALSE(parent.ctx.done());
}

TEST(on_expiry, or_the_cancel_wins_as_a_whole) {  // B18 B34
  for (int round = 0; round < rounds(500); ++round) {
    const auto c = with_timeout(background(), std::chrono::microseconds(round % 200), says());
    together(2, [&](int i) {
      if (i == 0) {
        for (int spin = 0; spin < 100 * (round % 50); ++spin) {
          std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        c.cancel(because("cancel"));
        return;
      }
      EXPECT_TRUE(spin_until([&] { return c.ctx.cause() != nullptr; }));
      const auto& why = *c.ctx.cause();
      if (c.ctx.err() == errc::canceled) {
        EXPECT_EQ(why.kind, cause_kind::caller);
        EXPECT_EQ(why.text, "cancel");
        EXPECT_EQ(why.code, std::error_code());
      } else {
        EXPECT_EQ(why.kind, cause_kind::deadline);
        EXPECT_EQ(why.text, "the budget of the audit");
        EXPECT_EQ(why.code, budget);
      }
    });
  }
}

TEST(on_expiry, an_empty_one_says_nothing) {
  const auto c = with_timeout(background(), -1s);
  EXPECT_EQ(c.ctx.cause()->text, "");
  EXPECT_EQ(c.ctx.cause()->code, std::error_code());
  EXPECT_EQ(describe(*c.ctx.cause()), "deadline exceeded");
}

TEST(time_of_a_cause, is_between_the_call_that_ended_it_and_its_return) {
  for (int i = 0; i < rounds(1000); ++i) {
    const auto c = with_cancel(background());
    const auto somebody = i % 2 == 0 ? c.ctx : background();  // who may want to know
    const auto before = clock::now();
    i % 2 == 0 ? c.cancel() : c.cancel(because("x"));
    ASSERT_GE(c.ctx.cause()->at, before) << i;
    ASSERT_LE(c.ctx.cause()->at, clock::now());
  }
}

TEST(time_of_a_cause, of_a_context_that_nobody_else_knows_is_that_of_the_last_tick) {
  for (int i = 0; i < rounds(1000); ++i) {
    const auto c = with_cancel(background());
    const auto before = clock::now();
    c.cancel();
    ASSERT_GE(c.ctx.cause()->at, before - 20ms) << i;
    ASSERT_LE(c.ctx.cause()->at, clock::now());
  }
}

TEST(time_of_a_cause, of_a_passed_deadline_is_not_before_it) {
  const auto c = with_timeout(background(), 3ms);
  EXPECT_EQ(wait_done(c.ctx).get(), errc::deadline_exceeded);
  EXPECT_GE(c.ctx.cause()->at, *c.ctx.deadline());
}

TEST(source_of_a_cause, is_where_cancel_was_called) {
  const auto c = with_cancel(background());
  const auto here = location::current();
  c.cancel();
  EXPECT_STREQ(c.ctx.cause()->source.file, here.file);
  EXPECT_EQ(c.ctx.cause()->source.line, here.line + 1);
  const auto d = with_cancel(c.ctx);
  EXPECT_EQ(d.ctx.cause()->source.line, here.line + 1);  // the ancestor's
}

TEST(source_of_a_cause, is_what_the_cause_names_if_it_names_one) {
  const auto c = with_cancel(background());
  cause named = because("x");
  named.source = {"somewhere.cpp", 7};
  c.cancel(named);
  EXPECT_STREQ(c.ctx.cause()->source.file, "somewhere.cpp");
  EXPECT_EQ(c.ctx.cause()->source.line, 7U);
}

TEST(source_of_a_cause, is_of_the_first_cancel) {
  const auto c = with_cancel(background());
  const auto here = location::current();
  c.cancel();
  c.cancel();
  EXPECT_EQ(c.ctx.cause()->source.line, here.line + 1);
}

TEST(source_of_a_cause, is_where_it_was_made_if_a_deadline_or_the_handle_ended_it) {
  const auto here = location::current();
  const auto expired = with_timeout(background(), -1s);                                     // + 1
  const auto by_clock = with_deadline(background(), clock::now() - 1s);                     // + 2
  const auto by_wall = with_deadline(background(), std::chrono::system_clock::now() - 1s);  // + 3
  const auto in_hours = with_timeout(background(), std::chrono::hours(-1));                 // + 4
  std::optional<cancelable> dropped(with_cancel(background()));                             // + 5
  cancelable replaced = with_cancel(background());                                          // + 6
  const auto line_of = [&](const context& ctx) {
    EXPECT_STREQ(ctx.cause()->source.file, here.file);
    return ctx.cause()->source.line - here.line;
  };
  EXPECT_EQ(line_of(expired.ctx), 1U);
  EXPECT_EQ(line_of(by_clock.ctx), 2U);
  EXPECT_EQ(line_of(by_wall.ctx), 3U);
  EXPECT_EQ(line_of(in_hours.ctx), 4U);
  const auto one = dropped->ctx;
  dropped.reset();
  EXPECT_EQ(line_of(one), 5U);
  const auto two = replaced.ctx;
  replaced = with_cancel(background());
  EXPECT_EQ(line_of(two), 6U);
}

}  // namespace
}  // namespace hangup
