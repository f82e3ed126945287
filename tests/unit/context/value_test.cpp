// Values: which one is found, how long it lives.
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>

#include "hangup/context/bridge.h"
#include "hangup/context/signal.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

struct trace_key {  // the same type of value, another key
  using type = std::string;
};
struct pointer_key {
  using type = const int*;
};
struct shared_key {
  using type = std::shared_ptr<int>;
};

TEST(value, the_nearest_wins_and_another_key_never_matches) {  // B46
  const auto outer = with_value<user_key>(background(), "outer");
  const auto inner = with_value<user_key>(outer, "inner");
  EXPECT_EQ(*inner.value<user_key>(), "inner");
  EXPECT_EQ(*outer.value<user_key>(), "outer");
  EXPECT_EQ(inner.value<trace_key>(), nullptr);
  const auto both = with_value<trace_key>(inner, "inner");
  EXPECT_EQ(*both.value<user_key>(), "inner");
  EXPECT_NE(both.value<user_key>(), both.value<trace_key>());
}

TEST(value, a_null_shadows_an_outer_value) {  // B47
  const int n = 1;
  const auto outer = with_value<pointer_key>(background(), &n);
  const auto inner = with_value<pointer_key>(outer, nullptr);
  ASSERT_NE(inner.value<pointer_key>(), nullptr);
  EXPECT_EQ(*inner.value<pointer_key>(), nullptr);
  EXPECT_EQ(*outer.value<pointer_key>(), &n);
}

TEST(value, is_found_through_every_layer) {  // B48
  const auto valued = with_value<user_key>(background(), "u");
  const auto child = with_cancel(valued);
  const auto timed = with_timeout(child.ctx, never);
  const auto other = with_value<trace_key>(timed.ctx, "t");
  const auto shield = without_cancel(other);
  const std::stop_source foreign;
  const auto either = with_either(shield, child.ctx);
  const auto token = with_stop_token(either.ctx, foreign.get_token());
  const auto signal = with_signal(token.ctx, {SIGUSR1});
  const auto leaf = with_cancel(signal.ctx);
  ASSERT_NE(leaf.ctx.value<user_key>(), nullptr);
  ASSERT_NE(leaf.ctx.value<trace_key>(), nullptr);
  EXPECT_EQ(*leaf.ctx.value<user_key>(), "u");
  EXPECT_EQ(*leaf.ctx.value<trace_key>(), "t");
  EXPECT_EQ(leaf.ctx.value<pointer_key>(), nullptr);
}

TEST(value, is_readable_after_the_end) {  // B14
  const auto c = with_cancel(with_value<user_key>(background(), "u"));
  c.cancel();
  EXPECT_EQ(*c.ctx.value<user_key>(), "u");
}

TEST(value, is_one_object_for_all_copies_and_descendants) {  // B72
  const auto valued = with_value<user_key>(background(), "u");
  const context copy = valued;
  const auto child = with_cancel(valued);
  EXPECT_EQ(copy.value<user_key>(), valued.value<user_key>());
  EXPECT_EQ(child.ctx.value<user_key>(), valued.value<user_key>());
}

TEST(value, deriving_does_not_change_the_parent) {  // B72
  const auto parent = with_cancel(background());
  const auto child = with_timeout(with_value<user_key>(parent.ctx, "u"), never);
  EXPECT_EQ(parent.ctx.value<user_key>(), nullptr);
  EXPECT_EQ(parent.ctx.deadline(), std::nullopt);
  EXPECT_EQ(*child.ctx.value<user_key>(), "u");
}

TEST(value, lives_as_long_as_the_last_context_below_it) {
  std::weak_ptr<int> watched;
  {
    context leaf = background();
    {
      auto owned = std::make_shared<int>(5);
      watched = owned;
      const auto valued = with_value<shared_key>(background(), std::move(owned));
      const auto child = with_cancel(valued);
      leaf = without_cancel(child.ctx);
    }
    ASSERT_FALSE(watched.expired());
    EXPECT_EQ(**leaf.value<shared_key>(), 5);
  }
  EXPECT_TRUE(watched.expired());
}

TEST(value, ends_with_its_parent_and_not_before) {  // B43
  const auto parent = with_cancel(background());
  const auto valued = with_value<user_key>(parent.ctx, "u");
  EXPECT_FALSE(valued.done());
  parent.cancel();
  EXPECT_EQ(valued.err(), errc::canceled);
  EXPECT_EQ(valued.cause(), parent.ctx.cause());
}

// Copyable only, and the copies run out: the last one, into the node, throws.
struct brittle {
  explicit brittle(int* left) : copies_left(left) {}
  brittle(const brittle& other) : copies_left(other.copies_left) {
    if ((*copies_left)-- == 0) {
      throw std::runtime_error("no more copies");
    }
  }
  brittle& operator=(const brittle&) = delete;
  ~brittle() = default;
  int* copies_left;
};
struct brittle_key {
  using type = brittle;
};

TEST(value, that_cannot_be_stored_leaves_the_parent_as_it_was) {
  bool threw_somewhere = false;
  for (int copies = 0; copies < 4; ++copies) {
    std::weak_ptr<int> watched;
    {
      auto owned = std::make_shared<int>(5);
      watched = owned;
      const auto parent = with_value<shared_key>(background(), std::move(owned));
      int left = copies;
      try {
        const auto ctx = with_value<brittle_key>(parent, brittle(&left));
      } catch (const std::runtime_error&) {
        threw_somewhere = true;
      }
    }
    EXPECT_TRUE(watched.expired())
        << "a reference to the parent leaked after " << copies << " copies";
  }
  EXPECT_TRUE(threw_somewhere);
}

}  // namespace
}  // namespace hangup
