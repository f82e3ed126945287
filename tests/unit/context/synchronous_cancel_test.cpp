// cancel() has ended the whole subtree when it returns, whoever else is ending parts of it
// meanwhile.
#include <gtest/gtest.h>
#include <future>

#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

constexpr int width = tsan ? 4'000 : 20'000;

// The cancel of one context is stopped in the middle of its children; meanwhile `second` is called.
// It must not return before the last child has ended as well.
void expect_that_it_waits_for_a_cancel_below(const cancelable& top, const cancelable& second) {
  const auto last = with_cancel(top.ctx);  // lists of children are walked from the youngest
  const auto stopper = with_timeout(top.ctx, never);
  const auto first = with_cancel(top.ctx);
  const auto own_last = with_cancel(last.ctx);
  locked_timers locked;
  std::jthread walk([&] { top.cancel(); });
  ASSERT_TRUE(spin_until([&] { return stopper.ctx.done(); }));
  auto ended = std::async(std::launch::async, [&] {
    second.cancel();
    return top.ctx.done() && first.ctx.done() && last.ctx.done() && own_last.ctx.done();
  });
  (void)ended.wait_for(50ms);  // time to return too early
  locked.unlock();
  ASSERT_EQ(ended.wait_for(patience), std::future_status::ready);
  EXPECT_TRUE(ended.get());
}

TEST(synchronous_cancel, a_second_cancel_returns_when_the_first_has_ended_the_subtree) {  // B7
  const auto c = with_cancel(background());
  expect_that_it_waits_for_a_cancel_below(c, c);
}

TEST(synchronous_cancel,
     a_parents_cancel_returns_when_the_cancel_of_a_child_has_ended_its_subtree) {  // B5
  const auto parent = with_cancel(background());
  const auto child = with_cancel(parent.ctx);
  expect_that_it_waits_for_a_cancel_below(child, parent);
}

TEST(synchronous_cancel,
     a_grandparents_cancel_returns_when_the_cancel_below_has_ended_its_subtree) {  // B5
  const auto grandparent = with_cancel(background());
  const auto parent = with_cancel(grandparent.ctx);
  const auto sibling = with_cancel(parent.ctx);
  const auto child = with_cancel(parent.ctx);
  expect_that_it_waits_for_a_cancel_below(child, grandparent);
  EXPECT_TRUE(sibling.ctx.done());
}

TEST(synchronous_cancel,
     a_childs_cancel_returns_when_the_cancel_of_the_parent_has_ended_its_subtree) {  // B7
  const auto parent = with_cancel(background());
  const auto child = with_cancel(parent.ctx);
  const auto grandchild = with_cancel(child.ctx);
  const auto stopper = with_timeout(parent.ctx, never);  // younger than the child
  locked_timers locked;
  std::jthread walk([&] { parent.cancel(); });
  ASSERT_TRUE(spin_until([&] { return stopper.ctx.done(); }));
  auto ended = std::async(std::launch::async, [&] {
    child.cancel();  // the walk has not come to it
    return child.ctx.done() && grandchild.ctx.done();
  });
  (void)ended.wait_for(50ms);
  locked.unlock();
  ASSERT_EQ(ended.wait_for(patience), std::future_status::ready);
  EXPECT_TRUE(ended.get());
}

TEST(synchronous_cancel, cancels_of_a_wide_child_and_its_parent_agree) {  // B5 B7
  for (int round = 0; round < 5; ++round) {
    const auto parent = with_cancel(background());
    const wide tree(parent.ctx, width);
    std::jthread first([&] { tree.top.cancel(); });
    ASSERT_TRUE(spin_until([&] { return tree.top.ctx.done(); }));
    (round % 2 == 0 ? parent : tree.top).cancel();
    ASSERT_TRUE(tree.all_done());
  }
}

TEST(synchronous_cancel,
     a_parents_cancel_returns_when_the_deadline_of_a_child_has_ended_its_subtree) {  // B5
  for (int round = 0; round < 3; ++round) {
    const auto parent = with_cancel(background());
    // Long enough to make the children in; if it was not, all are born ended and the test is moot.
    const wide tree(with_timeout(parent.ctx, 50ms), width);
    ASSERT_TRUE(spin_until([&] { return tree.top.ctx.done(); }));
    parent.cancel();
    ASSERT_TRUE(tree.all_done());
  }
}

}  // namespace
}  // namespace hangup
