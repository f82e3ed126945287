// err() and cause(): the two errors, and whose cause wins.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "hangup/context/wait.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

std::string why(const context& ctx) {
  return ctx.cause() == nullptr ? "alive" : ctx.cause()->text;
}

TEST(error, the_two_errors_have_the_words_of_go) {  // B19
  EXPECT_EQ(make_error_code(errc::canceled).message(), "context canceled");
  EXPECT_EQ(make_error_code(errc::deadline_exceeded).message(), "context deadline exceeded");
  EXPECT_STREQ(make_error_code(errc::canceled).category().name(), "context");
}

TEST(error, the_errors_equal_the_conditions_of_the_standard_library) {  // B20
  const std::error_code canceled = errc::canceled;
  const std::error_code expired = errc::deadline_exceeded;
  EXPECT_TRUE(canceled == std::errc::operation_canceled);
  EXPECT_FALSE(canceled == std::errc::timed_out);
  EXPECT_TRUE(expired == std::errc::timed_out);
  EXPECT_FALSE(expired == std::errc::operation_canceled);
  EXPECT_NE(canceled, expired);
  EXPECT_TRUE(canceled);
}

struct number_key {
  using type = int;
};

TEST(cause, of_a_live_context_is_null_and_of_layers_is_the_nearest_above) {  // B43
  const auto top = with_cancel(background());
  const auto c = with_cancel(with_value<number_key>(top.ctx, 1));
  const auto layers = with_value<number_key>(with_value<number_key>(c.ctx, 2), 3);
  const auto shield = without_cancel(c.ctx);
  EXPECT_EQ(c.ctx.cause(), nullptr);
  EXPECT_EQ(layers.cause(), nullptr);
  c.cancel(because("x"));
  top.cancel(because("y"));
  EXPECT_EQ(why(c.ctx), "x");
  EXPECT_EQ(layers.cause(), c.ctx.cause());
  EXPECT_EQ(shield.cause(), nullptr);
}

TEST(cause, a_given_cause_is_kept_whole_and_stamped_with_the_time) {  // B32 B45
  const auto c = with_cancel(background());
  const auto before = clock::now();
  c.cancel({cause_kind::caller, std::make_error_code(std::errc::no_space_on_device), "disk"});
  const auto after = clock::now();
  EXPECT_EQ(c.ctx.err(), errc::canceled);
  ASSERT_NE(c.ctx.cause(), nullptr);
  EXPECT_EQ(c.ctx.cause()->kind, cause_kind::caller);
  EXPECT_EQ(c.ctx.cause()->code, std::errc::no_space_on_device);
  EXPECT_EQ(c.ctx.cause()->text, "disk");
  EXPECT_GE(c.ctx.cause()->at, before);
  EXPECT_LE(c.ctx.cause()->at, after);
}

TEST(cause, every_kind_reaches_the_descendants) {  // B45
  for (const auto kind : test::kinds::all) {
    const auto c = with_cancel(background());
    const auto below = with_cancel(c.ctx);
    c.cancel({kind});
    EXPECT_EQ(below.ctx.err(),
              kind == cause_kind::deadline ? errc::deadline_exceeded : errc::canceled);
    ASSERT_NE(below.ctx.cause(), nullptr);
    EXPECT_EQ(below.ctx.cause()->kind, kind);
  }
}

TEST(cause, a_deadline_as_the_cause_of_a_cancel_is_deadline_exceeded) {
  const auto c = with_cancel(background());
  const auto below = with_cancel(c.ctx);
  c.cancel({cause_kind::deadline});
  EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
  EXPECT_EQ(below.ctx.err(), errc::deadline_exceeded);
}

TEST(cause, a_plain_cancel_has_the_kind_caller_and_no_words) {  // B33
  const auto plain = with_cancel(background());
  const auto empty = with_cancel(background());
  plain.cancel();
  empty.cancel(cause{});
  for (const auto& ctx : {plain.ctx, empty.ctx}) {
    EXPECT_EQ(ctx.err(), errc::canceled);
    ASSERT_NE(ctx.cause(), nullptr);
    EXPECT_EQ(ctx.cause()->kind, cause_kind::caller);
    EXPECT_EQ(ctx.cause()->text, "");
    EXPECT_FALSE(ctx.cause()->code);
    EXPECT_EQ(describe(*ctx.cause()), "canceled");
  }
}

TEST(cause, the_first_wins_for_ever) {  // B34
  const auto c = with_cancel(background());
  c.cancel(because("first"));
  c.cancel(because("second"));
  c.cancel();
  EXPECT_EQ(why(c.ctx), "first");
}

// One parent and one child, each ended with or without words, in both orders.
TEST(cause, each_of_parent_and_child_has_the_cause_that_reached_it_first) {  // B35 B36 B37 B38 B39
  struct {
    bool parent_first;
    const char* parent_text;
    const char* child_text;
    const char* child_says;
  } const table[] = {
      {true, "parent", "child", "parent"},  // B35
      {false, "parent", "child", "child"},  // B36
      {false, "parent", "", ""},            // B37
      {true, "", "child", ""},              // B38
      {false, "", "child", "child"},        // B39
  };
  for (const auto& row : table) {
    const auto parent = with_cancel(background());
    const auto child = with_cancel(parent.ctx);
    if (!row.parent_first) {
      child.cancel(because(row.child_text));
    }
    parent.cancel(because(row.parent_text));
    child.cancel(because(row.child_text));
    EXPECT_EQ(why(parent.ctx), row.parent_text);
    EXPECT_EQ(why(child.ctx), row.child_says);
  }
}

TEST(cause, all_that_ended_together_share_one_object) {
  const auto parent = with_cancel(background());
  const auto child = with_cancel(parent.ctx);
  const auto grandchild = with_timeout(child.ctx, never);
  parent.cancel(because("p"));
  EXPECT_EQ(child.ctx.cause(), parent.ctx.cause());
  EXPECT_EQ(grandchild.ctx.cause(), parent.ctx.cause());
}

TEST(cause, outlives_the_ancestor_that_it_came_from) {
  context leaf = background();
  {
    const auto parent = with_cancel(background());
    const auto child = with_cancel(parent.ctx);
    leaf = child.ctx;
    parent.cancel(because("long enough for the heap, and gone with its owner if that were freed"));
  }
  EXPECT_EQ(why(leaf), "long enough for the heap, and gone with its owner if that were freed");
}

TEST(cause, an_expired_child_keeps_its_cause_when_the_parent_is_cancelled) {  // B42
  const auto parent = with_cancel(background());
  const auto child = with_timeout(parent.ctx, 1ms);
  EXPECT_EQ(wait_done(child.ctx).get(), errc::deadline_exceeded);
  parent.cancel(because("parent"));
  EXPECT_EQ(child.ctx.err(), errc::deadline_exceeded);
  EXPECT_EQ(child.ctx.cause()->kind, cause_kind::deadline);
}

TEST(cause, a_parent_that_is_cancelled_before_the_deadline_gives_its_cause) {  // B42 B41
  const auto parent = with_cancel(background());
  const auto child = with_timeout(parent.ctx, never);
  parent.cancel(because("parent"));
  EXPECT_EQ(child.ctx.err(), errc::canceled);
  EXPECT_EQ(why(child.ctx), "parent");
}

TEST(cause, names_are_distinct_and_descriptions_say_the_callers_words) {  // B45
  std::set<std::string> names;
  std::set<std::string> words;
  for (const auto kind : test::kinds::all) {
    names.emplace(kind.name());
    words.insert(describe({kind}));
  }
  EXPECT_EQ(names.size(), test::kinds::all.size());
  EXPECT_EQ(words.size(), test::kinds::all.size());
  EXPECT_EQ(describe({test::kinds::disconnected}), "the other side left");
  EXPECT_EQ(describe(because("too slow")), "canceled: too slow");
  const auto full = std::make_error_code(std::errc::no_space_on_device);
  EXPECT_EQ(describe({cause_kind::caller, full, ""}), "canceled: " + full.message());
}

}  // namespace
}  // namespace hangup
