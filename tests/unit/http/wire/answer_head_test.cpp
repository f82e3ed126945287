#include "http/wire/answer_head.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <utility>
#include <vector>

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

TEST(checked_lines, are_the_header_lines_of_a_text_and_nothing_else) {
  const auto checked = [](std::string_view written) {
    std::string to;
    append_checked_lines(written, to);
    return to;
  };
  EXPECT_EQ(checked("A: 1\r\nB:2\r\n"), "A: 1\r\nB: 2\r\n");
  EXPECT_EQ(checked("A: 1\nB: 2"), "A: 1\r\nB: 2\r\n");
  EXPECT_EQ(checked(""), "");
  EXPECT_EQ(checked("\r\n\r\nA: 1\r\n\r\n"), "A: 1\r\n");
  EXPECT_EQ(checked("no line\r\nA b: 1\r\n: 2\r\n: \r\n"), "");
  EXPECT_EQ(checked("A: x\ry\r\n"), "A: x y\r\n");
  EXPECT_EQ(checked("content-length: 1\r\nConnection: x\r\nX-Request-Id: y\r\n"), "");
}

TEST(header_lines, are_found_by_their_names) {
  EXPECT_TRUE(has_line("A: 1\r\nVary: b\r\n", "vary"));
  EXPECT_TRUE(has_line("A: Vary\r\n", "A"));
  EXPECT_FALSE(has_line("A: Vary: b\r\n", "Vary"));
  EXPECT_FALSE(has_line("", "A"));
  EXPECT_FALSE(has_line("AB: 1\r\n", "A"));
}

TEST(answer_head, has_the_default_headers_that_its_lines_do_not_have) {
  const std::vector<std::pair<std::string, std::string>> all = {{"A", "1"}, {"B", "2"}, {"A", "3"}};
  answer_head some(200);
  some.add_lines("b: own\r\n");
  some.add_defaults(all, "b: own\r\n");
  EXPECT_EQ(std::move(some).finish(), "HTTP/1.1 200 OK\r\nb: own\r\nA: 1\r\nA: 3\r\n\r\n");
}

std::string without_date(std::string text) {
  const auto from = text.find("Date: ");
  return from == std::string::npos ? text : text.erase(from, text.find('\n', from) + 1 - from);
}

TEST(problem_answer, has_a_body_as_long_as_it_says_and_the_id_of_the_request) {
  const auto text = without_date(whole_text({.status = 404,
                                             .detail = "gone",
                                             .request_id = "abc",
                                             .headers = "Allow: GET\r\n",
                                             .keep_alive = true}));
  const std::string body =
      R"({"type":"about:blank","title":"Not Found","status":404,"detail":"gone","request_id":"abc"})"
      "\n";
  EXPECT_EQ(text,
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\n"
            "Content-Length: " +
                std::to_string(body.size()) + "\r\nX-Request-Id: abc\r\nAllow: GET\r\n\r\n" + body);
}

TEST(problem_answer, without_a_request_has_no_id_and_by_default_ends_the_connection) {
  const auto text = whole_text({.status = 503, .detail = "full"});
  EXPECT_EQ(text.find("X-Request-Id"), std::string::npos) << text;
  EXPECT_EQ(text.find("request_id"), std::string::npos) << text;
  EXPECT_NE(text.find("\r\nConnection: close\r\n\r\n"), std::string::npos) << text;
}

TEST(problem_answer, to_head_is_the_same_head_without_the_body) {
  const auto whole = without_date(whole_text({.status = 400, .detail = "no", .to_head = false}));
  const auto head = without_date(whole_text({.status = 400, .detail = "no", .to_head = true}));
  EXPECT_EQ(head, whole.substr(0, whole.find("\r\n\r\n") + 4));
}

TEST(problem_answer, of_a_204_has_neither_body_nor_length) {
  const auto text = without_date(whole_text(
      {.status = 204, .request_id = "abc", .headers = "Allow: GET\r\n", .keep_alive = true}));
  EXPECT_EQ(text, "HTTP/1.1 204 No Content\r\nX-Request-Id: abc\r\nAllow: GET\r\n\r\n");
}

TEST(problem_answer, below_400_has_no_body) {
  EXPECT_EQ(without_date(whole_text({.status = 303, .headers = "Location: /a\r\n"})),
            "HTTP/1.1 303 See Other\r\nContent-Length: 0\r\nLocation: /a\r\n"
            "Connection: close\r\n\r\n");
}

TEST(problem_answer, may_have_another_body_and_default_headers) {
  const std::vector<std::pair<std::string, std::string>> defaults = {{"Allow", "x"}, {"S", "y"}};
  EXPECT_EQ(without_date(whole_text({.status = 404,
                                     .detail = "gone",
                                     .headers = "Allow: GET\r\n",
                                     .keep_alive = true,
                                     .defaults = defaults,
                                     .content_type = "text/plain",
                                     .body = "mine"})),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
            "Allow: GET\r\nS: y\r\n\r\nmine");
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
