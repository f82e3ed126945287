// What may stand in a header, byte by byte.
#include "http/wire/grammar.h"

#include <gtest/gtest.h>

#include <string>

namespace hangup::http {
namespace {

TEST(the_value_of_a_header, has_no_control_characters_but_tabs) {
  for (int c = 0; c < 256; ++c) {
    const auto value = std::string("a") + static_cast<char>(c) + "b";
    const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
    EXPECT_EQ(is_field_value(value), !control) << c;
  }
}

TEST(the_value_of_a_header, is_looked_at_from_its_first_byte_to_its_last) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_FALSE(is_field_value("\rab"));
  EXPECT_FALSE(is_field_value("ab\n"));
  EXPECT_FALSE(is_field_value(std::string_view("ab\0", 3)));
}

}  // namespace
}  // namespace hangup::http
