// Whether events are made as long as somebody looks, however viewers come and go.
#include "server/viewer_count.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/sanitized.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using second = viewer_count::second;

TEST(viewers, make_events_and_have_seconds_counted_until_some_time_after_the_last_has_left) {
  int begun = 0;
  bool looks = false;
  viewer_count viewers(2, {[&] { return ++begun > 0; }, [&](bool does) { looks = does; }});
  const auto epoch = viewers.come();
  EXPECT_TRUE(looks);
  EXPECT_EQ(viewers.come(), epoch);
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(viewers.now(), 2U);
  viewers.leave();
  EXPECT_EQ(viewers.another_second(), second::watched);
  viewers.leave();
  EXPECT_EQ(viewers.another_second(), second::kept);
  EXPECT_EQ(viewers.come(), epoch) << "it comes back in time";
  viewers.leave();
  EXPECT_EQ(viewers.another_second(), second::kept);
  EXPECT_EQ(viewers.another_second(), second::kept);
  EXPECT_TRUE(looks);
  EXPECT_EQ(viewers.another_second(), second::last);
  EXPECT_FALSE(looks);
  viewers.await_last();
  EXPECT_NE(viewers.come(), epoch);
  EXPECT_EQ(begun, 2);
}

TEST(viewers, for_whom_seconds_could_not_be_counted_are_no_obstacle_to_the_next) {
  bool can = false;
  viewer_count viewers(0, {[&] { return can; }, [](bool) {}});
  viewers.come();
  viewers.leave();
  viewers.await_last();
  can = true;
  viewers.come();
  EXPECT_EQ(viewers.another_second(), second::watched);
  viewers.leave();
  EXPECT_EQ(viewers.another_second(), second::last);
}

// A viewer that comes at the time of the last second, again and again.
TEST(viewers, are_counted_seconds_for_whenever_they_come) {
  std::atomic<int> to_begin{0};
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> seconds{0};
  viewer_count viewers(0, {[&] {
                             ++to_begin;
                             return true;
                           },
                           [](bool) {}});
  std::thread counts([&] {
    while (!over) {
      if (to_begin > 0) {
        --to_begin;
        while (viewers.another_second() != second::last) {
          ++seconds;
        }
      }
    }
  });
  constexpr int rounds = test::sanitized ? 1000 : 20'000;
  int forgotten = 0;
  for (int i = 0; i < rounds && forgotten == 0; ++i) {
    viewers.come();
    const auto before = seconds.load();
    const auto patience = std::chrono::steady_clock::now() + 10s;
    while (seconds == before && forgotten == 0) {
      forgotten += std::chrono::steady_clock::now() > patience;
    }
    viewers.leave();
    for (int wait = i % 64; wait > 0; --wait) {
      static_cast<void>(viewers.now());
    }
  }
  over = true;
  counts.join();
  EXPECT_EQ(forgotten, 0);
}

}  // namespace
}  // namespace hangup::server
