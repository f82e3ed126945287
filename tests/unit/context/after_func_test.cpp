// after_func: when it runs, how often, what its function may do.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>

#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(after_func, runs_once_after_cancel_and_not_before) {  // B53
  const auto c = with_cancel(background());
  int ran = 0;
  bool done_inside = false;
  const after_func hook(c.ctx, [&] {
    ++ran;
    done_inside = c.ctx.done();
  });
  EXPECT_EQ(ran, 0);
  c.cancel();
  EXPECT_EQ(ran, 1);
  EXPECT_TRUE(done_inside);
  c.cancel();
  EXPECT_EQ(ran, 1);
}

TEST(after_func, runs_after_a_timeout) {  // B53
  const auto c = with_timeout(background(), 1ms);
  std::promise<void> ran;
  const after_func hook(c.ctx, [&] { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(patience), std::future_status::ready);
}

TEST(after_func, runs_when_an_ancestor_ends) {  // B8 B53
  const auto top = with_cancel(background());
  const auto child = with_cancel(with_cancel(top.ctx).ctx);  // the middle one ended: born so
  const auto live = with_cancel(top.ctx);
  const auto leaf = with_cancel(live.ctx);
  int born_ended = 0;
  int ran = 0;
  const after_func first(child.ctx, [&] { ++born_ended; });
  const after_func second(leaf.ctx, [&] { ++ran; });
  EXPECT_EQ(born_ended, 1);
  EXPECT_EQ(ran, 0);
  top.cancel();
  EXPECT_EQ(ran, 1);
}

TEST(after_func, on_an_ended_context_runs_at_once_here) {  // B54
  const auto c = with_cancel(background());
  c.cancel();
  std::thread::id where;
  after_func hook(c.ctx, [&] { where = std::this_thread::get_id(); });
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_FALSE(hook.stop());
}

TEST(after_func, stop_before_the_end_is_true_once_and_the_function_never_runs) {  // B55
  const auto c = with_cancel(background());
  int ran = 0;
  after_func hook(c.ctx, [&] { ++ran; });
  EXPECT_TRUE(hook.stop());
  EXPECT_FALSE(hook.stop());
  c.cancel();
  EXPECT_EQ(ran, 0);
  EXPECT_FALSE(hook.stop());
}

TEST(after_func, stop_after_it_ran_is_false) {  // B56
  const auto c = with_cancel(background());
  after_func hook(c.ctx, [] {});
  c.cancel();
  EXPECT_FALSE(hook.stop());
  EXPECT_FALSE(hook.stop());
}

TEST(after_func, destruction_unregisters) {  // B55
  const auto c = with_cancel(background());
  int ran = 0;
  {
    const after_func hook(c.ctx, [&] { ++ran; });
  }
  c.cancel();
  EXPECT_EQ(ran, 0);
}

TEST(after_func, several_are_independent) {  // B58
  const auto c = with_cancel(background());
  int ran[5] = {};
  const after_func a(c.ctx, [&] { ++ran[0]; });
  after_func b(c.ctx, [&] { ++ran[1]; });
  const after_func d(with_cancel(c.ctx).ctx, [&] { ++ran[2]; });  // ended already: runs at once
  auto e = std::make_unique<after_func<std::function<void()>>>(c.ctx, [&] { ++ran[3]; });
  const after_func f(c.ctx, [&] { ++ran[4]; });
  EXPECT_TRUE(b.stop());
  e.reset();
  c.cancel();
  EXPECT_EQ(ran[0], 1);
  EXPECT_EQ(ran[1], 0);
  EXPECT_EQ(ran[2], 1);
  EXPECT_EQ(ran[3], 0);
  EXPECT_EQ(ran[4], 1);
}

TEST(after_func, on_a_context_that_never_ends_only_stops) {  // B59
  int ran = 0;
  const auto c = with_cancel(background());
  for (const auto& ctx : {background(), todo(), without_cancel(c.ctx)}) {
    after_func hook(ctx, [&] { ++ran; });
    EXPECT_TRUE(hook.stop());
    EXPECT_FALSE(hook.stop());
    const after_func left_alone(ctx, [&] { ++ran; });
  }
  c.cancel();
  EXPECT_EQ(ran, 0);
}

TEST(after_func, the_function_may_use_its_own_context_in_every_way) {  // B61
  const auto parent = with_cancel(background());
  const auto c = with_cancel(parent.ctx);
  const auto sibling = with_cancel(parent.ctx);
  int late = 0;
  int sibling_ran = 0;
  bool child_done = false;
  bool stopped = false;
  std::optional<after_func<std::function<void()>>> other;
  const after_func on_sibling(sibling.ctx, [&] { ++sibling_ran; });
  const after_func hook(c.ctx, [&] {
    c.cancel();
    sibling.cancel();
    parent.cancel();
    child_done = with_cancel(c.ctx).ctx.done();
    const after_func nested(c.ctx, [&] { ++late; });
    if (other) {  // registered later, so that it may be unregistered here before or after it ran
      stopped = other->stop();
      other.reset();
    }
    EXPECT_EQ(sleep_for(c.ctx, never).get(), errc::canceled);
    EXPECT_TRUE(c.ctx.stop_token().stop_requested());
  });
  int other_ran = 0;
  other.emplace(c.ctx, [&] { ++other_ran; });
  c.cancel();
  EXPECT_TRUE(child_done);
  EXPECT_EQ(late, 1);
  EXPECT_EQ(sibling_ran, 1);
  EXPECT_TRUE(parent.ctx.done());
  EXPECT_EQ(other_ran + (stopped ? 1 : 0), 1);
}

// How often a function that destroys its own registration has run. `timeout` 0: the end is by
// cancel(). False if the timer was faster than the registration.
bool destroys_itself(std::chrono::milliseconds timeout) {
  const auto c = timeout > 0ms ? with_timeout(background(), timeout) : with_cancel(background());
  std::promise<void> ran;
  std::atomic<bool> registered{false};
  bool in_time = false;
  std::optional<after_func<std::function<void()>>> hook;
  hook.emplace(c.ctx, [&, keep = std::make_shared<int>(0)] {
    auto& done = ran;  // captures die with the registration
    in_time = registered;
    if (in_time) {
      hook.reset();
    }
    done.set_value();
  });
  registered = true;
  int behind = 0;
  const after_func next(c.ctx, [&] { ++behind; });  // the list survives
  if (timeout == 0ms) {
    c.cancel();
    EXPECT_EQ(behind, 1);
  }
  EXPECT_EQ(ran.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(hook.has_value(), !in_time);
  return in_time;
}

TEST(after_func, may_be_destroyed_inside_its_own_function) {  // B60
  EXPECT_TRUE(destroys_itself(0ms));
  auto timeout = 5ms;
  while (!destroys_itself(timeout)) {  // a machine that stalls
    ASSERT_LT(timeout, 10s);
    timeout *= 4;
  }
}

// An object that ends its own life when its context ends: registration, cancel_func and handle, the
// last references to the context, all go inside the function that cancel() runs.
TEST(after_func, may_let_go_of_everything_that_holds_the_context) {
  struct job {
    cancelable c = with_cancel(background());
    std::optional<after_func<std::function<void()>>> hook;
  };
  auto owner = std::make_unique<job>();
  bool ran = false;
  owner->hook.emplace(owner->c.ctx, [&owner, &ran] {
    ran = true;
    owner.reset();
  });
  owner->c.cancel();
  EXPECT_TRUE(ran);
  EXPECT_EQ(owner, nullptr);
}

TEST(after_func, all_of_the_subtree_has_ended_before_the_first_function_runs) {  // B57
  const auto top = with_cancel(background());
  const auto left = with_cancel(top.ctx);
  const auto right = with_cancel(top.ctx);
  int all_done = 0;
  const auto look = [&] { all_done += top.ctx.done() && left.ctx.done() && right.ctx.done(); };
  const after_func a(left.ctx, look);
  const after_func b(top.ctx, look);
  const after_func d(right.ctx, look);
  top.cancel();
  EXPECT_EQ(all_done, 3);
}

}  // namespace
}  // namespace hangup
