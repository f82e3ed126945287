#include "hangup/context/context.h"

#include <gtest/gtest.h>

namespace hangup {
namespace {

using namespace std::chrono_literals;
using clock = context::clock;

TEST(later, adds) {
  const auto now = clock::now();
  EXPECT_EQ(later(now, 5ms), now + 5ms);
  EXPECT_EQ(later(now, 0ms), now);
  EXPECT_EQ(later(now, -5ms), now - 5ms);
}

TEST(later, is_never_where_the_clock_cannot_count_as_far) {
  const auto now = clock::now();
  EXPECT_EQ(later(now, std::chrono::milliseconds::max()), clock::time_point::max());
  EXPECT_EQ(later(clock::time_point::max(), 1ms), clock::time_point::max());
  EXPECT_EQ(later(clock::time_point::max() - 1ms, 1h), clock::time_point::max());
}

TEST(later, takes_a_duration_of_any_unit_and_type) {
  const auto now = clock::now();
  EXPECT_EQ(later(now, std::chrono::years::max()), clock::time_point::max());
  EXPECT_EQ(later(now, std::chrono::duration<double>(1e300)), clock::time_point::max());
  EXPECT_EQ(later(now, std::chrono::duration<double>(0.5)), now + 500ms);
}

TEST(later, is_long_ago_for_the_shortest) {
  EXPECT_LT(later(clock::now(), std::chrono::milliseconds::min()), clock::time_point{});
}

}  // namespace
}  // namespace hangup
