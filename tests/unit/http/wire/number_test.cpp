#include "http/wire/number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace hangup::http {
namespace {

TEST(whole_number, is_all_of_the_text_or_nothing) {
  EXPECT_EQ(whole_number<std::uint16_t>("0"), 0);
  EXPECT_EQ(whole_number<std::uint16_t>("00080"), 80);
  EXPECT_EQ(whole_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(whole_number<int>("-7"), -7);
  EXPECT_EQ(whole_number<double>("2.5"), 2.5);
  for (const auto* text :
       {"", " 1", "1 ", "+1", "-1", "1x", "0x1", "65536", "99999999999999999999"}) {
    EXPECT_FALSE(whole_number<std::uint16_t>(text)) << text;
  }
}

TEST(number_in_name, has_only_one_spelling) {
  EXPECT_EQ(number_in_name("443"), 443U);
  EXPECT_EQ(number_in_name("18446744073709551615"), UINT64_MAX);
  for (const auto* text : {"", "0", "0443", "00", "+443", "-443", " 443", "443 ", "443.0", "4e2",
                           "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(number_in_name(text)) << text;
  }
}

}  // namespace
}  // namespace hangup::http
