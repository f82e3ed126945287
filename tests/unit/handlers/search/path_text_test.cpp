// Names of files as text and back.
#include "handlers/search/path_text.h"

#include <gtest/gtest.h>

#include <random>

#include "handlers/utf8.h"

namespace hangup::search {
namespace {

TEST(path_text, what_is_utf_8_stays_as_it_is) {
  for (const std::string path :
       {"", "logs/a.txt", "caf\xC3\xA9", "\"quote\"", "a\nb", "100%25", "back\\slash",
        "\xF0\x9F\x98\x80", "\xEE\xBD\xBF", "\xEF\x80\x80"}) {
    EXPECT_EQ(text_of_path(path), path);
    EXPECT_EQ(path_of_text(path), path);
  }
}

TEST(path_text, a_byte_that_is_none_becomes_one_character) {
  EXPECT_EQ(text_of_path("caf\xE9/x"), "caf\xEE\xBF\xA9/x");  // U+EFE9
  EXPECT_EQ(text_of_path("\x80"), "\xEE\xBE\x80");            // U+EF80
  EXPECT_EQ(text_of_path("\xFF"), "\xEE\xBF\xBF");            // U+EFFF
}

TEST(path_text, who_has_the_bytes_themselves_may_give_them) {
  EXPECT_EQ(path_of_text("caf\xE9/x"), "caf\xE9/x");
}

TEST(path_text, every_path_comes_back_from_a_text_that_is_utf_8) {
  std::mt19937 random(20265);
  const std::string some = "a/\"\n%\\\x80\xBE\xBF\xC3\xA9\xE2\xEE\xEF\xF0\xFF";
  for (int i = 0; i < 20'000; ++i) {
    std::string path;
    for (auto left = random() % 12; left > 0; --left) {
      path += some[random() % some.size()];
    }
    const auto text = text_of_path(path);
    ASSERT_TRUE(handlers::is_utf8(text)) << testing::PrintToString(path);
    ASSERT_EQ(path_of_text(text), path) << testing::PrintToString(path);
  }
}

TEST(path_text, the_characters_that_stand_for_bytes_are_told_from_those_of_a_name) {
  const std::string name = "\xEE\xBF\xA9";  // U+EFE9 itself
  EXPECT_NE(text_of_path(name), text_of_path("\xE9"));
  EXPECT_EQ(path_of_text(text_of_path(name)), name);
}

}  // namespace
}  // namespace hangup::search
