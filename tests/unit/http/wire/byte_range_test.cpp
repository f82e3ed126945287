#include "http/wire/byte_range.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace hangup::http {
namespace {

using kind = byte_range::kind;

std::string shown(std::string_view value, std::uint64_t whole) {
  const auto r = read_range(value, whole);
  return r.is == kind::ignored  ? "whole"
         : r.is == kind::beyond ? "beyond"
                                : std::to_string(r.first) + "+" + std::to_string(r.length);
}

TEST(byte_range, is_the_part_that_is_asked_for) {
  EXPECT_EQ(shown("bytes=0-0", 10), "0+1");
  EXPECT_EQ(shown("bytes=0-9", 10), "0+10");
  EXPECT_EQ(shown("bytes=3-5", 10), "3+3");
  EXPECT_EQ(shown("bytes=3-", 10), "3+7");
  EXPECT_EQ(shown("bytes=-4", 10), "6+4");
  EXPECT_EQ(shown("Bytes=0-", 1), "0+1");
}

TEST(byte_range, ends_where_the_answer_ends) {
  EXPECT_EQ(shown("bytes=8-20", 10), "8+2");
  EXPECT_EQ(shown("bytes=-20", 10), "0+10");
  EXPECT_EQ(shown("bytes=9-99999999999999999999999", 10), "9+1");
}

TEST(byte_range, of_which_nothing_is_there_is_beyond) {
  EXPECT_EQ(shown("bytes=10-", 10), "beyond");
  EXPECT_EQ(shown("bytes=10-20", 10), "beyond");
  EXPECT_EQ(shown("bytes=99999999999999999999999-", 10), "beyond");
  EXPECT_EQ(shown("bytes=-0", 10), "beyond");
  EXPECT_EQ(shown("bytes=0-", 0), "beyond");
  EXPECT_EQ(shown("bytes=-5", 0), "beyond");
}

TEST(byte_range, that_is_not_understood_is_as_if_it_were_not_there) {
  for (const auto* value :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-3", "bytes=a-b", "bytes=1-b", "bytes=a-1",
        "bytes=+1-2", "bytes= 1-2", "bytes=1 -2", "bytes=1-2,4-5", "bytes=0-0,", "bytes=1--2",
        "bytes=0-%2C0-", "lines=1-2", "rows=0-", "bytes:0-1"}) {
    EXPECT_EQ(shown(value, 10), "whole") << value;
  }
}

TEST(byte_range, of_the_largest_answer_does_not_overflow) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(shown("bytes=0-18446744073709551615", most), "0+18446744073709551615");
  EXPECT_EQ(shown("bytes=-18446744073709551615", most), "0+18446744073709551615");
}

}  // namespace
}  // namespace hangup::http
