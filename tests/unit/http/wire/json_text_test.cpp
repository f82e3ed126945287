// Whatever a text contains, it is one JSON string, in ASCII.
#include "http/wire/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace hangup::http {
namespace {

using nlohmann::json;

TEST(json_text, escapes_what_is_not_plain) {
  EXPECT_EQ(json_text(""), "\"\"");
  EXPECT_EQ(json_text("plain ~"), "\"plain ~\"");
  EXPECT_EQ(json_text("\"\\\n\r\t"), R"("\"\\\n\r\t")");
  EXPECT_EQ(json_text({"\0\x1b\x7f", 3}), R"("\u0000\u001b\u007f")");
  EXPECT_EQ(json_text("caf\xc3\xa9 \xe2\x82\xac"), R"("caf\u00e9 \u20ac")");
  EXPECT_EQ(json_text("\xf0\x9f\x98\x80"), R"("\ud83d\ude00")");
}

TEST(json_text, replaces_each_byte_that_is_not_utf_8) {
  for (const std::string broken :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "\x80"}) {
    std::string expected;
    for (std::size_t i = 0; i < broken.size(); ++i) {
      expected += R"(\ufffd)";
    }
    EXPECT_EQ(json_text(broken + "x"), "\"" + expected + "x\"") << broken.size();
  }
}

TEST(json_text, is_read_as_the_text_by_another_library) {
  std::mt19937 random(18);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t n = random() % 20; n > 0; --n) {
      text.push_back(static_cast<char>(random()));
    }
    const auto made = json_text(text);
    const auto read = json::parse(made).get<std::string>();
    for (const char c : made) {
      ASSERT_TRUE(c >= ' ' && c <= '~');
    }
    if (json::accept("\"" + text + "\"") && text.find('\\') == std::string::npos) {
      EXPECT_EQ(read, text);
    }
    EXPECT_EQ(json_text(read), made) << "what was replaced stays as it is";
  }
}

}  // namespace
}  // namespace hangup::http
