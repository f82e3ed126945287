#include "http/answer_head.h"

#include <gtest/gtest.h>

#include <ctime>

namespace hangup::http {
namespace {

TEST(answer_head, is_a_status_line_its_headers_and_an_empty_line) {
  answer_head head(206);
  head.add("Content-Type", "text/plain");
  head.add("Content-Length", 0);
  head.add_lines("Allow: GET\r\n");
  EXPECT_EQ(std::move(head).finish(),
            "HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
            "Allow: GET\r\n\r\n");
}

TEST(answer_head, lets_no_control_byte_out_whoever_made_the_header) {
  answer_head head(200);
  std::string every;
  for (int c = 0; c < 256; ++c) {
    every.push_back(static_cast<char>(c));
  }
  head.add("X", "a\r\nSet-Cookie: b");
  head.add("Y", every);
  head.add("Two: words", "z");
  head.add("In\r\njected", "z");
  head.add("", "z");
  const auto text = std::move(head).finish();
  EXPECT_NE(text.find("X: a  Set-Cookie: b\r\n"), std::string::npos);
  EXPECT_EQ(text.find("jected"), std::string::npos);
  EXPECT_EQ(text.find("words"), std::string::npos);
  std::size_t lines = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    lines += byte == '\n' ? 1U : 0U;
    EXPECT_TRUE(byte >= 0x20 || byte == '\t' || byte == '\r' || byte == '\n') << int{byte};
    EXPECT_NE(byte, 0x7f);
  }
  EXPECT_EQ(lines, 4U) << "status, X, Y, and the empty line";
}

TEST(http_date, is_the_time_now_as_the_standard_wants_it) {
  const auto before = std::time(nullptr);
  const std::string text(http_date());
  const auto after = std::time(nullptr);
  std::tm t{};
  ASSERT_NE(::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &t), nullptr) << text;
  EXPECT_EQ(text.size(), 29U);
  const auto said = ::timegm(&t);
  EXPECT_LE(before, said);
  EXPECT_LE(said, after);
}

}  // namespace
}  // namespace hangup::http
