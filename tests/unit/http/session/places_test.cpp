// The places of requests: never more than there are, also for many threads.
#include "http/session/places.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace hangup::http {
namespace {

TEST(places, are_counted_for_each_route) {
  const route two{.method = "GET", .path = "/two", .max_in_flight = 2, .index = 1};
  const route one{.method = "GET", .path = "/one", .max_in_flight = 1, .index = 2};
  places all(3);
  EXPECT_TRUE(all.take(two));
  EXPECT_TRUE(all.take(two));
  EXPECT_FALSE(all.take(two));
  EXPECT_TRUE(all.take(one));
  EXPECT_FALSE(all.take(one));
  all.give_back(two);
  EXPECT_TRUE(all.take(two));
  EXPECT_FALSE(all.take(two));
}

TEST(places, are_never_given_to_more_than_there_are_and_to_no_fewer) {
  constexpr int most = 2;
  const route to{.method = "GET", .path = "/", .max_in_flight = most, .index = 1};
  places all(2);
  std::atomic<int> inside{0};
  std::atomic<int> seen{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < most; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        ASSERT_TRUE(all.take(to)) << "there is a place for each thread";
        const int now = ++inside;
        int before = seen.load();
        while (before < now && !seen.compare_exchange_weak(before, now)) {
        }
        --inside;
        all.give_back(to);
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  EXPECT_LE(seen, most);
}

}  // namespace
}  // namespace hangup::http
