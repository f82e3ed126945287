// Bounded workers, bounded queue, and what nobody waits for any more is never run.
#include "hangup/worker/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <random>
#include <set>
#include <stdexcept>

#include "hangup/context/wait.h"
#include "tests/unit/worker/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(pool, needs_a_worker) {
  EXPECT_THROW(pool({.name = "none", .workers = 0}), std::invalid_argument);
}

TEST(pool, starts_no_thread_before_there_is_work_and_none_that_is_not_needed) {
  pool p({.name = "p", .workers = 8, .queue = 8});
  std::set<std::thread::id> seen;
  std::mutex mutex;
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(p.run(background(), [&](const context&) {
      const std::lock_guard hold(mutex);
      seen.insert(std::this_thread::get_id());
    }));
    ASSERT_TRUE(spin_until([&] { return is_idle(p); }));
  }
  EXPECT_EQ(seen.size(), 1U);
}

TEST(pool, runs_as_many_at_once_as_it_has_workers_and_no_more) {
  constexpr unsigned workers = 4;
  pool p({.name = "p", .workers = workers, .queue = 100});
  std::atomic<unsigned> in{0};
  std::atomic<unsigned> most{0};
  std::atomic<int> ran{0};
  std::promise<void> go;
  auto gate = go.get_future().share();
  for (int i = 0; i < 40; ++i) {
    ASSERT_FALSE(p.submit(background(), [&, gate](const context&) {
      const auto now = ++in;
      auto before = most.load();
      while (before < now && !most.compare_exchange_weak(before, now)) {
      }
      gate.wait();
      --in;
      ++ran;
    }));
  }
  ASSERT_TRUE(spin_until([&] { return in == workers; }));
  EXPECT_EQ(p.now().running, workers);
  EXPECT_EQ(p.now().queued, 36U);
  go.set_value();
  ASSERT_TRUE(spin_until([&] { return ran == 40; }));
  EXPECT_EQ(most, workers);
}

TEST(pool, runs_what_waits_in_the_order_in_which_it_was_accepted) {
  pool p({.name = "p", .workers = 1, .queue = 100});
  std::vector<int> order;
  {
    busy first(p);
    for (int i = 0; i < 100; ++i) {
      ASSERT_FALSE(p.submit(background(), [&order, i](const context&) { order.push_back(i); }));
    }
  }
  ASSERT_TRUE(spin_until([&] { return is_idle(p); }));
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(pool, runs_the_newest_every_second_time_while_those_who_wait_leave_in_a_crowd) {
  const std::vector<int> newest_and_oldest = {5, 0, 4, 1, 3, 2};
  // A crowd is one only if it is quick, which a stall of the machine may prevent.
  EXPECT_TRUE(spin_until([&] {
    pool p({.name = "p", .workers = 1, .queue = 300});
    std::vector<int> order;
    {
      busy first(p);
      std::vector<cancelable> crowd;
      for (int i = 0; i < 200; ++i) {
        crowd.push_back(with_cancel(background()));
        EXPECT_FALSE(p.submit(crowd.back().ctx, [](const context&) {}));
      }
      for (int i = 0; i < 6; ++i) {
        EXPECT_FALSE(p.submit(background(), [&order, i](const context&) { order.push_back(i); }));
      }
      for (auto& one : crowd) {
        one.cancel();
      }
    }
    EXPECT_TRUE(spin_until([&] { return is_idle(p); }));
    EXPECT_EQ(order.size(), 6U);
    return order == newest_and_oldest;
  }));
}

TEST(pool, keeps_its_order_however_quickly_its_jobs_are_done_and_end_their_contexts) {
  pool p({.name = "p", .workers = 1, .queue = 200});
  std::vector<int> order;
  std::vector<cancelable> all;
  {
    busy first(p);
    for (int i = 0; i < 200; ++i) {
      all.push_back(with_cancel(background()));
      ASSERT_FALSE(p.submit(all.back().ctx, [&, i](const context&) {
        order.push_back(i);
        all[static_cast<std::size_t>(i)].cancel({.kind = cause_kind::handler_returned});
      }));
    }
  }
  ASSERT_TRUE(spin_until([&] { return is_idle(p); }));
  ASSERT_EQ(order.size(), 200U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(pool, without_a_queue_accepts_as_long_as_a_worker_is_free) {
  pool p({.name = "p", .workers = 2, .queue = 0});
  busy a(p);
  busy b(p);
  EXPECT_EQ(p.submit(background(), [](const context&) {}), pool_errc::full);
  a.go_on();
  ASSERT_TRUE(spin_until([&] { return p.now().running == 1; }));
  counted j;
  EXPECT_FALSE(p.post(background(), j)) << "its worker is idle, not to be started";
  EXPECT_TRUE(j.await());
  EXPECT_EQ(j.runs, 1);
}

// Also a worker that was promised to a job cannot be promised to a second.
TEST(pool, without_a_queue_never_lets_anything_wait_for_a_busy_worker) {
  for (int i = 0; i < rounds(300); ++i) {
    pool p({.name = "p", .workers = 2, .queue = 0});
    std::promise<void> go;
    auto gate = go.get_future().share();
    std::atomic<int> in{0};
    int accepted = 0;
    for (int k = 0; k < 4; ++k) {
      accepted += p.submit(background(),
                           [&in, gate](const context&) {
                             ++in;
                             gate.wait();
                           })
                      ? 0
                      : 1;
    }
    ASSERT_EQ(accepted, 2);
    ASSERT_TRUE(spin_until([&] { return in == 2; }));
    go.set_value();
  }
}

TEST(pool, that_is_full_says_so_at_once_and_counts_it) {
  pool p({.name = "p", .workers = 1, .queue = 2});
  busy first(p);
  counted a;
  counted b;
  counted c;
  EXPECT_FALSE(p.post(background(), a));
  EXPECT_FALSE(p.post(background(), b));
  const auto ec = p.post(background(), c);
  EXPECT_EQ(ec, pool_errc::full);
  EXPECT_EQ(ec.message(), "the queue of the pool is full");
  EXPECT_EQ(std::string(ec.category().name()), "pool");
  EXPECT_EQ(p.run(background(), [](const context&) { ADD_FAILURE(); }), pool_errc::full);
  EXPECT_EQ(p.now().rejected, 2U);
  EXPECT_EQ(p.now().dropped, 0U);
  first.go_on();
  EXPECT_TRUE(a.await() && b.await());
  EXPECT_EQ(c.runs + c.drops, 0) << "what was not accepted is neither run nor dropped";
  EXPECT_FALSE(p.post(background(), c)) << "and can be posted again";
  EXPECT_TRUE(c.await());
}

TEST(pool, drops_at_once_what_waits_when_its_context_ends) {
  pool p({.name = "p", .workers = 1, .queue = 1});
  busy first(p);
  auto own = with_cancel(background());
  counted j;
  ASSERT_FALSE(p.post(own.ctx, j));
  EXPECT_EQ(p.now().queued, 1U);
  own.cancel();
  EXPECT_EQ(j.drops, 1) << "before cancel() returns";
  EXPECT_EQ(p.now().queued, 0U);
  EXPECT_EQ(p.now().dropped, 1U);
  counted next;
  EXPECT_FALSE(p.post(background(), next)) << "its place is free";
  first.go_on();
  EXPECT_TRUE(next.await());
  EXPECT_EQ(j.runs, 0);
}

TEST(pool, drops_from_anywhere_in_the_queue_and_keeps_the_order_of_the_rest) {
  for (int dropped = 0; dropped < 5; ++dropped) {
    pool p({.name = "p", .workers = 1, .queue = 5});
    busy first(p);
    std::vector<cancelable> own;
    std::vector<int> order;
    for (int i = 0; i < 5; ++i) {
      own.push_back(with_cancel(background()));
      ASSERT_FALSE(p.submit(own.back().ctx, [&order, i](const context&) { order.push_back(i); }));
    }
    own[static_cast<std::size_t>(dropped)].cancel();
    EXPECT_FALSE(p.submit(background(), [&order](const context&) { order.push_back(5); }));
    first.go_on();
    ASSERT_TRUE(spin_until([&] { return is_idle(p); }));
    EXPECT_EQ(order.size(), 5U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(std::count(order.begin(), order.end(), dropped), 0);
  }
}

TEST(pool, does_not_take_what_has_ended_already) {
  pool p({.name = "p", .workers = 1, .queue = 1});
  auto own = with_cancel(background());
  own.cancel();
  counted j;
  EXPECT_EQ(p.post(own.ctx, j), errc::canceled);
  EXPECT_EQ(p.submit(own.ctx, [](const context&) { ADD_FAILURE(); }), errc::canceled);
  EXPECT_EQ(p.run(own.ctx, [](const context&) { ADD_FAILURE(); }), errc::canceled);
  const auto late = with_timeout(background(), -1s);
  EXPECT_EQ(p.post(late.ctx, j), errc::deadline_exceeded);
  EXPECT_EQ(j.runs + j.drops, 0);
  EXPECT_EQ(p.now().dropped, 0U) << "it was never in the queue";
  EXPECT_EQ(p.now().rejected, 0U) << "and it was not for want of room";
}

TEST(pool, drops_at_the_deadline) {
  pool p({.name = "p", .workers = 1, .queue = 1});
  busy first(p);
  const auto own = with_timeout(background(), 20ms);
  counted j;
  ASSERT_FALSE(p.post(own.ctx, j));
  EXPECT_TRUE(j.await());
  EXPECT_EQ(j.drops, 1);
  EXPECT_EQ(p.run(own.ctx, [](const context&) { ADD_FAILURE(); }), errc::deadline_exceeded);
}

TEST(pool, does_not_drop_what_runs) {
  pool p({.name = "p", .workers = 1, .queue = 1});
  auto own = with_cancel(background());
  counted j;
  event in;
  std::error_code seen;
  j.on_run = [&] {
    in.set();
    seen = wait_done(own.ctx);
  };
  ASSERT_FALSE(p.post(own.ctx, j));
  ASSERT_TRUE(in.await());
  own.cancel();
  EXPECT_TRUE(j.await());
  EXPECT_EQ(j.runs, 1);
  EXPECT_EQ(j.drops, 0);
  EXPECT_EQ(seen, errc::canceled);
  EXPECT_EQ(p.now().dropped, 0U);
}

TEST(pool_run, returns_what_the_function_returns_and_throws_what_it_throws) {
  pool p({.name = "p", .workers = 1, .queue = 1});
  EXPECT_FALSE(p.run(background(), [](const context&) {}));
  EXPECT_FALSE(p.run(background(), [](const context&) { return std::error_code{}; }));
  EXPECT_EQ(
      p.run(background(), [](const context&) { return std::make_error_code(std::errc::io_error); }),
      std::errc::io_error);
  EXPECT_THROW(p.run(background(), [](const context&) { throw std::runtime_error("x"); }),
               std::runtime_error);
  auto own = with_cancel(background());
  EXPECT_THROW(p.run(own.ctx,
                     [&](const context& ctx) {
                       own.cancel();
                       ctx.throw_if_done();
                     }),
               canceled_error);
  EXPECT_FALSE(p.run(background(), [](const context&) {})) << "the worker lives";
}

TEST(pool_run, runs_on_another_thread_with_the_same_context) {
  pool p({.name = "p", .workers = 1});
  const auto own = with_cancel(background());
  const auto here = std::this_thread::get_id();
  EXPECT_FALSE(p.run(own.ctx, [&](const context& ctx) {
    EXPECT_EQ(ctx, own.ctx);
    EXPECT_NE(std::this_thread::get_id(), here);
  }));
}

TEST(pool_run, stops_waiting_in_the_queue_when_the_context_ends) {
  pool p({.name = "p", .workers = 1, .queue = 1});
  busy first(p);
  auto own = with_cancel(background());
  auto waiting = std::async(std::launch::async,
                            [&] { return p.run(own.ctx, [](const context&) { ADD_FAILURE(); }); });
  ASSERT_TRUE(spin_until([&] { return p.now().queued == 1; }));
  own.cancel();
  EXPECT_EQ(waiting.get(), errc::canceled);
}

TEST(pool_submit, hands_what_escapes_to_on_exception_and_lives_on) {
  std::promise<std::string> told;
  pool p({.name = "p", .workers = 1, .queue = 4, .on_exception = [&](std::exception_ptr what) {
            try {
              std::rethrow_exception(what);
            } catch (const std::exception& e) {
              told.set_value(e.what());
            }
          }});
  EXPECT_FALSE(p.submit(background(), [](const context&) { throw std::runtime_error("broken"); }));
  EXPECT_EQ(told.get_future().get(), "broken");
  EXPECT_FALSE(p.run(background(), [](const context&) {}));
}

TEST(pool_submit, takes_canceled_error_for_an_end_and_not_for_an_error) {
  pool p({.name = "p", .workers = 1, .queue = 4, .on_exception = [](std::exception_ptr) {
            ADD_FAILURE();
          }});
  auto own = with_cancel(background());
  event in;
  EXPECT_FALSE(p.submit(own.ctx, [&](const context& ctx) {
    own.cancel();
    in.set();
    ctx.throw_if_done();
    ADD_FAILURE();
  }));
  ASSERT_TRUE(in.await());
  EXPECT_FALSE(p.run(background(), [](const context&) {})) << "the worker lives";
}

TEST(pool_submit, lets_go_of_the_function_when_it_is_run_dropped_or_refused) {
  const auto thing = std::make_shared<int>(1);
  pool p({.name = "p", .workers = 1, .queue = 1});
  {
    busy first(p);
    auto own = with_cancel(background());
    ASSERT_FALSE(p.submit(own.ctx, [thing](const context&) {}));
    EXPECT_EQ(p.submit(background(), [thing](const context&) {}), pool_errc::full);
    EXPECT_EQ(thing.use_count(), 2);
    own.cancel();
    EXPECT_EQ(thing.use_count(), 1);
    ASSERT_FALSE(p.submit(background(), [thing](const context&) {}));
  }
  EXPECT_TRUE(spin_until([&] { return thing.use_count() == 1; }));
}

TEST(pool, lets_a_job_be_destroyed_where_it_is_dropped_or_run) {
  struct one_off final : job {
    explicit one_off(std::atomic<int>& count) : gone(count) {}
    ~one_off() { ++gone; }
    void run() noexcept override { delete this; }
    void dropped() noexcept override { delete this; }
    std::atomic<int>& gone;
  };
  std::atomic<int> gone{0};
  {
    pool p({.name = "p", .workers = 1, .queue = 8});
    busy first(p);
    auto own = with_cancel(background());
    for (int i = 0; i < 4; ++i) {
      ASSERT_FALSE(p.post(own.ctx, *new one_off(gone)));
      ASSERT_FALSE(p.post(background(), *new one_off(gone)));
    }
    own.cancel();
    EXPECT_EQ(gone, 4);
  }
  EXPECT_EQ(gone, 8);
}

TEST(pool, lets_a_job_be_posted_again_where_it_is_run) {
  struct again final : job {
    again(pool& p, int n) : owner(p), left(n) {}
    void run() noexcept override {
      if (--left == 0) {
        over.set();
      } else if (owner.post(background(), *this)) {
        ADD_FAILURE();
      }
    }
    void dropped() noexcept override { ADD_FAILURE(); }
    pool& owner;
    int left;
    event over;
  };
  pool p({.name = "p", .workers = 2, .queue = 2});
  again j(p, rounds(5'000));
  ASSERT_FALSE(p.post(background(), j));
  EXPECT_TRUE(j.over.await());
}

TEST(pool, a_job_that_was_dropped_can_be_posted_again_by_another_thread) {
  struct relay final : job {
    void run() noexcept override { ran.set(); }
    void dropped() noexcept override { out.set(); }
    event out;
    event ran;
  };
  for (int i = 0; i < rounds(2'000); ++i) {
    pool p({.name = "p", .workers = 1, .queue = 1});
    relay j;
    busy first(p);
    auto own = with_cancel(background());
    ASSERT_FALSE(p.post(own.ctx, j));
    std::jthread other([&] {
      EXPECT_TRUE(j.out.await());  // its hook may not have returned yet
      EXPECT_FALSE(p.post(background(), j));
    });
    own.cancel();
    first.go_on();
    ASSERT_TRUE(j.ran.await());
  }
}

TEST(pool, destroyed_runs_what_waits_first) {
  std::atomic<int> ran{0};
  {
    pool p({.name = "p", .workers = 2, .queue = 100});
    for (int i = 0; i < 100; ++i) {
      ASSERT_FALSE(p.submit(background(), [&](const context&) { ++ran; }));
    }
  }
  EXPECT_EQ(ran, 100);
}

TEST(pool, being_destroyed_accepts_nothing_more) {
  std::error_code refused;
  {
    pool p({.name = "p", .workers = 1, .queue = 4});
    event in;
    ASSERT_FALSE(p.submit(background(), [&](const context&) {
      in.set();
      // The destructor below is under way or soon will be.
      EXPECT_TRUE(spin_until([&] {
        refused = p.submit(background(), [](const context&) {});
        return refused == pool_errc::stopped;
      }));
    }));
    ASSERT_TRUE(in.await());
  }
  EXPECT_EQ(refused, pool_errc::stopped);
}

// The end of a context against the worker that takes the job: exactly one of them wins.
TEST(pool, runs_or_drops_each_job_exactly_once_whatever_the_race) {
  constexpr int threads = 6;
  const int per_thread = rounds(4'000);
  std::atomic<int> runs{0};
  std::atomic<int> drops{0};
  std::atomic<int> refused{0};
  std::atomic<int> wrong{0};
  std::uint64_t counted_drops = 0;
  std::uint64_t counted_rejects = 0;
  struct once final : job {
    void run() noexcept override {
      runs->fetch_add(1);
      finish();
    }
    void dropped() noexcept override {
      drops->fetch_add(1);
      finish();
    }
    void finish() { times.fetch_add(1); }
    std::atomic<int>* runs = nullptr;
    std::atomic<int>* drops = nullptr;
    std::atomic<int> times{0};
  };
  {
    pool p({.name = "p", .workers = 3, .queue = 8});
    together(threads, [&](int t) {
      std::mt19937 random(static_cast<unsigned>(t) + 1);
      for (int i = 0; i < per_thread; ++i) {
        auto own = with_cancel(background());
        once j;
        j.runs = &runs;
        j.drops = &drops;
        std::jthread other;
        const auto how = random() % 8;
        if (how == 0) {  // the end may come before, within or after post()
          other = std::jthread([&] { own.cancel(); });
        }
        const auto ec = p.post(own.ctx, j);
        if (ec) {
          refused.fetch_add(1);
          wrong.fetch_add(ec == pool_errc::full || ec == errc::canceled ? 0 : 1);
          continue;
        }
        for (auto spins = random() % 200; spins > 0; --spins) {
          std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        if (how % 2 == 1) {
          own.cancel();
        }
        wrong.fetch_add(spin_until([&] { return j.times == 1; }) ? 0 : 1);
      }
    });
    ASSERT_TRUE(spin_until([&] { return is_idle(p); }));
    counted_drops = p.now().dropped;
    counted_rejects = p.now().rejected;
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(runs + drops + refused, threads * per_thread);
  EXPECT_GT(runs, 0);
  EXPECT_GT(drops, 0);
  EXPECT_EQ(static_cast<std::uint64_t>(drops), counted_drops);
  EXPECT_LE(counted_rejects, static_cast<std::uint64_t>(refused));
}

// The same for a whole queue at once: one parent takes all the waiting with it.
TEST(pool, that_is_emptied_by_one_end_while_workers_take_loses_nothing) {
  for (int i = 0; i < rounds(500); ++i) {
    pool p({.name = "p", .workers = 2, .queue = 64});
    auto all = with_cancel(background());
    std::atomic<int> ran{0};
    int accepted = 0;
    for (int k = 0; k < 64; ++k) {
      accepted += p.submit(all.ctx, [&](const context&) { ++ran; }) ? 0 : 1;
    }
    all.cancel();
    ASSERT_TRUE(spin_until([&] { return is_idle(p); }));
    ASSERT_EQ(ran + static_cast<int>(p.now().dropped), accepted);
  }
}

}  // namespace
}  // namespace hangup
