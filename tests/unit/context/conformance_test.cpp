// Statements of context/CONFORMANCE.md that no other test here has as its subject.
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <random>
#include <string>
#include <type_traits>

#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

// Looks again and again. Gives the core away so often that two threads which wait for each other at
// each step get on also where others want the cores.
template <class Ready>
bool look_until(const Ready& ready) {
  const auto limit = clock::now() + patience;
  for (int n = 1; !ready(); ++n) {
    if (n % 20 == 0) {
      std::this_thread::yield();
    }
    if (n % 1000 == 0 && clock::now() > limit) {
      return false;
    }
  }
  return true;
}

// One thread ends contexts, the other one is at the same context at that moment and compares what
// err() and done() say. Not fewer rounds under TSan: the fault that this looks for needs many.
TEST(conformance, err_and_done_agree_in_200000_rounds_of_a_race) {  // B16 B17
  constexpr int in_all = 200'000;
  constexpr int at_a_time = 1000;
  struct race {
    cancelable parent = with_cancel(background());
    cancelable child = with_cancel(parent.ctx);
    context leaf = with_value<level_key>(child.ctx, 1);
  };
  int wrong = 0;
  for (int round = 0; round < in_all; round += at_a_time) {
    std::vector<race> races(at_a_time);
    std::atomic<int> at{-1};  // which one the other thread looks at
    std::jthread ender([&] {
      for (int i = 0; i < at_a_time; ++i) {
        at.wait(i - 1);
        races[static_cast<std::size_t>(i)].parent.cancel();
      }
    });
    for (int i = 0; i < at_a_time; ++i) {
      const auto& r = races[static_cast<std::size_t>(i)];
      const auto& seen = i % 3 == 0 ? r.parent.ctx : i % 3 == 1 ? r.child.ctx : r.leaf;
      wrong += seen.done();  // not yet: it is ended while we look
      at = i;
      at.notify_one();
      std::error_code first;
      bool done = false;
      std::error_code last;
      const bool in_time = look_until([&] {
        first = seen.err();
        done = seen.done();
        last = seen.err();
        wrong += (first && !done) || (done && !last);
        return static_cast<bool>(last);
      });
      wrong += !in_time || last != errc::canceled || !seen.done() || seen.cause() == nullptr;
      wrong += wait_done(seen) != last || seen.err() != last;
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(conformance, a_child_of_a_root_or_of_a_shield_registers_nothing) {  // B3
  const auto parent = with_cancel(background());
  for (const auto& endless :
       {background(), todo(), with_value<level_key>(background(), 1), without_cancel(parent.ctx)}) {
    const auto child = with_cancel(endless);
    const auto timed = with_timeout(endless, never);
    EXPECT_EQ(scope_of(child.ctx).up, nullptr);
    EXPECT_EQ(scope_of(timed.ctx).up, nullptr);
  }
  EXPECT_EQ(scope_of(parent.ctx).kids, nullptr);
}

TEST(conformance, the_deadline_of_any_of_many_random_layers_ends_the_leaf) {  // B14
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 30; ++round) {
    constexpr int count = 40;
    const int victim = static_cast<int>(random() % count);
    std::vector<cancelable> ends;
    std::size_t ended = 0;  // which of them the deadline ends first
    context leaf = background();
    int value = -1;
    for (int i = 0; i < count; ++i) {
      if (i != victim && random() % 3 == 0) {
        leaf = with_value<level_key>(leaf, i);
        value = i;
        continue;
      }
      if (i == victim) {
        ended = ends.size();
      }
      ends.push_back(i == victim         ? with_timeout(leaf, 2ms)
                     : random() % 2 == 0 ? with_cancel(leaf)
                                         : with_timeout(leaf, never));
      leaf = ends.back().ctx;
    }
    const auto value_of_leaf = [&] {
      const int* const v = leaf.value<level_key>();
      return v == nullptr ? -1 : *v;
    };
    EXPECT_EQ(value_of_leaf(), value);
    EXPECT_EQ(wait_done(leaf).get(), errc::deadline_exceeded);
    EXPECT_EQ(leaf.cause(), ends[ended].ctx.cause());
    for (std::size_t i = 0; i < ends.size(); ++i) {
      EXPECT_EQ(ends[i].ctx.done(), i >= ended);
    }
    EXPECT_EQ(value_of_leaf(), value);
  }
}

TEST(conformance, an_expired_child_has_left_its_parent_before_its_functions_run) {  // B63
  const auto parent = with_cancel(background());
  const auto child = with_timeout(parent.ctx, 10ms);
  EXPECT_EQ(scope_of(parent.ctx).kids, &scope_of(child.ctx));
  std::promise<const tree::scope*> found;
  const after_func look(child.ctx, [&] { found.set_value(scope_of(parent.ctx).kids); });
  auto kids = found.get_future();
  ASSERT_EQ(kids.wait_for(patience), std::future_status::ready);
  EXPECT_EQ(kids.get(), nullptr);
  EXPECT_EQ(child.ctx.err(), errc::deadline_exceeded);
  EXPECT_FALSE(parent.ctx.done());
}

TEST(conformance, deadlines_are_on_the_steady_clock_whichever_clock_they_were_given_on) {  // B31
  static_assert(std::is_same_v<context::clock, std::chrono::steady_clock>);
  const auto by_wall = with_deadline(background(), std::chrono::system_clock::now() + never);
  const auto by_steady = with_deadline(background(), clock::now() + never);
  const auto relative = with_timeout(background(), never);
  for (const auto* c : {&by_wall, &by_steady, &relative}) {
    ASSERT_TRUE(c->ctx.deadline());
    EXPECT_GT(*c->ctx.deadline(), clock::now() + never - patience);
    EXPECT_LE(*c->ctx.deadline(), clock::now() + never);
  }
}

// In Go `ctx.Err()` is nil until the timer has run, also when the clock is past the deadline.
TEST(conformance, a_check_before_expensive_work_trusts_the_clock_and_not_the_timer_thread) {  // B22
  using check = std::error_code (*)(const context&);
  const check checks[] = {
      [](const context& ctx) { return sleep_for(ctx, 0s).get(); },
      [](const context& ctx) { return sleep_until(ctx, clock::now()).get(); },
      [](const context& ctx) { return with_timeout(ctx, 0s).ctx.err(); },
      [](const context& ctx) { return with_deadline(ctx, clock::now()).ctx.err(); },
      [](const context& ctx) {
        const sockets pair;
        return wait_fd(ctx, pair.fd[0], POLLIN, clock::now()).get();
      },
  };
  const stalled_timer stalled;
  for (const auto& overdue : checks) {
    const auto c = with_timeout(background(), 1ms);
    const auto below = with_cancel(with_value<level_key>(c.ctx, 1));
    EXPECT_FALSE(sleep_until(background(), *c.ctx.deadline()).get());
    EXPECT_LE(*below.ctx.deadline(), clock::now());
    EXPECT_FALSE(below.ctx.done());  // nobody has looked yet
    EXPECT_EQ(overdue(below.ctx), errc::deadline_exceeded);
    EXPECT_EQ(below.ctx.err(), errc::deadline_exceeded);  // and from here on all say so
    EXPECT_EQ(c.ctx.err(), errc::deadline_exceeded);
    EXPECT_EQ(below.ctx.cause(), c.ctx.cause());
  }
}

namespace accounts {
struct user_id {
  using type = int;
};
}  // namespace accounts
namespace audit {
struct user_id {  // the same name and type, another key
  using type = int;
};
}  // namespace audit

template <class Key>
concept a_key = requires(const context& ctx) {
  ctx.template value<Key>();
};
template <class Key, class Value>
concept takes = requires(const context& ctx, Value v) {
  with_value<Key>(ctx, v);
};

TEST(conformance, a_key_is_a_type_and_its_value_has_the_type_that_it_names) {  // B49
  static_assert(a_key<accounts::user_id>);
  static_assert(!a_key<std::nullptr_t> && !a_key<const char*> && !a_key<int>);
  static_assert(!a_key<std::string>);  // what names no type of values is no key
  static_assert(takes<accounts::user_id, int>);
  static_assert(!takes<accounts::user_id, std::string>);
  static_assert(!takes<accounts::user_id, std::nullptr_t>);
  const auto ctx = with_value<accounts::user_id>(background(), 123);
  static_assert(std::is_same_v<decltype(ctx.value<accounts::user_id>()), const int*>);
  ASSERT_NE(ctx.value<accounts::user_id>(), nullptr);
  EXPECT_EQ(*ctx.value<accounts::user_id>(), 123);
  EXPECT_EQ(ctx.value<audit::user_id>(), nullptr);
}

// All polls go on while somebody holds the locks of the context and of all above it.
TEST(conformance, polls_take_no_lock) {  // B74
  const auto top = with_timeout(background(), never);
  const auto live = with_cancel(with_value<level_key>(top.ctx, 5));
  const auto ended = with_cancel(live.ctx);
  ended.cancel();
  tree::scope* const all[] = {&scope_of(top.ctx), &scope_of(live.ctx), &scope_of(ended.ctx)};
  for (auto* const s : all) {
    s->word.lock();
  }
  auto polls = std::async(std::launch::async, [&] {
    int right = 0;
    for (const auto* ctx : {&live.ctx, &ended.ctx}) {
      const context copy = *ctx;
      const bool over = ctx == &ended.ctx;
      right += copy.done() == over && (copy.err() == errc::canceled) == over;
      right += (copy.cause() != nullptr) == over && copy.deadline() == top.ctx.deadline();
      right += *copy.value<level_key>() == 5;
    }
    return right;
  });
  const auto over = polls.wait_for(patience);
  for (auto* const s : all) {
    s->word.unlock();
  }
  EXPECT_EQ(over, std::future_status::ready);
  EXPECT_EQ(polls.get(), 6);
}

TEST(conformance, deriving_starts_no_thread_whatever_lies_in_between) {  // B68
  const auto top = with_timeout(background(), never);  // the one timer thread is there now
  const auto before = threads();
  std::vector<cancelable> all;
  for (int i = 0; i < 100; ++i) {
    const auto valued = with_value<level_key>(all.empty() ? top.ctx : all.back().ctx, i);
    all.push_back(with_cancel(valued));
    all.push_back(with_timeout(i % 10 == 9 ? without_cancel(valued) : valued, never / 2));
  }
  EXPECT_LE(threads(), before);
  all.front().cancel();
  EXPECT_TRUE(all[1].ctx.done());
  EXPECT_LE(threads(), before);
}

}  // namespace
}  // namespace hangup
