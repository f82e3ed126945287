// with_cancel on one thread: who ends with whom.
#include <optional>

#include <optional>
#include <random>
#include <string>

#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(cancel, a_new_child_lives) {  // B4
  const auto c = with_cancel(background());
  EXPECT_FALSE(c.ctx.done());
  EXPECT_FALSE(c.ctx.err());
  EXPECT_EQ(c.ctx.cause(), nullptr);
  EXPECT_NO_THROW(c.ctx.throw_if_done());
}

TEST(cancel, everything_below_has_ended_when_cancel_returns) {  // B5 B8
  const auto top = with_cancel(background());
  const auto child = with_cancel(top.ctx);
  const auto valued = with_value<level_key>(child.ctx, 1);
  const auto timed = with_timeout(valued, never);
  const auto leaf = with_value<level_key>(with_cancel(timed.ctx).ctx, 2);
  top.cancel();
  for (const auto& ctx : {top.ctx, child.ctx, valued, timed.ctx, leaf}) {
    EXPECT_TRUE(ctx.done());
    EXPECT_EQ(ctx.err(), errc::canceled);
    EXPECT_NE(ctx.cause(), nullptr);
  }
}

TEST(cancel, the_destructor_cancels) {  // B66
  context ctx = background();
  {
    const auto c = with_cancel(background());
    ctx = c.ctx;
    EXPECT_FALSE(ctx.done());
  }
  EXPECT_EQ(ctx.err(), errc::canceled);
}

TEST(cancel, a_moved_cancel_func_cancels_once_and_at_its_new_place) {
  auto c = with_cancel(background());
  {
    cancel_func moved = std::move(c.cancel);
    c.cancel();  // NOLINT: empty now
    EXPECT_FALSE(c.ctx.done());
  }
  EXPECT_TRUE(c.ctx.done());
}

TEST(cancel, assigning_a_cancel_func_cancels_what_it_held) {  // B66
  auto one = with_cancel(background());
  auto two = with_cancel(background());
  one.cancel = std::move(two.cancel);
  EXPECT_TRUE(one.ctx.done());
  EXPECT_FALSE(two.ctx.done());
  one.cancel();
  EXPECT_TRUE(two.ctx.done());
}

TEST(cancel, the_second_call_changes_nothing) {  // B6
  const auto c = with_cancel(background());
  c.cancel({cause_kind::shutdown, {}, "first"});
  const auto* const why = c.ctx.cause();
  c.cancel();
  c.cancel({cause_kind::deadline, {}, "third"});
  EXPECT_EQ(c.ctx.err(), errc::canceled);
  EXPECT_EQ(c.ctx.cause(), why);
  EXPECT_EQ(why->text, "first");
}

TEST(cancel, a_child_that_ends_leaves_its_parent_and_siblings_alive) {  // B9
  const auto parent = with_cancel(background());
  const auto child = with_cancel(parent.ctx);
  const auto sibling = with_cancel(parent.ctx);
  child.cancel();
  EXPECT_TRUE(child.ctx.done());
  EXPECT_FALSE(parent.ctx.done());
  EXPECT_FALSE(sibling.ctx.done());
}

TEST(cancel, a_child_of_an_ended_parent_is_born_ended_with_its_cause) {  // B10
  const auto parent = with_cancel(background());
  parent.cancel({test::kinds::overruled, {}, "enough"});
  const auto child = with_cancel(with_value<level_key>(parent.ctx, 1));
  const auto timed = with_timeout(parent.ctx, never);
  const auto grandchild = with_cancel(child.ctx);
  for (const auto& ctx : {child.ctx, timed.ctx, grandchild.ctx}) {
    EXPECT_EQ(ctx.err(), errc::canceled);
    EXPECT_EQ(ctx.cause(), parent.ctx.cause());
  }
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(cancel, a_handle_ends_the_context_that_it_does_not_own) {
  const auto c = with_cancel(background());
  { const cancel_handle dropped(c.cancel); }
  EXPECT_FALSE(c.ctx.done());
  const cancel_handle handle(c.cancel);
  const auto copy = handle;
  copy(because("from elsewhere"));
  handle(because("too late"));
  EXPECT_EQ(c.ctx.cause()->text, "from elsewhere");
}

TEST(cancel, a_handle_outlives_the_owner_and_ends_nothing_then) {
  std::optional<cancel_handle> handle;
  {
    const auto c = with_cancel(background());
    handle.emplace(c.cancel);
  }
  (*handle)(because("nobody is left"));
  const cancel_handle of_nothing{cancel_func()};
  of_nothing(because("there is no context"));
}

TEST(cancel, throw_if_done_throws_the_error) {
  const auto c = with_cancel(background());
  c.cancel();
  try {
    c.ctx.throw_if_done();
    FAIL() << "did not throw";
  } catch (const canceled_error& e) {
    EXPECT_EQ(e.code(), errc::canceled);
  }
}

// The leaf of a stack of random layers ends with any of them.
TEST(cancel, any_of_many_random_layers_ends_the_leaf_and_all_values_stay) {  // B14
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<cancelable> ends;
    std::vector<context> layers{background()};
    std::vector<int> expected{-1};
    ends.push_back(with_cancel(background()));
    layers.push_back(ends.back().ctx);
    expected.push_back(-1);
    for (int i = 0; i < 40; ++i) {
      const auto kind = random() % 3;
      if (kind == 0) {
        layers.push_back(with_value<level_key>(layers.back(), i));
        expected.push_back(i);
        continue;
      }
      ends.push_back(kind == 1 ? with_cancel(layers.back()) : with_timeout(layers.back(), never));
      layers.push_back(ends.back().ctx);
      expected.push_back(expected.back());
    }
    const auto check_values = [&] {
      for (std::size_t i = 0; i < layers.size(); ++i) {
        const int* const v = layers[i].value<level_key>();
        ASSERT_EQ(v == nullptr ? -1 : *v, expected[i]);
      }
    };
    check_values();
    EXPECT_FALSE(layers.back().done());
    const auto victim = random() % ends.size();
    ends[victim].cancel();
    EXPECT_EQ(layers.back().err(), errc::canceled);
    EXPECT_EQ(layers.back().cause(), ends[victim].ctx.cause());
    for (std::size_t i = 0; i < ends.size(); ++i) {
      EXPECT_EQ(ends[i].ctx.done(), i >= victim);
    }
    check_values();
  }
}

}  // namespace
}  // namespace hangup
