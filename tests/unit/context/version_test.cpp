#include "hangup/version.h"

#include <gtest/gtest.h>

TEST(version, is_the_same_in_the_headers_the_library_and_the_project) {
  EXPECT_STREQ(hangup::version(), HANGUP_VERSION);
  EXPECT_STREQ(HANGUP_VERSION, PROJECT_VERSION);
}

TEST(version, can_be_compared_by_the_preprocessor) {
  constexpr int number = HANGUP_VERSION_NUMBER;
  EXPECT_EQ(number / 10000, HANGUP_VERSION_MAJOR);
  EXPECT_EQ(number / 100 % 100, HANGUP_VERSION_MINOR);
  EXPECT_EQ(number % 100, HANGUP_VERSION_PATCH);
}
