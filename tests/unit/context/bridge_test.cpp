// with_either and with_stop_token: a second reason to end.
#include "hangup/context/bridge.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "hangup/context/wait.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

struct left_key {
  using type = int;
};
struct right_key {
  using type = int;
};

bool registers_nothing(const context& ctx) {
  auto& s = scope_of(ctx);
  s.word.lock();
  const bool nothing = s.hooks == nullptr && s.kids == nullptr;
  s.word.unlock();
  return nothing;
}

TEST(with_either, lives_while_both_live) {
  const auto a = with_cancel(background());
  const auto b = with_cancel(background());
  const auto e = with_either(a.ctx, b.ctx);
  EXPECT_FALSE(e.ctx.done());
  EXPECT_EQ(e.ctx.cause(), nullptr);
  EXPECT_EQ(e.ctx.deadline(), std::nullopt);
}

TEST(with_either, ends_with_its_parent_and_its_cause) {  // B71
  const auto a = with_cancel(background());
  const auto b = with_cancel(background());
  const auto e = with_either(a.ctx, b.ctx);
  const auto below = with_cancel(e.ctx);
  a.cancel(because("left"));
  ASSERT_EQ(e.ctx.err(), errc::canceled);
  EXPECT_EQ(e.ctx.cause(), a.ctx.cause());
  EXPECT_EQ(below.ctx.cause(), a.ctx.cause());
  b.cancel(because("right"));
  EXPECT_EQ(e.ctx.cause()->text, "left");  // B34
}

TEST(with_either, ends_with_the_other_and_its_cause_before_cancel_returns) {  // B71 B5
  const auto a = with_cancel(background());
  const auto b = with_cancel(background());
  const auto e = with_either(a.ctx, b.ctx);
  const auto below = with_timeout(with_cancel(e.ctx).ctx, never);
  const auto from = location::current();
  b.cancel({test::kinds::disconnected, std::make_error_code(std::errc::io_error), "right"});
  ASSERT_EQ(e.ctx.err(), errc::canceled);
  ASSERT_TRUE(below.ctx.done());
  EXPECT_EQ(e.ctx.cause()->kind, test::kinds::disconnected);
  EXPECT_EQ(e.ctx.cause()->code, std::errc::io_error);
  EXPECT_EQ(e.ctx.cause()->text, "right");
  EXPECT_EQ(e.ctx.cause()->at, b.ctx.cause()->at);
  EXPECT_EQ(e.ctx.cause()->source.line, from.line + 1);
  EXPECT_FALSE(a.ctx.done());
  a.cancel(because("left"));
  EXPECT_EQ(e.ctx.cause()->text, "right");  // B34
}

TEST(with_either, is_born_ended_when_one_of_them_has_ended) {  // B10
  const auto dead = with_cancel(background());
  dead.cancel(because("dead"));
  const auto alive = with_cancel(background());
  const auto first = with_either(dead.ctx, alive.ctx);
  const auto second = with_either(alive.ctx, dead.ctx);
  EXPECT_EQ(first.ctx.cause(), dead.ctx.cause());
  ASSERT_EQ(second.ctx.err(), errc::canceled);
  EXPECT_EQ(second.ctx.cause()->text, "dead");
  EXPECT_TRUE(registers_nothing(alive.ctx));
  const auto late = with_timeout(background(), -1s);
  EXPECT_EQ(with_either(alive.ctx, late.ctx).ctx.err(), errc::deadline_exceeded);
  EXPECT_EQ(with_either(dead.ctx, late.ctx).ctx.err(), errc::canceled);  // the parent's first
  EXPECT_EQ(with_either(late.ctx, dead.ctx).ctx.err(), errc::deadline_exceeded);
}

TEST(with_either, ends_by_itself_and_leaves_both_alive) {  // B9 B69
  const auto a = with_cancel(background());
  const auto b = with_cancel(background());
  {
    const auto e = with_either(a.ctx, b.ctx);
    EXPECT_NE(scope_of(a.ctx).kids, nullptr);
    EXPECT_NE(scope_of(b.ctx).hooks, nullptr);
    e.cancel(because("own"));
    EXPECT_EQ(e.ctx.cause()->text, "own");
    EXPECT_TRUE(registers_nothing(a.ctx) && registers_nothing(b.ctx));
  }
  { const auto by_its_handle = with_either(a.ctx, b.ctx); }
  EXPECT_TRUE(registers_nothing(a.ctx) && registers_nothing(b.ctx));
  EXPECT_FALSE(a.ctx.done() || b.ctx.done());
}

TEST(with_either, is_registered_with_neither_once_one_has_ended_it) {  // B63 B70
  for (const bool left : {true, false}) {
    const auto a = with_cancel(background());
    const auto b = with_cancel(background());
    const auto e = with_either(a.ctx, b.ctx);
    (left ? a : b).cancel();
    EXPECT_TRUE(e.ctx.done());
    EXPECT_TRUE(registers_nothing(a.ctx) && registers_nothing(b.ctx));
  }
}

TEST(with_either, of_one_that_never_ends_is_a_child_of_the_other) {
  const auto a = with_cancel(background());
  const auto e = with_either(a.ctx, background());
  const auto f = with_either(background(), a.ctx);
  const auto g = with_either(without_cancel(a.ctx), without_cancel(a.ctx));
  EXPECT_FALSE(e.ctx.done() || f.ctx.done());
  a.cancel();
  EXPECT_TRUE(e.ctx.done() && f.ctx.done());
  EXPECT_FALSE(g.ctx.done());
  g.cancel();
  EXPECT_TRUE(g.ctx.done());
}

TEST(with_either, has_the_values_of_its_parent_only) {
  const auto a = with_cancel(with_value<left_key>(background(), 1));
  const auto b = with_cancel(with_value<right_key>(background(), 2));
  const auto e = with_either(a.ctx, b.ctx);
  ASSERT_NE(e.ctx.value<left_key>(), nullptr);
  EXPECT_EQ(e.ctx.value<right_key>(), nullptr);
}

TEST(with_either, has_the_earlier_deadline) {  // B24 B30
  const auto soon = with_timeout(background(), 1h);
  const auto late = with_timeout(background(), 2h);
  const auto none = with_cancel(background());
  EXPECT_EQ(with_either(soon.ctx, late.ctx).ctx.deadline(), soon.ctx.deadline());
  EXPECT_EQ(with_either(late.ctx, soon.ctx).ctx.deadline(), soon.ctx.deadline());
  EXPECT_EQ(with_either(none.ctx, soon.ctx).ctx.deadline(), soon.ctx.deadline());
  const auto e = with_either(late.ctx, soon.ctx);
  EXPECT_EQ(with_timeout(e.ctx, 3h).ctx.deadline(), soon.ctx.deadline());
  EXPECT_EQ(with_cancel(with_cancel(e.ctx).ctx).ctx.deadline(), soon.ctx.deadline());
  EXPECT_EQ(without_cancel(e.ctx).deadline(), std::nullopt);
  soon.cancel();
  EXPECT_EQ(e.ctx.deadline(), soon.ctx.deadline());  // also after the end
}

TEST(with_either, a_deadline_of_the_second_parent_ends_it) {
  const auto a = with_cancel(background());
  const auto b = with_timeout(background(), 10ms, {.text = "b's budget"});
  const auto e = with_either(a.ctx, with_cancel(b.ctx).ctx);
  EXPECT_EQ(wait_done(with_either(a.ctx, b.ctx).ctx).get(), errc::deadline_exceeded);
  const auto f = with_either(a.ctx, b.ctx);
  EXPECT_EQ(wait_done(f.ctx).get(), errc::deadline_exceeded);
  EXPECT_EQ(f.ctx.cause()->kind, cause_kind::deadline);
  EXPECT_EQ(f.ctx.cause()->text, "b's budget");
  EXPECT_FALSE(a.ctx.done());
}

TEST(with_either, a_sleeper_finds_the_deadline_of_the_second_parent_itself) {
  const stalled_timer nobody_else;
  const auto a = with_cancel(background());
  const auto b = with_timeout(background(), 10ms, {.text = "b's budget"});
  const auto below_b = with_cancel(b.ctx);
  const auto e = with_either(a.ctx, below_b.ctx);
  const auto leaf = with_cancel(with_value<left_key>(e.ctx, 1));
  EXPECT_EQ(sleep_for(leaf.ctx, never).get(), errc::deadline_exceeded);
  EXPECT_EQ(leaf.ctx.cause()->text, "b's budget");
  EXPECT_EQ(e.ctx.err(), errc::deadline_exceeded);
  EXPECT_EQ(e.ctx.cause()->text, "b's budget");
  EXPECT_EQ(b.ctx.err(), errc::deadline_exceeded);
  EXPECT_FALSE(a.ctx.done());

  const auto again = with_timeout(background(), 10ms);
  const auto f = with_either(a.ctx, again.ctx);
  const sockets s;
  EXPECT_EQ(wait_fd(f.ctx, s.fd[0], 1).get(), errc::deadline_exceeded);
}

TEST(with_either, sleepers_below_find_a_deadline_of_a_chain_from_many_threads) {
  const stalled_timer nobody_else;
  for (int round = 0; round < rounds(60); ++round) {
    const auto a = with_cancel(background());
    const auto b = with_timeout(background(), std::chrono::microseconds(100 + 10 * round));
    std::vector<cancelable> chain;
    chain.push_back(with_either(a.ctx, b.ctx));
    for (int i = 0; i < 3; ++i) {
      chain.push_back(with_either(a.ctx, chain.back().ctx));
    }
    together(4, [&](int i) {
      const auto& mine = chain[static_cast<std::size_t>(i)].ctx;
      EXPECT_EQ(sleep_for(mine, never).get(), errc::deadline_exceeded);
      EXPECT_EQ(mine.cause()->kind, cause_kind::deadline);
    });
    ASSERT_TRUE(b.ctx.done());
    ASSERT_FALSE(a.ctx.done());
  }
}

TEST(with_either, a_chain_of_500_second_parents_ends_at_once) {
  const auto a = with_cancel(background());
  const auto b = with_cancel(background());
  std::vector<cancelable> chain;
  chain.push_back(with_either(a.ctx, b.ctx));
  for (int i = 1; i < 500; ++i) {
    chain.push_back(with_either(a.ctx, chain.back().ctx));
  }
  b.cancel(because("far away"));
  for (const auto& c : chain) {
    ASSERT_TRUE(c.ctx.done());
    ASSERT_EQ(c.ctx.cause()->text, "far away");
  }
  EXPECT_TRUE(registers_nothing(a.ctx));
}

TEST(with_either, of_relatives_ends_with_each) {
  const auto top = with_cancel(background());
  const auto low = with_cancel(top.ctx);
  const auto same = with_either(top.ctx, top.ctx);
  const auto down = with_either(top.ctx, low.ctx);
  const auto up = with_either(low.ctx, top.ctx);
  const auto brother = with_either(down.ctx, up.ctx);
  low.cancel(because("low"));
  EXPECT_TRUE(down.ctx.done() && up.ctx.done() && brother.ctx.done());
  EXPECT_FALSE(same.ctx.done());
  top.cancel(because("top"));
  EXPECT_TRUE(same.ctx.done());
  EXPECT_EQ(same.ctx.cause()->text, "top");
  EXPECT_EQ(brother.ctx.cause()->text, "low");
  EXPECT_TRUE(registers_nothing(top.ctx));
}

TEST(with_either, a_function_on_it_may_end_and_destroy_everything) {  // B61
  for (const bool left : {true, false}) {
    auto a = with_cancel(background());
    auto b = with_cancel(background());
    std::optional<cancelable> e(with_either(a.ctx, b.ctx));
    std::optional<cancelable> f(with_either(b.ctx, e->ctx));
    bool ran = false;
    const after_func hook(e->ctx, [&] {
      a.cancel();
      b.cancel();
      e.reset();
      f.reset();
      a = {background(), {}};
      b = {background(), {}};
      ran = true;
    });
    (left ? a : b).cancel();
    EXPECT_TRUE(ran);
  }
}

// Also while the thread that has ended it is still busy with functions of its parent.
TEST(with_either, is_registered_with_neither_before_functions_run) {  // B63
  const auto a = with_cancel(background());
  const auto b = with_cancel(background());
  std::promise<void> running;
  std::promise<void> go_on;
  const after_func slow(a.ctx, [&] {
    running.set_value();
    go_on.get_future().wait();
  });
  const auto e = with_either(a.ctx, b.ctx);
  std::jthread ender([&] { a.cancel(); });
  running.get_future().wait();
  EXPECT_TRUE(e.ctx.done());
  EXPECT_TRUE(registers_nothing(b.ctx));
  go_on.set_value();
}

// Whoever ends it: first cause wins, err() and done() agree, nothing is left registered.
TEST(with_either_race, ended_from_both_sides_at_once) {
  for (int round = 0; round < rounds(1000); ++round) {
    const auto top = with_cancel(background());
    const auto a = with_cancel(top.ctx);
    const auto b = with_cancel(top.ctx);
    const auto e = with_either(a.ctx, b.ctx);
    const auto f = with_either(b.ctx, a.ctx);
    const auto leaf = with_cancel(e.ctx);
    together(round % 2 == 0 ? 3 : 4, [&](int i) {
      if (i == 0) {
        a.cancel(because("a"));
        EXPECT_TRUE(e.ctx.done() && f.ctx.done() && leaf.ctx.done());
      } else if (i == 1) {
        b.cancel(because("b"));
        EXPECT_TRUE(e.ctx.done() && f.ctx.done() && leaf.ctx.done());
      } else if (i == 2) {
        EXPECT_TRUE(spin_until([&] { return leaf.ctx.err() == errc::canceled; }));
        EXPECT_TRUE(leaf.ctx.done());
        const auto* const why = leaf.ctx.cause();
        EXPECT_TRUE(why->text == "a" || why->text == "b" || why->text == "top");
      } else {
        top.cancel(because("top"));
        EXPECT_TRUE(a.ctx.done() && b.ctx.done() && e.ctx.done() && f.ctx.done());
      }
    });
    const auto* const why = e.ctx.cause();
    ASSERT_NE(why, nullptr);
    ASSERT_EQ(leaf.ctx.cause(), why);
    ASSERT_TRUE(registers_nothing(a.ctx) && registers_nothing(b.ctx) && registers_nothing(top.ctx));
  }
}

TEST(with_either_race, made_while_both_end) {  // B11
  for (int round = 0; round < rounds(1000); ++round) {
    const auto a = with_cancel(background());
    const auto b = with_cancel(background());
    std::optional<cancelable> e;
    together(3, [&](int i) {
      if (i == 0) {
        a.cancel(because("a"));
      } else if (i == 1) {
        b.cancel(because("b"));
      } else {
        e.emplace(with_either(a.ctx, b.ctx));
      }
    });
    ASSERT_TRUE(e->ctx.done());
    ASSERT_TRUE(e->ctx.cause()->text == "a" || e->ctx.cause()->text == "b");
    ASSERT_TRUE(registers_nothing(a.ctx) && registers_nothing(b.ctx));
  }
}

TEST(with_either_race, destroyed_while_both_end) {
  for (int round = 0; round < rounds(1000); ++round) {
    const auto a = with_cancel(background());
    const auto b = with_cancel(background());
    std::optional<cancelable> e(with_either(a.ctx, b.ctx));
    std::optional<cancelable> f(with_either(b.ctx, e->ctx));
    together(4, [&](int i) {
      if (i == 0) {
        a.cancel();
      } else if (i == 1) {
        b.cancel();
      } else {
        (i == 2 ? e : f).reset();
      }
    });
    ASSERT_TRUE(registers_nothing(a.ctx) && registers_nothing(b.ctx));
  }
}

TEST(with_either_race, a_web_of_contexts_ended_everywhere_at_once) {  // B12
  for (unsigned seed = 1; seed <= static_cast<unsigned>(rounds(200)); ++seed) {
    std::minstd_rand dice(seed);
    std::vector<cancelable> web;
    web.push_back(with_cancel(background()));
    web.push_back(with_cancel(background()));
    for (int i = 0; i < 40; ++i) {
      const auto& one = web[dice() % web.size()].ctx;
      const auto& two = web[dice() % web.size()].ctx;
      switch (dice() % 4) {
        case 0:
          web.push_back(with_cancel(one));
          break;
        case 1:
          web.push_back(with_timeout(one, std::chrono::microseconds(50 + dice() % 500)));
          break;
        default:
          web.push_back(with_either(one, two));
      }
    }
    std::atomic<int> hooks{0};
    std::vector<std::unique_ptr<after_func<std::function<void()>>>> functions;
    for (const auto& c : web) {
      auto& any = web[dice() % web.size()].cancel;
      functions.push_back(std::make_unique<after_func<std::function<void()>>>(c.ctx, [&] {
        ++hooks;
        any(because("hook"));
      }));
    }
    together(4, [&](int i) {
      for (auto at = static_cast<std::size_t>(i); at < web.size(); at += 4) {
        web[web.size() - 1 - at].cancel(because("web"));
        EXPECT_TRUE(web[web.size() - 1 - at].ctx.done());
      }
    });
    ASSERT_TRUE(spin_until([&] { return hooks == 42; }));  // some run on the timer thread
    functions.clear();
    for (const auto& c : web) {
      ASSERT_TRUE(c.ctx.done() && spin_until([&] { return registers_nothing(c.ctx); }));
    }
  }
}

// Deadlines of both sides, cancels and sleepers.
TEST(with_either_race, deadlines_and_cancels_from_both_sides) {
  for (int round = 0; round < rounds(200); ++round) {
    std::minstd_rand dice(static_cast<unsigned>(round + 1));
    const auto a = with_timeout(background(), std::chrono::microseconds(dice() % 300));
    const auto b = with_timeout(background(), std::chrono::microseconds(dice() % 300));
    const auto e = with_either(a.ctx, b.ctx);
    together(3, [&](int i) {
      if (i == 0) {
        const std::error_code ec = sleep_for(e.ctx, never);
        EXPECT_TRUE(ec);
        EXPECT_EQ(ec, e.ctx.err());
        EXPECT_EQ(e.ctx.cause()->kind == cause_kind::deadline, ec == errc::deadline_exceeded);
      } else if (i == 1) {
        (void)sleep_for(background(), 150us);
        b.cancel();
      } else {
        EXPECT_TRUE(wait_done(a.ctx).get());
      }
    });
    // What the timer thread has ended it may be giving back just now.
    ASSERT_TRUE(spin_until([&] { return registers_nothing(a.ctx) && registers_nothing(b.ctx); }));
  }
}

TEST(with_stop_token, ends_within_request_stop_as_a_plain_cancellation) {  // B71 B44
  std::stop_source source;
  const auto parent = with_cancel(background());
  const auto made = location::current();
  const auto c = with_stop_token(parent.ctx, source.get_token());
  const auto below = with_cancel(c.ctx);
  EXPECT_FALSE(c.ctx.done());
  std::thread::id where;
  const after_func hook(below.ctx, [&] { where = std::this_thread::get_id(); });
  source.request_stop();
  ASSERT_EQ(c.ctx.err(), errc::canceled);
  EXPECT_TRUE(below.ctx.done());
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_EQ(c.ctx.cause()->kind, cause_kind::caller);
  EXPECT_EQ(c.ctx.cause()->code, std::error_code());
  EXPECT_EQ(c.ctx.cause()->text, "");
  EXPECT_EQ(c.ctx.cause()->source.line, made.line + 1);
  EXPECT_NE(c.ctx.cause()->at, clock::time_point{});
  EXPECT_FALSE(parent.ctx.done());
  EXPECT_TRUE(registers_nothing(parent.ctx));
}

TEST(with_stop_token, ends_with_its_parent_too) {
  std::stop_source source;
  const auto parent = with_timeout(background(), never);
  const auto c = with_stop_token(parent.ctx, source.get_token());
  EXPECT_EQ(c.ctx.deadline(), parent.ctx.deadline());
  parent.cancel(because("parent"));
  EXPECT_EQ(c.ctx.cause(), parent.ctx.cause());
  source.request_stop();
  EXPECT_EQ(c.ctx.cause()->text, "parent");
}

TEST(with_stop_token, of_a_token_that_has_stopped_is_born_ended) {
  std::stop_source source;
  source.request_stop();
  const auto parent = with_cancel(background());
  EXPECT_EQ(with_stop_token(parent.ctx, source.get_token()).ctx.err(), errc::canceled);
  parent.cancel(because("parent"));
  const auto both = with_stop_token(parent.ctx, source.get_token());
  EXPECT_EQ(both.ctx.cause()->text, "parent");  // the parent's comes first
}

TEST(with_stop_token, of_a_token_that_never_stops_is_a_child) {
  const auto parent = with_cancel(background());
  const auto none = with_stop_token(parent.ctx, {});
  std::stop_token abandoned;
  {
    const std::stop_source source;
    abandoned = source.get_token();
  }
  const auto orphan = with_stop_token(parent.ctx, abandoned);
  EXPECT_FALSE(none.ctx.done() || orphan.ctx.done());
  parent.cancel();
  EXPECT_TRUE(none.ctx.done() && orphan.ctx.done());
}

TEST(with_stop_token, leaves_nothing_with_the_token_once_it_has_ended) {  // B69
  // What a callback holds would keep the context alive, and with it the value.
  struct held_key {
    using type = std::shared_ptr<int>;
  };
  const auto held = std::make_shared<int>(1);
  std::stop_source source;
  {
    const auto c = with_stop_token(with_value<held_key>(background(), held), source.get_token());
    EXPECT_EQ(held.use_count(), 2);
    c.cancel();
  }
  EXPECT_EQ(held.use_count(), 1);
  source.request_stop();
}

TEST(with_stop_token, of_a_jthread_ends_what_the_thread_waits_for) {
  std::error_code told;
  {
    std::jthread t([&](std::stop_token stop) {
      const auto c = with_stop_token(background(), std::move(stop));
      told = wait_done(c.ctx);
    });
  }  // requests the stop and joins
  EXPECT_EQ(told, errc::canceled);
}

TEST(with_stop_token, of_its_own_parent_and_of_a_relative_may_be_used) {
  const auto parent = with_cancel(background());
  const auto child = with_cancel(parent.ctx);
  const auto own = with_stop_token(parent.ctx, parent.ctx.stop_token());
  const auto of_child = with_stop_token(parent.ctx, child.ctx.stop_token());
  const auto round_trip = with_stop_token(background(), own.ctx.stop_token());
  child.cancel();
  EXPECT_TRUE(of_child.ctx.done());
  EXPECT_FALSE(own.ctx.done());
  parent.cancel(because("parent"));
  EXPECT_EQ(own.ctx.cause(), parent.ctx.cause());
  EXPECT_TRUE(round_trip.ctx.done());
}

TEST(with_stop_token, starts_no_thread) {  // B68 B70
  const auto before = threads();
  std::stop_source source;
  const auto parent = with_cancel(background());
  std::vector<cancelable> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(with_stop_token(parent.ctx, source.get_token()));
    all.push_back(with_either(parent.ctx, all.back().ctx));
  }
  EXPECT_LE(threads(), before);
  source.request_stop();
  EXPECT_TRUE(all.back().ctx.done());
  EXPECT_LE(threads(), before);
  EXPECT_TRUE(registers_nothing(parent.ctx));
}

TEST(with_stop_token, a_function_on_it_may_destroy_it) {  // B61
  std::stop_source source;
  std::optional<cancelable> c(with_stop_token(background(), source.get_token()));
  bool ran = false;
  const after_func hook(c->ctx, [&] {
    c.reset();
    ran = true;
  });
  source.request_stop();
  EXPECT_TRUE(ran);
}

TEST(with_stop_token_race, request_stop_and_cancel_and_destruction_at_once) {
  for (int round = 0; round < rounds(1000); ++round) {
    std::stop_source source;
    const auto parent = with_cancel(background());
    std::optional<cancelable> c(with_stop_token(parent.ctx, source.get_token()));
    const auto seen = c->ctx;
    const auto leaf = with_cancel(seen);
    together(3, [&](int i) {
      if (i == 0) {
        source.request_stop();
        EXPECT_TRUE(seen.done());
      } else if (i == 1) {
        parent.cancel(because("parent"));
        EXPECT_TRUE(seen.done() && leaf.ctx.done());
      } else if (round % 2 == 0) {
        c.reset();
      } else {
        c->cancel(because("own"));
      }
    });
    ASSERT_EQ(leaf.ctx.cause(), seen.cause());
    ASSERT_EQ(seen.err(), errc::canceled);
    ASSERT_TRUE(registers_nothing(parent.ctx));
  }
}

TEST(with_stop_token_race, made_while_stop_is_requested) {  // B11
  for (int round = 0; round < rounds(1000); ++round) {
    std::stop_source source;
    const auto parent = with_cancel(background());
    std::optional<cancelable> c;
    together(3, [&](int i) {
      if (i == 0) {
        source.request_stop();
      } else if (i == 1) {
        c.emplace(with_stop_token(parent.ctx, source.get_token()));
      } else if (round % 2 == 0) {
        parent.cancel();
      }
    });
    ASSERT_TRUE(c->ctx.done());
    c.reset();
    ASSERT_TRUE(registers_nothing(parent.ctx));
  }
}

}  // namespace
}  // namespace hangup
