// The answer of another engine is read along: its status, its end, and whether the connection goes
// on, however its bytes are cut.
#include "http/wire/answer_scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hangup::http {
namespace {

using kind = answer_scan::kind;
using framing = answer_scan::framing;

struct seen {
  std::string heads;  // the interim ones, too
  std::string body;
  std::string beyond;
  bool broken = false;
};

// Feeds it in pieces of so many bytes.
seen feed(answer_scan& scan, const std::string& text, std::size_t at_a_time) {
  seen all;
  for (std::size_t at = 0; at < text.size(); at += at_a_time) {
    auto rest = std::string_view(text).substr(at, at_a_time);
    while (!rest.empty()) {
      const auto before = rest.size();
      const auto part = scan.next(rest);
      EXPECT_LT(rest.size(), before) << "it always takes something";
      switch (part.is) {
        case kind::none:
          EXPECT_TRUE(part.text.empty());
          break;
        case kind::interim:
        case kind::head:
          all.heads.append(part.text);
          break;
        case kind::body:
          all.body.append(part.text);
          break;
        case kind::beyond:
          all.beyond.append(part.text);
          break;
        case kind::broken:
          all.broken = true;
          break;
      }
    }
  }
  return all;
}

const std::vector<std::size_t> cuts = {1, 2, 3, 7, 1000};

TEST(answer_scan, finds_the_end_of_a_body_with_a_length) {
  const std::string head = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX: y\r\n\r\n";
  for (const auto cut : cuts) {
    answer_scan scan(false);
    const auto all = feed(scan, head + "12345more", cut);
    EXPECT_EQ(all.heads, head);
    EXPECT_EQ(all.body, "12345");
    EXPECT_EQ(all.beyond, "more");
    EXPECT_EQ(scan.status(), 201);
    EXPECT_EQ(scan.length(), 5U);
    EXPECT_TRUE(scan.whole());
    EXPECT_FALSE(scan.closes());
  }
}

TEST(answer_scan, finds_the_last_chunk) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "3\r\nabc\r\n0\r\nA: trailer\r\n\r\n";
  for (const auto cut : cuts) {
    answer_scan scan(false);
    EXPECT_EQ(feed(scan, head + body.substr(0, body.size() - 1), cut).body.size(), body.size() - 1);
    EXPECT_FALSE(scan.whole());
    answer_scan other(false);
    const auto all = feed(other, head + body + "x", cut);
    EXPECT_EQ(all.body, body);
    EXPECT_EQ(all.beyond, "x");
    EXPECT_TRUE(other.whole());
  }
}

TEST(answer_scan, passes_interim_answers) {
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
      "HTTP/1.1 204 No Content\r\nConnection: Keep-Alive, Close\r\n\r\n";
  for (const auto cut : cuts) {
    answer_scan scan(false);
    EXPECT_EQ(feed(scan, text, cut).heads, text);
    EXPECT_EQ(scan.status(), 204);
    EXPECT_TRUE(scan.whole());
    EXPECT_TRUE(scan.closes());
  }
}

TEST(answer_scan, knows_answers_without_a_body) {
  for (const std::string status : {"204 No Content", "304 Not Modified"}) {
    answer_scan scan(false);
    EXPECT_EQ(feed(scan, "HTTP/1.1 " + status + "\r\nContent-Length: 5\r\n\r\nx", 1000).beyond,
              "x");
    EXPECT_TRUE(scan.whole());
  }
  answer_scan to_head(true);
  feed(to_head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1);
  EXPECT_TRUE(to_head.whole());
  EXPECT_EQ(to_head.framed(), framing::none);
}

TEST(answer_scan, knows_that_only_the_close_ends_some) {
  answer_scan scan(false);
  EXPECT_EQ(feed(scan, "HTTP/1.1 200 OK\r\nX: y\r\n\r\nany", 2).body, "any");
  EXPECT_EQ(scan.framed(), framing::until_close);
  EXPECT_FALSE(scan.whole());
  answer_scan refusal(false);  // as cpp-httplib refuses an expectation, and then goes on
  EXPECT_EQ(feed(refusal, "HTTP/1.1 417 Expectation Failed\r\n\r\nHTTP/1.1 200", 3).beyond,
            "HTTP/1.1 200");
  EXPECT_TRUE(refusal.whole());
  EXPECT_TRUE(refusal.closes());
}

TEST(answer_scan, says_what_is_no_answer) {
  const std::string line = "HTTP/1.1 200 OK\r\n";
  for (const std::string& text :
       {std::string("nonsense\r\n\r\n"), std::string("HTTP/1.1 2000 OK\r\n\r\n"),
        std::string("HTTP/2.0 200 OK\r\n\r\n"), std::string("HTTP/1.1 99 x\r\n\r\n"),
        std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        line + "Content-Length: -1\r\n\r\n",
        line + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        line + "Transfer-Encoding: gzip\r\n\r\n", line + "no colon\r\n\r\n",
        line + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        line + "X: " + std::string(answer_scan::most_head, 'x')}) {
    for (const auto cut : {std::size_t{5}, std::size_t{4096}}) {
      answer_scan scan(false);
      EXPECT_TRUE(feed(scan, text + "rest", cut).broken) << text.substr(0, 60);
    }
  }
}

}  // namespace
}  // namespace hangup::http
