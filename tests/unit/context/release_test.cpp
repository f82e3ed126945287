// What an ended context leaves behind: nothing; and how deep a tree may be.
#include <gtest/gtest.h>
#include <pthread.h>

#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

struct other_key {
  using type = int;
};

TEST(release, an_ended_child_leaves_its_parent_at_once) {  // B63
  const auto parent = with_cancel(background());
  const auto& scope = scope_of(parent.ctx);
  const auto child = with_cancel(parent.ctx);
  EXPECT_EQ(scope.kids, &scope_of(child.ctx));
  child.cancel();
  EXPECT_EQ(scope.kids, nullptr);
}

TEST(release, any_of_several_children_can_leave_in_any_order) {  // B63
  const auto parent = with_cancel(background());
  std::vector<cancelable> kids;
  for (int i = 0; i < 5; ++i) {
    kids.push_back(with_cancel(parent.ctx));
  }
  const auto count = [&] {
    int n = 0;
    for (auto* k = scope_of(parent.ctx).kids; k != nullptr; k = k->next) {
      ++n;
    }
    return n;
  };
  int left = 5;
  EXPECT_EQ(count(), left);
  for (const std::size_t i : {2U, 0U, 4U, 1U, 3U}) {
    kids[i].cancel();
    EXPECT_EQ(count(), --left);
  }
}

TEST(release, a_stopped_hook_leaves_its_context_at_once) {  // B63
  const auto c = with_cancel(background());
  after_func hook(c.ctx, [] {});
  EXPECT_NE(scope_of(c.ctx).hooks, nullptr);
  EXPECT_TRUE(hook.stop());
  EXPECT_EQ(scope_of(c.ctx).hooks, nullptr);
}

TEST(release, an_ended_parent_keeps_no_children) {  // B64
  const auto parent = with_cancel(background());
  const auto one = with_cancel(parent.ctx);
  const auto two = with_timeout(parent.ctx, never);
  parent.cancel();
  EXPECT_EQ(scope_of(parent.ctx).kids, nullptr);
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(release, values_and_shields_register_nothing) {  // B50 B3
  const auto parent = with_cancel(background());
  const auto valued = with_value<level_key>(parent.ctx, 1);
  const auto shield = without_cancel(parent.ctx);
  const auto below = with_cancel(shield);
  EXPECT_EQ(scope_of(parent.ctx).kids, nullptr);
  EXPECT_EQ(scope_of(below.ctx).up, nullptr);
}

// Runs on a stack that recursion over all levels would overflow by far.
template <class F>
void on_a_small_stack(F f) {
  pthread_attr_t attr;
  ASSERT_EQ(pthread_attr_init(&attr), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attr, std::size_t{256} << 10), 0);
  pthread_t thread{};
  const auto call = [](void* p) -> void* {
    (*static_cast<F*>(p))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attr, call, &f), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attr);
}

TEST(depth, a_chain_of_100000_levels_is_cancelled_and_destroyed_without_recursion) {  // B5
  constexpr int levels = 100'000;
  int ended = 0;
  bool alive = false;
  on_a_small_stack([&] {
    std::vector<cancelable> chain;
    chain.push_back(with_cancel(background()));
    for (int i = 1; i < levels; ++i) {
      chain.push_back(with_cancel(chain.back().ctx));
    }
    context leaf = chain.back().ctx;
    alive = !leaf.done();
    chain.front().cancel();
    for (const auto& c : chain) {
      ended += c.ctx.done();
    }
    chain.clear();        // the leaf still holds every level
    leaf = background();  // and now all of them go
  });
  EXPECT_TRUE(alive);
  EXPECT_EQ(ended, levels);
}

TEST(depth, a_chain_of_100000_values_and_shields_is_destroyed_without_recursion) {
  int outermost = 0;
  on_a_small_stack([&] {
    const auto c = with_cancel(background());
    context leaf = with_value<level_key>(c.ctx, 7);
    for (int i = 1; i < 100'000; ++i) {
      leaf = i % 2 == 0 ? without_cancel(leaf) : with_value<other_key>(leaf, i);
    }
    outermost = *leaf.value<level_key>();
  });
  EXPECT_EQ(outermost, 7);
}

}  // namespace
}  // namespace hangup
