// Functions that a pool runs when a context ends.
#include "hangup/worker/after_func_on.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <random>
#include <stdexcept>

#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(after_func_on, runs_once_on_the_pool_after_the_end) {  // B53, B54, B62
  pool p({.name = "p", .workers = 1});
  const auto c = with_cancel(background());
  std::promise<std::thread::id> ran;
  std::atomic<int> runs{0};
  after_func_on on_end(c.ctx, p, [&] {
    EXPECT_TRUE(c.ctx.done());
    ++runs;
    ran.set_value(std::this_thread::get_id());
  });
  EXPECT_EQ(runs, 0);
  c.cancel();
  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
  EXPECT_FALSE(on_end.stop_and_wait());
  EXPECT_EQ(runs, 1);
}

TEST(after_func_on, an_ended_context_runs_at_once_on_the_pool) {
  pool p({.name = "p", .workers = 1});
  const auto c = with_cancel(background());
  c.cancel();
  std::promise<std::thread::id> ran;
  const after_func_on on_end(c.ctx, p, [&] { ran.set_value(std::this_thread::get_id()); });
  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
}

TEST(after_func_on, cancel_does_not_wait_for_the_function) {  // B57
  pool p({.name = "p", .workers = 1});
  const auto c = with_cancel(background());
  std::promise<void> go;
  std::atomic<bool> over{false};
  {
    const after_func_on on_end(c.ctx, p, [&] {
      go.get_future().wait();
      over = true;
    });
    c.cancel();
    EXPECT_FALSE(over);
    go.set_value();
  }
  EXPECT_TRUE(over) << "the destructor waits";
}

TEST(after_func_on, stopped_before_the_end_never_runs) {  // B55, B59
  pool p({.name = "p", .workers = 1});
  const auto c = with_cancel(background());
  std::atomic<int> runs{0};
  after_func_on first(c.ctx, p, [&] { ++runs; });
  after_func_on second(background(), p, [&] { ++runs; });
  EXPECT_TRUE(first.stop());
  EXPECT_FALSE(first.stop());
  EXPECT_FALSE(first.stop_and_wait());
  EXPECT_TRUE(second.stop_and_wait());
  c.cancel();
  EXPECT_FALSE(p.run(background(), [](const context&) {})) << "whatever was before it has run";
  EXPECT_EQ(runs, 0);
}

TEST(after_func_on, finds_a_place_also_when_the_queue_is_full_and_its_workers_are_busy) {
  pool p({.name = "p", .workers = 1, .queue = 0});
  std::promise<void> in;
  std::promise<void> go;
  ASSERT_FALSE(p.submit(background(), [&](const context&) {
    in.set_value();
    go.get_future().wait();
  }));
  in.get_future().wait();
  ASSERT_EQ(p.submit(background(), [](const context&) {}), pool_errc::full);
  const auto c = with_cancel(background());
  std::atomic<int> runs{0};
  {
    const after_func_on one(c.ctx, p, [&] { ++runs; });
    const after_func_on two(c.ctx, p, [&] { ++runs; });
    c.cancel();
    EXPECT_EQ(p.now().queued, 2U);
    EXPECT_EQ(runs, 0);
    go.set_value();
  }
  EXPECT_EQ(runs, 2);
}

TEST(after_func_on, an_exception_is_kept_and_does_not_stop_the_others) {  // B62
  pool p({.name = "p", .workers = 1});
  const auto c = with_cancel(background());
  std::atomic<int> runs{0};
  after_func_on bad(c.ctx, p, [&] {
    ++runs;
    throw std::runtime_error("no");
  });
  after_func_on good(c.ctx, p, [&] { ++runs; });
  c.cancel();
  EXPECT_THROW(bad.stop_and_wait(), std::runtime_error);
  EXPECT_THROW(bad.stop_and_wait(), std::runtime_error);
  EXPECT_FALSE(good.stop_and_wait());
  EXPECT_EQ(runs, 2);
}

TEST(after_func_on, may_stop_wait_for_and_destroy_itself_from_inside) {  // B60, B61
  pool p({.name = "p", .workers = 1});
  const auto c = with_cancel(background());
  using function = std::function<void()>;
  std::optional<after_func_on<function>> self;
  std::promise<void> over;
  self.emplace(c.ctx, p, [&] {
    EXPECT_FALSE(self->stop());
    EXPECT_FALSE(self->stop_and_wait());
    auto& told = over;  // the function goes with its registration
    self.reset();
    told.set_value();
  });
  c.cancel();
  over.get_future().wait();
  EXPECT_FALSE(self);
}

TEST(after_func_on, runs_exactly_if_stop_says_false_whoever_is_first) {
  pool p({.name = "p", .workers = 2});
  std::mt19937 random(7);
  const int n = rounds(2000);
  for (int i = 0; i < n; ++i) {
    const auto c = with_cancel(background());
    std::atomic<int> runs{0};
    bool stopped = false;
    const auto spins = random() % 200;
    {
      after_func_on on_end(c.ctx, p, [&] { ++runs; });
      together(2, [&](int who) {
        for (unsigned s = 0; s < spins; ++s) {
          std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        if (who == 0) {
          c.cancel();
        } else {
          stopped = on_end.stop_and_wait();
        }
      });
    }
    ASSERT_EQ(runs, stopped ? 0 : 1) << "round " << i;
  }
}

}  // namespace
}  // namespace hangup
