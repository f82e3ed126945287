// Jobs that go on although their context has ended are reported, with what is needed to find them.
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <vector>

#include "hangup/context/wait.h"
#include "hangup/worker/pool.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

// What was reported, in order.
class reports {
 public:
  late_report after(context::clock::duration time) {
    return {
        time, [this](const late_stopper& l) {
          const std::lock_guard hold(mutex_);
          all_.push_back({std::string(l.name), l.started.line, l.why.kind, l.since_end, l.over});
          changed_.notify_all();
        }};
  }
  struct report {
    std::string name;
    unsigned line;
    cause_kind why;
    context::clock::duration since_end;
    bool over;
  };
  bool await(std::size_t count) {
    std::unique_lock hold(mutex_);
    return changed_.wait_for(hold, patience, [&] { return all_.size() >= count; });
  }
  std::vector<report> all() {
    const std::lock_guard hold(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<report> all_;
};

TEST(late_job,
     is_reported_with_its_pool_its_age_and_where_it_was_started_and_again_when_it_is_over) {
  reports seen;
  std::promise<void> in;
  std::promise<void> go;
  pool p({.name = "queries", .workers = 1, .late = seen.after(10ms)});
  const auto c = with_cancel(background());
  const auto before = location::current().line;
  ASSERT_FALSE(p.submit(c.ctx, [&](const context&) {
    in.set_value();
    go.get_future().wait();
  }));
  const auto after = location::current().line;  // compilers differ in which line of a call counts
  in.get_future().wait();
  c.cancel({.kind = test::kinds::disconnected});
  ASSERT_TRUE(seen.await(1));
  EXPECT_EQ(p.now().late, 1U);
  go.set_value();
  ASSERT_TRUE(seen.await(2));
  const auto all = seen.all();
  for (const auto& r : all) {
    EXPECT_EQ(r.name, "queries");
    EXPECT_GT(r.line, before);
    EXPECT_LT(r.line, after);
    EXPECT_EQ(r.why, test::kinds::disconnected);
    EXPECT_GE(r.since_end, 10ms);
  }
  EXPECT_FALSE(all[0].over);
  EXPECT_TRUE(all[1].over);
  EXPECT_GE(all[1].since_end, all[0].since_end);
  EXPECT_EQ(p.now().late, 0U);
}

TEST(late_job, is_not_one_that_stops_in_time) {
  reports seen;
  pool p({.name = "p", .workers = 2, .late = seen.after(never)});
  const auto c = with_cancel(background());
  std::promise<void> in;
  std::jthread ends([&] {
    in.get_future().wait();
    c.cancel();
  });
  EXPECT_EQ(p.run(c.ctx,
                  [&](const context& ctx) {
                    in.set_value();
                    return wait_done(ctx).get();
                  }),
            errc::canceled);
  EXPECT_TRUE(spin_until([&] { return p.now().running == 0; }));
  EXPECT_TRUE(seen.all().empty());
  EXPECT_EQ(tree::armed_timers(), 0U) << "nothing is left to report";
}

TEST(late_job, is_not_one_whose_context_lives) {
  reports seen;
  pool p({.name = "p", .workers = 1, .late = seen.after(1ms)});
  const auto c = with_cancel(background());
  EXPECT_FALSE(p.run(c.ctx, [](const context& ctx) { return sleep_for(ctx, 30ms); }));
  EXPECT_TRUE(seen.all().empty());
}

TEST(late_job, is_told_of_each_time_and_of_all_at_once) {
  constexpr unsigned many = 16;
  reports seen;
  std::promise<void> go;
  const auto gone = go.get_future().share();
  pool p({.name = "p", .workers = many, .late = seen.after(5ms)});
  const auto c = with_cancel(background());
  std::atomic<unsigned> in{0};
  for (unsigned i = 0; i < many; ++i) {
    ASSERT_FALSE(p.submit(c.ctx, [&](const context&) {
      ++in;
      gone.wait();
    }));
  }
  ASSERT_TRUE(spin_until([&] { return in == many; }));
  c.cancel();
  ASSERT_TRUE(seen.await(many));
  EXPECT_EQ(p.now().late, many);
  go.set_value();
  ASSERT_TRUE(seen.await(2 * many));
  EXPECT_TRUE(spin_until([&] { return p.now().running == 0; }));
  EXPECT_EQ(p.now().late, 0U);
}

}  // namespace
}  // namespace hangup
