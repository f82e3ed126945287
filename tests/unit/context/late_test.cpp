// Late stoppers: who is reported, when, and how often.
#include "hangup/context/late.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <mutex>
#include <string>
#include <vector>

#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

// Keeps what is reported.
class reports {
 public:
  struct entry {
    std::string name;
    location started;
    cause why;
    clock::duration since_end;
    bool over;
    std::thread::id on;
  };

  late_report after(clock::duration time) {
    return {.after = time, .call = [this](const late_stopper& s) {
              const std::lock_guard hold(mutex_);
              all_.push_back({std::string(s.name), s.started, s.why, s.since_end, s.over,
                              std::this_thread::get_id()});
              count_ = all_.size();
            }};
  }
  std::vector<entry> all() {
    const std::lock_guard hold(mutex_);
    return all_;
  }
  bool come(std::size_t n) const {
    return spin_until([&] { return count_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::vector<entry> all_;
  std::atomic<std::size_t> count_{0};
};

TEST(late, a_task_that_goes_on_is_reported_once_and_once_more_when_it_is_over) {
  reports told;
  const auto parent = with_cancel(background());
  task_group g(parent.ctx, {.name = "fetch", .late = told.after(5ms)});
  std::latch started(1);
  std::latch go_on(1);
  std::thread::id worker;
  const auto from = location::current();
  g.go([&] {
    worker = std::this_thread::get_id();
    started.count_down();
    go_on.wait();
  });
  started.wait();
  parent.cancel({test::kinds::disconnected, {}, "gone"});
  ASSERT_TRUE(told.come(1));
  // A second report of the same task would come on the timer thread, before this one.
  const auto later = with_timeout(background(), 20ms);
  (void)wait_done(later.ctx);
  EXPECT_EQ(told.all().size(), 1U);
  go_on.count_down();
  EXPECT_EQ(g.wait(), std::error_code());
  const auto seen = told.all();
  ASSERT_EQ(seen.size(), 2U);
  for (const auto& r : seen) {
    EXPECT_EQ(r.name, "fetch");
    EXPECT_STREQ(r.started.file, from.file);
    EXPECT_EQ(r.started.line, from.line + 1);
    EXPECT_EQ(r.why.kind, test::kinds::disconnected);
    EXPECT_EQ(r.why.text, "gone");
    EXPECT_GE(r.since_end, 5ms);
  }
  EXPECT_FALSE(seen[0].over);
  EXPECT_TRUE(seen[1].over);
  EXPECT_NE(seen[0].on, worker);
  EXPECT_EQ(seen[1].on, worker);
  EXPECT_GE(seen[1].since_end, seen[0].since_end);
}

TEST(late, each_late_task_of_a_group_is_reported) {
  reports told;
  const auto parent = with_cancel(background());
  task_group g(parent.ctx, {.late = told.after(1ms)});
  std::latch started(6);
  std::latch go_on(1);
  for (int i = 0; i < 3; ++i) {
    g.go([&] {
      started.count_down();
      go_on.wait();
    });
  }
  std::atomic<int> in_time{0};
  for (int i = 0; i < 3; ++i) {
    g.go([&] {  // not even begun when the others are late
      started.count_down();
      ++in_time;
    });
  }
  started.wait();
  EXPECT_TRUE(spin_until([&] { return in_time == 3; }));
  // The three that have returned may still be watched for a moment; they must be gone first.
  EXPECT_TRUE(spin_until([&] {
    int watched = 0;
    auto& s = scope_of(g.ctx());
    s.word.lock();
    for (auto* h = s.hooks; h != nullptr; h = h->next) {
      ++watched;
    }
    s.word.unlock();
    return watched == 3;
  }));
  parent.cancel();
  ASSERT_TRUE(told.come(3));
  go_on.count_down();
  EXPECT_EQ(g.wait(), std::error_code());
  int over = 0;
  for (const auto& r : told.all()) {
    over += r.over;
  }
  EXPECT_EQ(over, 3);
  EXPECT_EQ(told.all().size(), 6U);
}

TEST(late, tasks_that_return_in_time_are_not_reported) {
  reports told;
  for (int round = 0; round < rounds(100); ++round) {
    const auto parent = with_cancel(background());
    task_group g(parent.ctx, {.late = told.after(never)});
    for (int i = 0; i < 4; ++i) {
      g.go([](const context& ctx) { return wait_done(ctx); });
    }
    parent.cancel();
    ASSERT_EQ(g.wait(), errc::canceled);
  }
  EXPECT_TRUE(told.all().empty());
}

TEST(late, a_context_that_has_not_ended_makes_nobody_late) {
  reports told;
  task_group g(background(), {.late = told.after(1ns)});
  g.go([](const context& ctx) { (void)sleep_for(ctx, 10ms); });
  EXPECT_EQ(g.wait(), std::error_code());  // ends the context when nothing runs any more
  task_group plain({.late = told.after(1ns)});
  plain.go([](const context& ctx) { (void)sleep_for(ctx, 10ms); });
  EXPECT_EQ(plain.wait(), std::error_code());
  EXPECT_TRUE(told.all().empty());
}

// It has returned before the end of the context: its error is what ends it.
TEST(late, a_task_whose_own_failure_ends_the_context_is_not_late) {
  reports told;
  task_group g(background(), {.late = told.after(1ns)});
  const after_func slow(g.ctx(), [] {  // on the thread of the task: it ends the context
    const auto later = with_timeout(background(), 20ms);
    (void)wait_done(later.ctx);
  });
  g.go([] { return std::make_error_code(std::errc::io_error); });
  EXPECT_EQ(g.wait(), std::errc::io_error);
  EXPECT_TRUE(told.all().empty());
}

TEST(late, nothing_is_reported_when_it_is_off) {
  for (const auto off : {clock::duration::zero(), clock::duration(-1s)}) {
    reports told;
    const auto parent = with_cancel(background());
    task_group g(parent.ctx, {.late = told.after(off)});
    std::latch go_on(1);
    g.go([&] { go_on.wait(); });
    parent.cancel();
    const auto later = with_timeout(background(), 5ms);
    (void)wait_done(later.ctx);
    go_on.count_down();
    (void)g.wait();
    EXPECT_TRUE(told.all().empty());
  }
  task_group nobody_listens(background(), {.late = {.after = 1ns}});
  std::latch go_on(1);
  nobody_listens.go([&](const context& ctx) {
    (void)wait_done(ctx);
    go_on.wait();
  });
  nobody_listens.go([] { return std::make_error_code(std::errc::io_error); });
  (void)wait_done(nobody_listens.ctx());
  go_on.count_down();
  EXPECT_EQ(nobody_listens.wait(), std::errc::io_error);
}

TEST(late, any_time_may_be_allowed) {
  reports told;
  for (const auto time : {clock::duration::max(), clock::duration::max() - 1ns}) {
    const auto c = with_cancel(background());
    const auto report = told.after(time);
    {
      const late_watch watch(c.ctx, report, "x", location::current());
      c.cancel();
      const auto later = with_timeout(background(), 5ms);
      (void)wait_done(later.ctx);
    }
    EXPECT_TRUE(told.all().empty());
  }
}

TEST(late, a_watch_leaves_nothing_behind) {
  reports told;
  const auto report = told.after(never);
  const auto c = with_cancel(background());
  {
    const late_watch watch(c.ctx, report, "x", location::current());
    EXPECT_NE(scope_of(c.ctx).hooks, nullptr);
  }
  EXPECT_EQ(scope_of(c.ctx).hooks, nullptr);
  const auto armed = tree::armed_timers();
  {
    const late_watch watch(c.ctx, report, "x", location::current());
    c.cancel();
    EXPECT_GT(tree::armed_timers(), armed);
  }
  EXPECT_EQ(tree::armed_timers(), armed);
}

TEST(late, a_watch_over_an_ended_context_counts_from_its_end) {
  reports told;
  const auto c = with_cancel(background());
  c.cancel();
  const auto report = told.after(1ms);
  {
    const late_watch watch(c.ctx, report, "x", location::current());
    ASSERT_TRUE(told.come(1));
  }
  ASSERT_EQ(told.all().size(), 2U);
  EXPECT_TRUE(told.all()[1].over);
}

TEST(late, a_context_that_never_ends_is_not_watched) {
  reports told;
  const auto report = told.after(1ns);
  const late_watch root(background(), report, "x", location::current());
  const late_watch shielded(without_cancel(background()), report, "x", location::current());
  EXPECT_TRUE(told.all().empty());
}

TEST(late, a_watch_that_goes_while_the_context_ends_reports_both_or_nothing) {
  for (int round = 0; round < rounds(300); ++round) {
    reports told;
    const auto report = told.after(std::chrono::nanoseconds(1 + 500 * (round % 100)));
    const auto c = with_cancel(background());
    together(2, [&](int i) {
      if (i == 0) {
        c.cancel();
        return;
      }
      const late_watch watch(c.ctx, report, "x", location::current());
      for (int spin = 0; spin < 50 * (round % 64); ++spin) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
      }
    });
    const auto seen = told.all();
    ASSERT_TRUE(seen.empty() || seen.size() == 2) << seen.size();
    if (!seen.empty()) {
      ASSERT_FALSE(seen[0].over);
      ASSERT_TRUE(seen[1].over);
    }
  }
}

}  // namespace
}  // namespace hangup
