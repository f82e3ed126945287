// What must hold when several threads meet in one tree.
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "hangup/context/wait.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(racing, err_and_done_never_disagree) {  // B16 B17
  std::atomic<int> wrong{0};
  for (int round = 0; round < rounds(1000); ++round) {
    const auto parent = with_cancel(background());
    const auto child = with_cancel(parent.ctx);
    together(3, [&](int i) {
      const auto& seen = i == 1 ? parent.ctx : child.ctx;
      if (i == 0) {
        parent.cancel();
      } else if (i == 1) {
        wrong += !spin_until([&] { return seen.err() == errc::canceled; }) || !seen.done();
      } else {
        wrong += !spin_until([&] { return seen.done(); }) || seen.err() != errc::canceled;
      }
    });
  }
  EXPECT_EQ(wrong, 0);
}

TEST(racing, the_first_cause_that_is_seen_is_whole_and_final) {  // B18
  std::atomic<int> wrong{0};
  for (int round = 0; round < rounds(1000); ++round) {
    const auto parent = with_cancel(background());
    const auto child = with_cancel(parent.ctx);
    const std::string text[2] = {std::string(100, 'a'), std::string(100, 'b')};
    together(4, [&](int i) {
      if (i < 2) {
        parent.cancel({i == 0 ? cause_kind::shutdown : test::kinds::disconnected, {}, text[i]});
        return;
      }
      const auto& seen = i == 2 ? parent.ctx : child.ctx;
      const cause* why = nullptr;
      if (!spin_until([&] { return (why = seen.cause()) != nullptr; })) {
        ++wrong;
        return;
      }
      const auto who = why->kind == cause_kind::shutdown ? 0 : 1;
      wrong += why->text != text[who] || why->at == clock::time_point{} || !seen.done();
      wrong += seen.cause() != why;
    });
    wrong += parent.ctx.cause() != child.ctx.cause();
  }
  EXPECT_EQ(wrong, 0);
}

TEST(racing, cancel_and_deadline_give_one_end_to_all) {  // B16
  std::atomic<int> wrong{0};
  for (int round = 0; round < rounds(300); ++round) {
    const auto parent = with_timeout(background(), 100us * (round % 10));
    const auto child = with_cancel(parent.ctx);
    together(3, [&](int i) {
      if (i == 0) {
        (void)sleep_for(background(), 50us * (round % 20));
        parent.cancel({cause_kind::shutdown});
        return;
      }
      const auto& seen = i == 1 ? parent.ctx : child.ctx;
      const std::error_code ec = wait_done(seen);
      wrong += seen.err() != ec;
      wrong += (seen.cause()->kind == cause_kind::deadline) != (ec == errc::deadline_exceeded);
    });
    wrong += parent.ctx.err() != child.ctx.err();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(racing, many_cancels_of_one_context_end_it_once) {  // B6
  for (int round = 0; round < rounds(100); ++round) {
    const auto c = with_cancel(background());
    std::atomic<int> ran{0};
    std::atomic<int> alive_after{0};
    const after_func hook(c.ctx, [&] { ++ran; });
    together(8, [&](int i) {
      c.cancel({cause_kind::caller, {}, std::to_string(i)});
      alive_after += !c.ctx.done();
    });
    ASSERT_EQ(ran, 1);
    ASSERT_EQ(alive_after, 0);
  }
}

TEST(racing, a_child_made_while_its_parent_ends_has_ended_with_the_parents_cause) {  // B11
  std::atomic<int> wrong{0};
  for (int round = 0; round < rounds(2000); ++round) {
    const auto parent = with_cancel(background());
    together(4, [&](int i) {
      if (i == 0) {
        parent.cancel({cause_kind::shutdown});
        return;
      }
      const auto child = i == 1 ? with_cancel(parent.ctx) : with_timeout(parent.ctx, never);
      const auto grandchild = with_cancel(child.ctx);
      wrong += wait_done(grandchild.ctx) != errc::canceled;
      wrong += !child.ctx.done() || child.ctx.cause() != parent.ctx.cause();
      wrong += grandchild.ctx.cause() != parent.ctx.cause();
    });
    ASSERT_EQ(scope_of(parent.ctx).kids, nullptr);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(racing, a_tree_of_100_is_cancelled_from_100_threads) {  // B12
  for (int round = 0; round < (tsan ? 2 : 10); ++round) {
    std::vector<cancelable> all;
    all.push_back(with_cancel(background()));
    for (std::size_t i = 1; i < 100; ++i) {
      const auto& parent = all[(i - 1) / 4].ctx;
      all.push_back(i % 3 == 0 ? with_timeout(parent, never) : with_cancel(parent));
    }
    std::atomic<int> alive{0};
    together(100, [&](int i) {
      const auto at = static_cast<std::size_t>(i);
      all[at].cancel();
      alive += !all[at].ctx.done();
      for (auto kid = 4 * at + 1; kid <= 4 * at + 4 && kid < all.size(); ++kid) {
        alive += !all[kid].ctx.done();  // B5: cancel has returned
      }
    });
    ASSERT_EQ(alive, 0);
    for (const auto& c : all) {
      ASSERT_TRUE(c.ctx.done());
      ASSERT_EQ(scope_of(c.ctx).kids, nullptr);
    }
    ASSERT_EQ(tree::armed_timers(), 0U);
  }
}

TEST(racing, cancelling_a_child_while_the_parents_cancel_walks_is_no_deadlock) {  // B13
  for (int round = 0; round < rounds(300); ++round) {
    const auto parent = with_cancel(background());
    const auto child = with_cancel(parent.ctx);
    const auto grandchild = with_cancel(child.ctx);
    const after_func back(grandchild.ctx, [&] { parent.cancel(); });
    together(4, [&](int i) {
      if (i == 0) {
        parent.cancel();
      } else if (i == 1) {
        EXPECT_EQ(wait_done(parent.ctx).get(), errc::canceled);
        child.cancel();
      } else if (i == 2) {
        child.cancel();
      } else {
        grandchild.cancel();
      }
    });
    ASSERT_TRUE(parent.ctx.done() && child.ctx.done() && grandchild.ctx.done());
  }
}

TEST(racing, two_hooks_that_cancel_each_others_context_are_no_deadlock) {  // B61
  for (int round = 0; round < rounds(500); ++round) {
    const auto one = with_cancel(background());
    const auto two = with_cancel(background());
    const auto below_one = with_cancel(one.ctx);
    const auto below_two = with_cancel(two.ctx);
    const after_func a(below_one.ctx, [&] { two.cancel(); });
    const after_func b(below_two.ctx, [&] { one.cancel(); });
    together(2, [&](int i) { (i == 0 ? one : two).cancel(); });
    ASSERT_TRUE(below_one.ctx.done() && below_two.ctx.done());
  }
}

TEST(racing, the_last_handle_may_go_while_the_parent_or_the_deadline_ends_it) {  // B63 B67
  for (int round = 0; round < rounds(1000); ++round) {
    const auto parent = with_cancel(background());
    together(4, [&](int i) {
      if (i == 0) {
        parent.cancel();
        return;
      }
      for (int n = 0; n < 20; ++n) {
        auto child = with_timeout(parent.ctx, 1us * (n * i));
        auto grandchild = with_cancel(child.ctx);
        const after_func hook(grandchild.ctx, [] {});
        child = with_cancel(grandchild.ctx);  // lets go of the middle one first
      }
    });
    ASSERT_EQ(scope_of(parent.ctx).kids, nullptr);
  }
  EXPECT_EQ(tree::armed_timers(), 0U);
}

TEST(racing, children_come_and_go_under_one_parent_on_many_threads) {  // B63 B72
  const auto parent = with_cancel(background());
  together(4, [&](int) {
    for (int n = 0; n < rounds(20'000); ++n) {
      const auto child = with_cancel(parent.ctx);
      if (child.ctx.done()) {
        ADD_FAILURE() << "ended by nobody";
        return;
      }
    }
  });
  EXPECT_FALSE(parent.ctx.done());
  EXPECT_EQ(scope_of(parent.ctx).kids, nullptr);
}

// What was written before the end is seen after it: no atomics, so that TSan looks as well.
TEST(racing, what_was_written_before_the_end_is_seen_after_it) {
  for (int round = 0; round < rounds(1000); ++round) {
    const auto parent = with_cancel(background());
    const auto child = with_cancel(parent.ctx);
    int written = 0;
    std::atomic<int> wrong{0};
    together(3, [&](int i) {
      if (i == 0) {
        written = 1;
        parent.cancel();
      } else if (i == 1) {
        wrong += !spin_until([&] { return child.ctx.done(); }) || written != 1;
      } else {
        wrong += !wait_done(child.ctx) || written != 1;
      }
    });
    ASSERT_EQ(wrong, 0);
  }
}

}  // namespace
}  // namespace hangup
