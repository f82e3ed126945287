// Places that clients share.
#include "handlers/query/fair_semaphore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <random>
#include <thread>
#include <vector>

#include "handlers/query/database.h"
#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/loop.h"
#include "http/exchange/exchange.h"
#include "tests/unit/context/support.h"

namespace hangup::query {
namespace {

using namespace test;

context of_client(pool::owner whose) {
  return with_value<http::request_key>(
      background(), http::request_stamp("1", http::trace::continued({}, {}), whose));
}

TEST(fair_semaphore, one_client_alone_has_the_ordinary_ones_and_others_have_the_spare_one) {
  fair_semaphore all(2, 1);
  const auto greedy = of_client(1);
  permit held[4];
  ASSERT_FALSE(all.take(greedy, 1s, held[0]));
  ASSERT_FALSE(all.take(greedy, 1s, held[1]));
  EXPECT_EQ(all.take(greedy, 1ms, held[2]), errc::busy);
  ASSERT_FALSE(all.take(of_client(2), 1ms, held[2]));
  EXPECT_EQ(all.take(of_client(2), 1ms, held[3]), errc::busy) << "nobody has two of those";
  EXPECT_EQ(all.taken(), 3U);
  held[2] = permit();
  EXPECT_FALSE(all.take(of_client(3), 1ms, held[2]));
}

TEST(fair_semaphore, a_free_one_is_for_who_has_fewest_and_not_for_who_came_first) {
  fair_semaphore all(2, 0);
  const auto greedy = of_client(1);
  permit first;
  permit second;
  ASSERT_FALSE(all.take(greedy, first));
  ASSERT_FALSE(all.take(greedy, second));
  std::atomic<bool> got{false};
  std::promise<void> go_on;
  auto gate = go_on.get_future();
  std::jthread behind([&] {
    permit p;
    EXPECT_FALSE(all.take(greedy, p));
    got = true;
  });
  ASSERT_TRUE(spin_until([&] { return all.waiting() == 1; }));
  std::jthread modest([&] {
    permit p;
    EXPECT_FALSE(all.take(of_client(2), p));
    EXPECT_FALSE(got);
    gate.wait();
  });
  ASSERT_TRUE(spin_until([&] { return all.waiting() == 2; }));
  first = permit();
  ASSERT_TRUE(spin_until([&] { return all.waiting() == 1; }));
  EXPECT_FALSE(got);
  go_on.set_value();  // then there is one for the other, too
}

TEST(fair_semaphore, nobody_waits_for_ever_whoever_takes_leaves_and_gives_up) {
  fair_semaphore all(3, 1);
  std::atomic<int> taken{0};
  together(6, [&](int t) {
    std::mt19937 random(static_cast<unsigned>(t));
    const auto ctx = of_client(static_cast<pool::owner>(t) % 3 + 1);
    for (int i = 0; i < rounds(2'000); ++i) {
      permit p;
      // Those that wait without a limit would hang if a wake-up were lost.
      const auto ec =
          random() % 4 == 0 ? all.take(ctx, std::chrono::milliseconds(0), p) : all.take(ctx, p);
      taken += ec ? 0 : 1;
      if (random() % 3 == 0) {
        std::this_thread::yield();
      }
    }
  });
  EXPECT_GT(taken, 0);
  EXPECT_EQ(all.taken(), 0U);
  EXPECT_EQ(all.waiting(), 0U);
}

TEST(fair_semaphore, tasks_and_threads_wait_for_the_same_places_and_nobody_for_ever) {
  fair_semaphore all(3, 1);
  std::atomic<int> taken{0};
  together(6, [&](int t) {
    const auto one = [&](unsigned seed) -> task<> {
      std::mt19937 random(seed);
      const auto ctx = of_client(static_cast<pool::owner>(seed) % 3 + 1);
      for (int i = 0; i < rounds(500); ++i) {
        permit p;
        std::error_code ec;
        if (random() % 4 == 0) {
          ec = co_await all.take_later(ctx, std::chrono::milliseconds(0), p);
        } else {
          ec = co_await all.take_later(ctx, p);
        }
        taken += ec ? 0 : 1;
        if (random() % 3 == 0) {
          static_cast<void>(co_await yield(ctx));
        }
      }
    };
    if (t % 2 == 0) {
      const auto four = [&](awaited_task_group& tasks) {
        for (unsigned n = 0; n < 4; ++n) {
          tasks.go(one(static_cast<unsigned>(t) * 4 + n));
        }
      };
      EXPECT_FALSE(run_blocking(with_task_group(background(), four)));
      return;
    }
    const auto ctx = of_client(static_cast<pool::owner>(t) % 3 + 1);
    for (int i = 0; i < rounds(2'000); ++i) {
      permit p;
      taken += all.take(ctx, p) ? 0 : 1;
    }
  });
  EXPECT_GE(taken, 3 * rounds(2'000));
  EXPECT_EQ(all.taken(), 0U);
  EXPECT_EQ(all.waiting(), 0U);
}

TEST(fair_semaphore, a_task_that_waits_gives_up_with_its_context_or_its_patience) {
  fair_semaphore all(1, 0);
  permit first;
  ASSERT_FALSE(all.take(background(), first));
  permit none;
  EXPECT_EQ(run_blocking(all.take_later(background(), std::chrono::milliseconds(1), none)),
            errc::busy);
  const auto soon = with_timeout(background(), std::chrono::milliseconds(1));
  EXPECT_EQ(run_blocking(all.take_later(soon.ctx, none)), hangup::errc::deadline_exceeded);
  EXPECT_FALSE(none);
  EXPECT_EQ(all.waiting(), 0U);
  first = permit();
  EXPECT_FALSE(run_blocking(all.take_later(background(), none)));
  EXPECT_TRUE(none);
}

}  // namespace
}  // namespace hangup::query
