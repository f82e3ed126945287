// How long a client is waited for, by what it has moved.
#include "http/net/pace.h"

#include <gtest/gtest.h>

namespace hangup::http {
namespace {

using namespace std::chrono_literals;

const pace::time_point start{1000s};

TEST(pace, gives_a_client_that_moves_nothing_the_time_to_stand_still) {
  pace p(30s, 1000);
  EXPECT_EQ(p.wait(start), start + 30s);
  EXPECT_EQ(p.wait(start + 10s), start + 30s) << "one and the same wait";
  EXPECT_TRUE(p.waiting());
}

TEST(pace, is_not_put_off_by_a_byte_now_and_then) {
  pace p(30s, 1000);
  auto now = start;
  for (int i = 0; i < 29; ++i) {
    ASSERT_GT(p.wait(now), now) << i;
    now += 1s;
    p.moved(1, now);
  }
  EXPECT_LT(p.wait(now), now + 1100ms);
}

TEST(pace, never_ends_for_a_client_that_keeps_the_rate) {
  pace p(30s, 1000);
  auto now = start;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_GT(p.wait(now), now) << i;
    now += 20s;
    p.moved(20'000, now);
  }
  EXPECT_EQ(p.wait(now), now + 30s);
}

TEST(pace, lets_nobody_save_up_more_than_the_time_to_stand_still) {
  pace p(30s, 1000);
  p.moved(1'000'000'000, start);
  EXPECT_EQ(p.wait(start), start + 30s);
  p.moved(1'000'000'000, start + 29s);
  EXPECT_EQ(p.wait(start + 29s), start + 59s);
}

TEST(pace, counts_only_the_time_in_which_the_client_is_waited_for) {
  pace p(30s, 1000);
  static_cast<void>(p.wait(start));
  p.moved(1, start + 20s);
  const auto left = p.wait(start + 500s) - (start + 500s);
  EXPECT_GT(left, 9900ms);
  EXPECT_LT(left, 10100ms);
}

TEST(pace, earns_time_by_what_is_moved_without_waiting_too) {
  pace p(30s, 1000);
  static_cast<void>(p.wait(start));
  p.moved(1, start + 20s);
  EXPECT_FALSE(p.waiting());
  p.moved(20'000, {});
  EXPECT_EQ(p.wait(start + 20s), start + 50s);
}

TEST(pace, without_a_rate_is_earned_whole_by_each_byte) {
  pace p(30s, 0);
  static_cast<void>(p.wait(start));
  p.moved(1, start + 29s);
  EXPECT_EQ(p.wait(start + 29s), start + 59s);
}

TEST(pace, begins_anew_with_the_next_request) {
  pace p(30s, 1000);
  static_cast<void>(p.wait(start));
  p.moved(1, start + 20s);
  p.restart();
  EXPECT_FALSE(p.waiting());
  EXPECT_EQ(p.wait(start + 20s), start + 50s);
}

TEST(pace, of_any_time_and_rate_overflows_nothing) {
  pace p(std::chrono::milliseconds::max(), 1);
  EXPECT_GT(p.wait(start), start);
  p.moved(~std::uint64_t{0}, start + 1h);
  EXPECT_GT(p.wait(start + 1h), start + 1h);
}

TEST(pace, of_the_longest_time_never_ends) {
  pace p(std::chrono::milliseconds::max(), 1);
  EXPECT_EQ(p.wait(start), pace::time_point::max());
}

}  // namespace
}  // namespace hangup::http
