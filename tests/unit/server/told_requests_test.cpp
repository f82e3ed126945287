// How many of the requests in flight a viewer has not been told of.
#include "server/told_requests.h"

#include <gtest/gtest.h>

namespace hangup::server {
namespace {

TEST(told_requests, are_not_counted_among_those_that_are_not_shown) {
  told_requests told;
  EXPECT_EQ(told.count_others({}, 0), 0U);
  EXPECT_EQ(told.count_others({1, 2, 3}, 0), 3U);
  told.add(2, 10);
  EXPECT_TRUE(told.has(2));
  EXPECT_EQ(told.count_others({1, 2, 3}, 10), 2U);
  EXPECT_EQ(told.count_others({1, 3}, 11), 2U);
  EXPECT_FALSE(told.has(2)) << "it is over, although nobody has said so";
}

TEST(told_requests, are_remembered_while_the_numbers_may_be_older_than_what_was_told) {
  told_requests told;
  told.add(5, 20);  // began when the others had been counted
  EXPECT_EQ(told.count_others({1}, 19), 1U);
  EXPECT_TRUE(told.has(5));
  told.add(1, 21);  // its end
  EXPECT_EQ(told.count_others({1, 5}, 20), 0U) << "it was in flight then";
  EXPECT_TRUE(told.has(1)) << "so it is not told again as one of the oldest";
  EXPECT_EQ(told.count_others({5}, 21), 0U);
  EXPECT_FALSE(told.has(1));
}

}  // namespace
}  // namespace hangup::server
