#include "handlers/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace hangup::handlers {
namespace {

// As RFC 3629 3 writes it.
std::string encoded(char32_t c) {
  const auto byte = [](char32_t bits) {
    return static_cast<char>(static_cast<unsigned char>(bits));
  };
  if (c < 0x80) {
    return {byte(c)};
  }
  if (c < 0x800) {
    return {byte(0xc0 | c >> 6U), byte(0x80 | (c & 0x3fU))};
  }
  if (c < 0x10000) {
    return {byte(0xe0 | c >> 12U), byte(0x80 | (c >> 6U & 0x3fU)), byte(0x80 | (c & 0x3fU))};
  }
  return {byte(0xf0 | c >> 18U), byte(0x80 | (c >> 12U & 0x3fU)), byte(0x80 | (c >> 6U & 0x3fU)),
          byte(0x80 | (c & 0x3fU))};
}

TEST(utf8, decodes_every_character_but_the_surrogates) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    const auto text = encoded(c);
    const auto got = first_character(text);
    if (c >= 0xd800 && c <= 0xdfff) {
      ASSERT_EQ(got.size, 0U) << std::hex << static_cast<std::uint32_t>(c);
    } else {
      ASSERT_EQ(got.size, text.size()) << std::hex << static_cast<std::uint32_t>(c);
      ASSERT_EQ(got.code_point, c);
    }
  }
}

TEST(utf8, decodes_nothing_that_is_longer_than_it_must_be_or_beyond_unicode) {
  for (const std::string text : {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                                 "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\x80"}) {
    EXPECT_EQ(character_size(text), 0U) << testing::PrintToString(text);
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(text);
  }
}

TEST(utf8, decodes_nothing_that_is_cut_off) {
  for (const std::string text :
       {"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xe2(\xac", "\xf0\x9f\x98("}) {
    EXPECT_EQ(character_size(text), 0U) << testing::PrintToString(text);
    EXPECT_FALSE(is_utf8("ok" + text)) << testing::PrintToString(text);
  }
  EXPECT_EQ(character_size({}), 0U);
  EXPECT_TRUE(is_utf8({}));
}

TEST(utf8, counts_characters_and_not_bytes) {
  EXPECT_EQ(characters("Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"), 10U);
  EXPECT_EQ(characters({}), 0U);
}

}  // namespace
}  // namespace hangup::handlers
