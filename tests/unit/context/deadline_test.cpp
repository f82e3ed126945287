// with_timeout and with_deadline: which deadline counts, when it ends the context, what stays
// armed.
#include <gtest/gtest.h>

#include <limits>

#include <future>
#include <string>

#include "hangup/context/wait.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

struct any_key {
  using type = std::string;
};

TEST(deadline, ends_the_context_when_it_passes_and_not_before) {  // B21
  const auto before = clock::now();
  const auto c = with_timeout(background(), 30ms);
  ASSERT_TRUE(c.ctx.deadline().has_value());
  EXPECT_GE(*c.ctx.deadline(), before + 30ms);
  std::promise<clock::time_point> ended;
  const after_func hook(c.ctx, [&] { ended.set_value(clock::now()); });
  auto when = ended.get_future();
  ASSERT_EQ(when.wait_for(patience), std::future_status::ready);
  EXPECT_GE(when.get(), *c.ctx.deadline());
  EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
  ASSERT_NE(c.ctx.cause(), nullptr);
  EXPECT_EQ(c.ctx.cause()->kind, cause_kind::deadline);
  EXPECT_GE(c.ctx.cause()->at, *c.ctx.deadline());
}

TEST(deadline, many_end_in_the_order_of_their_deadlines) {
  // Armed in a shuffled order under one parent; each must be done when a later one is.
  const auto parent = with_cancel(background());
  const auto start = clock::now() + 20ms;
  std::vector<std::optional<cancelable>> all(50);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto slot = i * 37 % all.size();
    all[slot] = with_deadline(parent.ctx, start + slot * 1ms);
  }
  for (const auto i : {std::size_t{10}, std::size_t{25}, all.size() - 1}) {
    std::promise<bool> in_order;
    const after_func hook(all[i]->ctx, [&] { in_order.set_value(all[i - 1]->ctx.done()); });
    auto ok = in_order.get_future();
    ASSERT_EQ(ok.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(ok.get());
  }
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(deadline, in_the_past_or_now_has_ended_at_creation) {  // B22
  for (const clock::duration time :
       {clock::duration{0}, clock::duration{-1}, clock::duration{-1s}, clock::duration::min()}) {
    const auto c = with_timeout(background(), time);
    EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
    EXPECT_EQ(c.ctx.cause()->kind, cause_kind::deadline);
  }
  for (const auto when :
       {clock::now(), clock::now() - 1h, clock::time_point{}, clock::time_point::min()}) {
    EXPECT_EQ(with_deadline(background(), when).ctx.err(), errc::deadline_exceeded);
  }
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(deadline, in_the_past_ends_at_creation_under_a_parent_that_is_overdue) {  // B22
  // The parent's deadline has passed, and the timer thread has not come to it.
  const stalled_timer stalled;
  const auto parent = with_timeout(background(), 1ms);
  EXPECT_FALSE(sleep_for(background(), 5ms).get());
  const auto child = with_timeout(parent.ctx, 0ms);
  EXPECT_EQ(child.ctx.err(), errc::deadline_exceeded);
}

TEST(deadline, in_the_past_under_a_cancelled_parent_has_the_cause_of_the_parent) {  // B23
  const auto parent = with_cancel(background());
  parent.cancel({test::kinds::disconnected});
  const auto child = with_timeout(parent.ctx, -1s);
  EXPECT_EQ(child.ctx.err(), errc::canceled);
  EXPECT_EQ(child.ctx.cause(), parent.ctx.cause());
}

TEST(deadline, a_later_one_than_the_parents_is_the_parents) {  // B24
  const auto parent = with_timeout(background(), 40ms);
  const auto child = with_timeout(with_value<any_key>(parent.ctx, "v"), never);
  EXPECT_EQ(child.ctx.deadline(), parent.ctx.deadline());
  EXPECT_EQ(wait_done(child.ctx).get(), errc::deadline_exceeded);
  EXPECT_TRUE(parent.ctx.done());
  EXPECT_EQ(child.ctx.cause(), parent.ctx.cause());
}

TEST(deadline, a_later_one_than_the_parents_can_still_be_cancelled_alone) {  // B24
  const auto parent = with_timeout(background(), never);
  const auto child = with_timeout(parent.ctx, never * 2);
  EXPECT_EQ(tree::armed_timers(), 1U);
  child.cancel();
  EXPECT_EQ(child.ctx.err(), errc::canceled);
  EXPECT_FALSE(parent.ctx.done());
}

TEST(deadline, an_earlier_one_than_the_parents_leaves_the_parent_alive) {  // B26
  const auto parent = with_timeout(background(), never);
  const auto child = with_timeout(parent.ctx, 1ms);
  EXPECT_LT(*child.ctx.deadline(), *parent.ctx.deadline());
  EXPECT_EQ(wait_done(child.ctx).get(), errc::deadline_exceeded);
  EXPECT_FALSE(parent.ctx.done());
}

TEST(deadline, takes_the_descendants_along) {  // B8
  const auto parent = with_timeout(background(), 1ms);
  const auto child = with_cancel(parent.ctx);
  const auto leaf = with_value<any_key>(child.ctx, "v");
  EXPECT_EQ(wait_done(leaf).get(), errc::deadline_exceeded);
  EXPECT_EQ(leaf.cause(), parent.ctx.cause());
}

TEST(deadline, cancel_before_it_is_canceled_and_releases_the_timer) {  // B27 B67
  const auto c = with_timeout(background(), never);
  EXPECT_EQ(tree::armed_timers(), 1U);
  c.cancel();
  EXPECT_EQ(c.ctx.err(), errc::canceled);
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(deadline, the_destructor_of_the_cancel_func_releases_the_timer) {  // B67
  context kept = background();
  {
    const auto c = with_timeout(background(), never);
    kept = c.ctx;
    EXPECT_EQ(tree::armed_timers(), 1U);
  }
  EXPECT_EQ(tree::armed_timers(), 0U);
  EXPECT_EQ(kept.err(), errc::canceled);
}

TEST(deadline, the_end_of_the_parent_releases_the_timers_below) {  // B67
  const auto parent = with_cancel(background());
  std::vector<cancelable> timed;
  for (int i = 0; i < 100; ++i) {
    timed.push_back(with_timeout(parent.ctx, never + i * 7919 % 100 * 1s));
  }
  EXPECT_EQ(tree::armed_timers(), 100U);
  timed[50].cancel();
  timed[0].cancel();
  timed[99].cancel();
  EXPECT_EQ(tree::armed_timers(), 97U);
  parent.cancel();
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(deadline, cancel_after_it_changes_nothing) {  // B28
  const auto c = with_timeout(background(), 1ms);
  EXPECT_EQ(wait_done(c.ctx).get(), errc::deadline_exceeded);
  c.cancel({cause_kind::shutdown});
  EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
  EXPECT_EQ(c.ctx.cause()->kind, cause_kind::deadline);
}

TEST(deadline, far_away_does_not_overflow) {  // B29
  for (const clock::duration time :
       {clock::duration{1000h}, clock::duration{1'000'000s}, clock::duration{24h * 365 * 250},
        clock::duration::max(), clock::duration::max() - 1ns}) {
    const auto c = with_timeout(background(), time);
    EXPECT_FALSE(c.ctx.done());
    const auto below = with_timeout(c.ctx, 1ms);
    EXPECT_EQ(wait_done(below.ctx).get(), errc::deadline_exceeded);
    EXPECT_FALSE(c.ctx.done());
  }
  const auto c = with_deadline(background(), clock::time_point::max());
  EXPECT_FALSE(c.ctx.done());
}

TEST(deadline, the_longest_time_in_coarse_units_does_not_overflow) {  // B29
  EXPECT_FALSE(with_timeout(background(), std::chrono::hours::max()).ctx.done());
  EXPECT_FALSE(with_timeout(background(), std::chrono::seconds::max()).ctx.done());
}

TEST(deadline, no_time_that_can_be_written_is_undefined) {  // B29
  using real = std::chrono::duration<double>;
  using limits = std::numeric_limits<double>;
  for (const double long_time : {limits::infinity(), limits::max(), 9.3e9}) {
    EXPECT_FALSE(with_timeout(background(), real(long_time)).ctx.done()) << long_time;
  }
  for (const double none : {limits::quiet_NaN(), -limits::quiet_NaN(), -limits::infinity(),
                            limits::lowest(), -0.0, -1.0}) {
    const auto c = with_timeout(background(), real(none));
    EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded) << none;
  }
  EXPECT_FALSE(with_timeout(background(), std::chrono::duration<float, std::ratio<86400>>(1e30F))
                   .ctx.done());
  EXPECT_TRUE(with_timeout(background(), clock::duration::min()).ctx.done());
  EXPECT_TRUE(with_timeout(background(), std::chrono::hours::min()).ctx.done());
}

TEST(deadline, no_point_in_time_that_can_be_written_is_undefined) {  // B29 B31
  using wall = std::chrono::system_clock;
  using real = std::chrono::duration<double>;
  const auto on_the_wall = [](auto since) {
    return with_deadline(background(), std::chrono::time_point<wall, decltype(since)>(since));
  };
  EXPECT_FALSE(on_the_wall(std::chrono::seconds::max()).ctx.done());
  EXPECT_FALSE(on_the_wall(std::chrono::hours::max()).ctx.done());
  EXPECT_FALSE(on_the_wall(real(std::numeric_limits<double>::infinity())).ctx.done());
  EXPECT_TRUE(on_the_wall(std::chrono::seconds::min()).ctx.done());
  EXPECT_TRUE(on_the_wall(real(std::numeric_limits<double>::quiet_NaN())).ctx.done());
  const auto at = [](auto since) {
    return with_deadline(background(), std::chrono::time_point<clock, decltype(since)>(since));
  };
  EXPECT_FALSE(at(std::chrono::seconds::max()).ctx.done());
  EXPECT_TRUE(at(std::chrono::seconds::min()).ctx.done());
  EXPECT_TRUE(at(clock::duration::min()).ctx.done());
  EXPECT_TRUE(at(real(std::numeric_limits<double>::quiet_NaN())).ctx.done());
}

TEST(deadline, answers_the_same_for_ever_and_through_layers) {  // B30
  const auto c = with_timeout(background(), 1ms);
  const auto when = c.ctx.deadline();
  const auto layered = with_cancel(with_value<any_key>(c.ctx, "v"));
  EXPECT_EQ(layered.ctx.deadline(), when);
  EXPECT_EQ(without_cancel(c.ctx).deadline(), std::nullopt);
  EXPECT_EQ(wait_done(c.ctx).get(), errc::deadline_exceeded);
  EXPECT_EQ(c.ctx.deadline(), when);
  EXPECT_EQ(layered.ctx.deadline(), when);
  EXPECT_EQ(with_cancel(background()).ctx.deadline(), std::nullopt);
}

TEST(deadline, on_the_wall_clock_is_converted) {  // B31
  using wall = std::chrono::system_clock;
  const auto c = with_deadline(background(), wall::now() + never);
  EXPECT_FALSE(c.ctx.done());
  ASSERT_TRUE(c.ctx.deadline().has_value());
  EXPECT_LT(*c.ctx.deadline(), clock::now() + never + 1s);
  EXPECT_GT(*c.ctx.deadline(), clock::now() + never - patience);
  EXPECT_TRUE(with_deadline(background(), wall::now() - 1s).ctx.done());
  EXPECT_TRUE(with_deadline(background(), wall::time_point{}).ctx.done());
  EXPECT_FALSE(with_deadline(background(), wall::time_point::max()).ctx.done());
}

TEST(deadline, before_all_time_on_the_wall_clock_has_ended_at_creation) {  // B22
  const auto c = with_deadline(background(), std::chrono::system_clock::time_point::min());
  EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
}

}  // namespace
}  // namespace hangup
