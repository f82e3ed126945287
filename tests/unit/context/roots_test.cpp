// The roots, the shield of without_cancel, and the handles themselves.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

struct name_key {
  using type = std::string;
};

void expect_endless(const context& ctx) {
  EXPECT_FALSE(ctx.done());
  EXPECT_FALSE(ctx.err());
  EXPECT_EQ(ctx.cause(), nullptr);
  EXPECT_EQ(ctx.deadline(), std::nullopt);
  EXPECT_FALSE(ctx.stop_token().stop_requested());
  EXPECT_FALSE(ctx.stop_token().stop_possible());
  EXPECT_NO_THROW(ctx.throw_if_done());
}

TEST(roots, background_never_ends_and_has_nothing) {  // B1
  expect_endless(background());
  EXPECT_EQ(background().value<name_key>(), nullptr);
}

TEST(roots, todo_never_ends_and_is_not_background) {  // B2
  expect_endless(todo());
  EXPECT_EQ(todo().value<name_key>(), nullptr);
  EXPECT_FALSE(todo() == background());
  EXPECT_TRUE(todo() == todo());
  EXPECT_TRUE(background() == background());
}

TEST(roots, a_value_on_a_root_is_as_endless_as_the_root) {
  const auto ctx = with_value<name_key>(background(), "n");
  expect_endless(ctx);
  EXPECT_EQ(*ctx.value<name_key>(), "n");
}

TEST(roots, the_shield_drops_the_deadline_and_keeps_the_values) {  // B51 B30
  const auto timed = with_timeout(background(), never);
  const auto valued = with_value<name_key>(timed.ctx, "kept");
  const auto ctx = without_cancel(valued);
  expect_endless(ctx);
  ASSERT_NE(ctx.value<name_key>(), nullptr);
  EXPECT_EQ(*ctx.value<name_key>(), "kept");
  EXPECT_TRUE(valued.deadline().has_value());
}

TEST(roots, the_shield_over_an_ended_context_has_not_ended) {  // B51
  const auto above = with_cancel(background());
  above.cancel();
  expect_endless(without_cancel(above.ctx));
}

TEST(roots, the_shield_does_not_end_with_its_parent) {  // B51
  const auto above = with_cancel(background());
  const auto ctx = without_cancel(above.ctx);
  const auto below = with_cancel(ctx);
  above.cancel();
  EXPECT_TRUE(above.ctx.done());
  EXPECT_FALSE(ctx.done());
  EXPECT_FALSE(below.ctx.done());
}

TEST(roots, a_child_of_the_shield_has_a_life_of_its_own) {  // B52
  const auto above = with_cancel(background());
  above.cancel();
  const auto ctx = without_cancel(above.ctx);
  const auto child = with_cancel(ctx);
  EXPECT_FALSE(child.ctx.done());
  child.cancel();
  EXPECT_EQ(child.ctx.err(), errc::canceled);
  EXPECT_FALSE(ctx.done());
}

TEST(handles, a_copy_is_the_same_context) {
  const auto c = with_cancel(background());
  const context copy = c.ctx;
  EXPECT_TRUE(copy == c.ctx);
  EXPECT_FALSE(with_value<name_key>(c.ctx, "x") == c.ctx);
  c.cancel();
  EXPECT_TRUE(copy.done());
}

TEST(handles, a_moved_from_handle_is_background) {
  auto c = with_cancel(background());
  const context moved = std::move(c.ctx);
  EXPECT_TRUE(c.ctx == background());  // NOLINT: never null, not even now
  c.cancel();
  EXPECT_TRUE(moved.done());
  EXPECT_FALSE(c.ctx.done());
}

TEST(handles, assignment_takes_over_and_survives_itself) {
  const auto one = with_cancel(background());
  context ctx = background();
  ctx = one.ctx;
  const context& same = ctx;
  ctx = same;
  EXPECT_TRUE(ctx == one.ctx);
  one.cancel();
  EXPECT_TRUE(ctx.done());
}

TEST(handles, a_context_outlives_all_handles_above_it) {
  context leaf = background();
  {
    const auto parent = with_cancel(background());
    leaf = with_value<name_key>(with_value<name_key>(parent.ctx, "outer"), "inner");
    EXPECT_FALSE(leaf.done());
  }
  EXPECT_EQ(leaf.err(), errc::canceled);  // the cancel_func cancelled in its destructor
  EXPECT_EQ(*leaf.value<name_key>(), "inner");
}

TEST(handles, a_default_cancel_func_ends_nothing) {
  const cancel_func nothing;
  nothing();
  nothing({cause_kind::shutdown, {}, "nobody hears it"});
  EXPECT_FALSE(background().done());
}

}  // namespace
}  // namespace hangup
