// A region that finishes although its request ends meanwhile.
#include "hangup/context/shield.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(shield, the_region_does_not_see_the_end_and_learns_of_it_on_leaving) {  // B51
  const auto outer = with_cancel(background());
  const shield region(outer.ctx, never);
  outer.cancel();
  EXPECT_FALSE(region.ctx().done());
  EXPECT_EQ(sleep_for(region.ctx(), 1ms).get(), std::error_code());
  EXPECT_EQ(region.leave(), errc::canceled);
}

TEST(shield, leaving_reports_a_deadline_that_has_passed_meanwhile) {
  const auto outer = with_timeout(background(), 5ms);
  const shield region(outer.ctx, never);
  EXPECT_EQ(wait_done(outer.ctx).get(), errc::deadline_exceeded);
  EXPECT_FALSE(region.ctx().done());
  EXPECT_EQ(region.leave(), errc::deadline_exceeded);
}

TEST(shield, leaving_in_time_is_no_error) {
  const auto outer = with_cancel(background());
  const shield region(outer.ctx, never);
  EXPECT_EQ(region.leave(), std::error_code());
  EXPECT_FALSE(outer.ctx.done());
}

TEST(shield, the_second_leave_only_answers) {
  const auto outer = with_cancel(background());
  const shield region(outer.ctx, never);
  EXPECT_EQ(region.leave(), std::error_code());
  const auto* const why = region.ctx().cause();
  outer.cancel();
  EXPECT_EQ(region.leave(), errc::canceled);
  EXPECT_EQ(region.ctx().cause(), why);
}

TEST(shield, the_region_ends_with_leave_and_with_the_object) {
  const auto outer = with_cancel(background());
  context seen = background();
  {
    const shield region(outer.ctx, never);
    seen = region.ctx();
    EXPECT_FALSE(seen.done());
  }
  EXPECT_EQ(seen.err(), errc::canceled);
  const shield left(outer.ctx, never);
  (void)left.leave();
  EXPECT_EQ(left.ctx().err(), errc::canceled);
}

TEST(shield, over_an_ended_context_the_region_lives) {  // B51
  const auto outer = with_cancel(background());
  outer.cancel();
  const shield region(outer.ctx, never);
  EXPECT_FALSE(region.ctx().done());
  EXPECT_EQ(region.leave(), errc::canceled);
}

TEST(shield, the_region_has_the_values_and_not_the_deadline) {
  const auto outer = with_timeout(background(), 10s);
  const auto valued = with_value<user_key>(outer.ctx, "u7");
  const shield region(valued, never);
  ASSERT_NE(region.ctx().value<user_key>(), nullptr);
  EXPECT_EQ(*region.ctx().value<user_key>(), "u7");
  ASSERT_TRUE(region.ctx().deadline());
  EXPECT_GT(*region.ctx().deadline(), *outer.ctx.deadline());
  EXPECT_EQ(scope_of(outer.ctx).kids, nullptr);
}

TEST(shield, the_region_must_not_take_for_ever) {
  const shield region(background(), 5ms);
  EXPECT_EQ(wait_done(region.ctx()).get(), errc::deadline_exceeded);
  EXPECT_EQ(region.ctx().cause()->kind, cause_kind::deadline);
  EXPECT_FALSE(region.ctx().cause()->text.empty());
  EXPECT_EQ(region.leave(), std::error_code());  // the request itself has not ended
}

TEST(shield, a_region_without_time_has_ended) {
  const shield none(background(), 0s);
  EXPECT_EQ(none.ctx().err(), errc::deadline_exceeded);
  const shield negative(background(), -1s);
  EXPECT_EQ(negative.ctx().err(), errc::deadline_exceeded);
}

TEST(shield, the_region_says_where_it_was_made_or_left) {
  const auto made = location::current();
  const shield late(background(), -1s);
  EXPECT_STREQ(late.ctx().cause()->source.file, made.file);
  EXPECT_EQ(late.ctx().cause()->source.line, made.line + 1);
  const shield region(background(), never);
  (void)region.leave();
  EXPECT_STREQ(region.ctx().cause()->source.file, made.file);  // a place of the user's, not ours
}

TEST(shield, regions_may_be_nested) {
  const auto outer = with_cancel(background());
  const shield region(outer.ctx, never);
  const shield inner(region.ctx(), never);
  outer.cancel();
  EXPECT_EQ(inner.leave(), std::error_code());
  EXPECT_EQ(region.leave(), errc::canceled);
}

}  // namespace
}  // namespace hangup
