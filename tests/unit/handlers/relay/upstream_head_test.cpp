// The heads of upstreams' answers, line by line: which are answers, which can be handed on, and
// what of them goes on.
#include "handlers/relay/upstream_head.h"

#include <gtest/gtest.h>

#include <optional>

namespace hangup::handlers {
namespace {

// Lines as they come, the empty one at their end included. None: it is no answer.
std::optional<upstream_head> read(std::string_view bytes) {
  upstream_head head;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n') + 1;
    if (!head.take(bytes.substr(0, end))) {
      return std::nullopt;
    }
    bytes.remove_prefix(end);
  }
  return head;
}

upstream_head whole(const std::string& status, const std::string& lines = "") {
  auto head = read("HTTP/1.1 " + status + "\r\n" + lines + "\r\n");
  EXPECT_TRUE(head && head->whole()) << status << lines;
  return head.value_or(upstream_head());
}

std::string value(const upstream_head& head, const std::string& name) {
  for (const auto& [key, text] : head.handed_on()) {
    if (key == name) {
      return text;
    }
  }
  return "(none)";
}

constexpr asked_for anything{.range = true, .condition = true};

TEST(the_head_of_an_upstream, ends_with_its_empty_line_and_interim_ones_are_forgotten) {
  const auto head = read(
      "HTTP/1.1 103 Early Hints\r\nContent-Type: wrong\r\nETag: \"wrong\"\r\n\r\n"
      "HTTP/1.1 201 \r\nContent-Type: text/x; a=b \r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_TRUE(head->whole());
  EXPECT_EQ(head->status(), 201);
  EXPECT_EQ(head->content_type(), "text/x; a=b");
  EXPECT_EQ(value(*head, "ETag"), "(none)");
  EXPECT_FALSE(read("HTTP/1.1 100 Continue\r\n\r\n")->whole());
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nA: b\r\n")->whole());
  EXPECT_TRUE(read("HTTP/1.0 200\n\n")->whole()) << "no reason, and bare line feeds";
}

TEST(the_head_of_an_upstream, that_is_none_is_refused) {
  for (const auto* bad : {"220 mail.example ESMTP\r\n",
                          "HTTP/2 200\r\n",
                          "HTTP/1.1 20\r\n",
                          "HTTP/1.1 2000\r\n",
                          "HTTP/1.1 099 What\r\n",
                          "HTTP/1.1  200 OK\r\n",
                          "HTTP/1.1 -20 OK\r\n",
                          "\r\n",
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nno colon\r\n",
                          "HTTP/1.1 200 OK\r\nETag: a\r\n X-Folded: b\r\n",
                          "HTTP/1.1 200 OK\r\n: no name\r\n",
                          "HTTP/1.1 200 OK\r\nETag: a\rX-Evil: 1\r\n",
                          "HTTP/1.1 200 OK\r\nETag: a\x01z\r\n",
                          "HTTP/1.1 200 OK\r\nETag: a\x7fz\r\n",
                          "HTTP/1.1 200 OK\r\nE\x01Tag: a\r\n",
                          "HTTP/1.1 200 OK\r\nETag : a\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding\t: chunked\r\n",
                          "HTTP/1.1 103 x\r\nContent-Length: 1\r\n\r\n",
                          "HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    EXPECT_FALSE(read(bad)) << bad;
  }
  EXPECT_FALSE(upstream_head().take(std::string_view("HTTP/1.1 200\0OK\r\n", 17)));
}

TEST(an_answer, of_each_status_is_handed_on_with_what_it_needs_or_not_at_all) {
  const auto why = [](const std::string& status, const std::string& lines = "",
                      const asked_for& asked = {}) { return whole(status, lines).unfit(asked); };
  for (const auto* fit :
       {"200 OK", "201 Created", "204 No Content", "205 Reset Content", "400 Bad Request",
        "404 Not Found", "410 Gone", "412 Precondition Failed", "416 Range Not Satisfiable",
        "429 Too Many Requests", "500 x", "503 x", "504 x", "599 x"}) {
    EXPECT_EQ(why(fit), "") << fit;
  }
  EXPECT_EQ(why("999 What"), "answered 999, which is not a status of HTTP");
  EXPECT_EQ(why("600 What"), "answered 600, which is not a status of HTTP");
  for (const auto* elsewhere : {"300 x", "301 x", "302 Found", "307 x", "399 x"}) {
    EXPECT_NE(why(elsewhere, "Location: http://a/\r\n", anything), "") << elsewhere;
  }
  EXPECT_EQ(why("302 Found"), "answered 302, and where it points is not followed");
  for (const auto* way : {"407 x", "408 x", "421 x", "426 x", "505 x", "511 x"}) {
    EXPECT_NE(why(way, "Upgrade: h2c\r\nProxy-Authenticate: Basic\r\n"), "") << way;
  }

  EXPECT_EQ(why("401 x"), "answered 401 without WWW-Authenticate");
  EXPECT_EQ(why("401 x", "WWW-Authenticate: Basic realm=\"a\"\r\n"), "");
  for (const std::string empty : {"", ",", " , ,"}) {
    EXPECT_EQ(why("401 x", "WWW-Authenticate:" + empty + "\r\n"),
              "answered 401 without WWW-Authenticate");
  }
  EXPECT_EQ(why("405 x"), "answered 405 without Allow");
  EXPECT_EQ(why("405 x", "Allow:\r\n"), "") << "an empty list says: none";
  EXPECT_EQ(why("405 x", "Allow: POST\r\nConnection: close, allow\r\n"),
            "answered 405 without Allow");

  EXPECT_EQ(why("206 x", "Content-Range: bytes 0-0/9\r\n"),
            "answered 206, which was not asked for");
  EXPECT_EQ(why("206 x", "Content-Range: bytes 0-0/9\r\n", anything), "");
  EXPECT_EQ(why("206 x", "", anything), "answered 206 without Content-Range");
  EXPECT_NE(why("206 x",
                "Content-Range: bytes 0-0/9\r\nContent-Type: Multipart/ByteRanges; boundary=a\r\n",
                anything),
            "");
  EXPECT_EQ(why("304 x", "ETag: \"a\"\r\n"), "answered 304, which was not asked for");
  EXPECT_EQ(why("304 x", "ETag: \"a\"\r\n", anything), "");
}

TEST(an_answer, that_says_two_things_at_once_or_is_encoded_is_not_handed_on) {
  const auto why = [](const std::string& lines) { return whole("200 OK", lines).unfit(anything); };
  EXPECT_EQ(why("Content-Length: 5\r\nContent-Length: 6\r\n"),
            "answered with two different values of content-length");
  EXPECT_EQ(why("Content-Length: 5\r\nContent-Length: 5\r\n"), "");
  EXPECT_NE(why("Content-Type: text/a\r\nContent-Type: text/html\r\n"), "");
  EXPECT_NE(why("Content-Range: bytes 0-0/9\r\nContent-Range: bytes 0-1/9\r\n"), "");
  EXPECT_NE(why("Content-Encoding: gzip\r\n"), "");
  EXPECT_EQ(why("Content-Encoding: Identity\r\n"), "");
  EXPECT_NE(why("Transfer-Encoding: gzip, chunked\r\n"), "");
  EXPECT_NE(why("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), "");
  EXPECT_EQ(why("Transfer-Encoding: Chunked\r\n"), "");
}

TEST(an_answer, has_a_length_that_every_reader_takes_for_the_same_or_is_not_handed_on) {
  const auto why = [](const std::string& length, const std::string& status = "200 OK") {
    return whole(status, "Content-Length: " + length + "\r\n").unfit(anything);
  };
  for (const auto* bad :
       {"", ",", "2,", ",2", "2, 3", "2, x", "0x5", "4.0", "4;a", "+2", "-2", "2 3", "2\t3",
        "\"2\"", "9223372036854775808", "18446744073709551620", "2, 18446744073709551618"}) {
    EXPECT_EQ(why(bad), "answered with an invalid content-length") << bad;
    EXPECT_NE(why(bad, "404 x"), "") << bad;
    EXPECT_NE(why(bad, "205 x"), "") << bad;
    EXPECT_EQ(why(bad, "204 x"), "") << bad << " frames nothing";
    EXPECT_EQ(why(bad, "304 x"), "") << bad << " frames nothing";
  }
  for (const auto* good : {"0", "2", "2, 2", "2,2 , 2", "9223372036854775807"}) {
    EXPECT_EQ(why(good), "") << good;
  }
}

TEST(an_answer, that_is_a_part_says_which_or_is_not_handed_on) {
  const auto why = [](const std::string& range, const std::string& more = "") {
    return whole("206 x", "Content-Range: " + range + "\r\n" + more).unfit(anything);
  };
  for (const auto* good : {"bytes 0-0/1", "bytes 2-4/5", "bytes 2-4/*", "Bytes 2-4/9",
                           "bytes 0-9223372036854775806/9223372036854775807"}) {
    EXPECT_EQ(why(good), "") << good;
  }
  for (const auto* bad : {"bytes",
                          "bytes */9",
                          "bytes 4-2/9",
                          "bytes 0-0/0",
                          "bytes 2-9/9",
                          "bytes 2-4",
                          "bytes 2/9",
                          "bytes 2-4/",
                          "bytes -4/9",
                          "bytes 2-/9",
                          "bytes 2 -4/9",
                          "bytes=2-4/9",
                          "bytes  2-4/9",
                          "pages 2-4/9",
                          "bytes 2-4/9/9",
                          "bytes 2-4-5/9",
                          "bytes +2-4/9",
                          "bytes 2-4/9, bytes 2-4/9",
                          "bytes 0-9223372036854775807/*",
                          "bytes 0-1/18446744073709551620",
                          "nonsense"}) {
    EXPECT_EQ(why(bad),
              "answered 206 with a content-range that is invalid or does not match the body")
        << bad;
  }
  EXPECT_EQ(why(""), "answered 206 without Content-Range");
  EXPECT_EQ(why("bytes 2-4/9", "Content-Length: 3\r\n"), "");
  EXPECT_NE(why("bytes 2-4/9", "Content-Length: 4\r\n"), "");
  EXPECT_NE(why("bytes 2-4/9", "Content-Length: 0\r\n"), "");
}

TEST(an_answer, goes_on_with_its_content_range_only_where_that_means_something) {
  const std::string range = "Content-Range: bytes 0-0/9\r\n";
  EXPECT_EQ(value(whole("206 x", range), "Content-Range"), "bytes 0-0/9");
  EXPECT_EQ(value(whole("416 x", "Content-Range: bytes */9\r\n"), "Content-Range"), "bytes */9");
  for (const auto* status : {"200 x", "201 x", "304 x", "404 x", "500 x"}) {
    EXPECT_EQ(value(whole(status, range), "Content-Range"), "(none)") << status;
  }
}

TEST(an_answer, goes_on_with_its_date_only_if_it_is_one) {
  const auto date = [](const std::string& text) {
    return value(whole("200 OK", "Date: " + text + "\r\n"), "Date");
  };
  for (const auto* good : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "Thu, 29 Feb 2024 23:59:59 GMT"}) {
    EXPECT_EQ(date(good), good);
  }
  for (const auto* bad :
       {"", "now", "0", "-1", "Sun, 06 Nov 1994 08:49:37 GMT x", "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Wed, 30 Feb 2022 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 24:49:37 GMT", "1994-11-06T08:49:37Z", "Sun,06 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(date(bad), "(none)") << bad;
  }
}

TEST(an_answer, whose_content_type_is_about_the_connection_goes_on_without_it) {
  EXPECT_EQ(whole("200 x", "Content-Type: a/b\r\n").content_type(), "a/b");
  EXPECT_EQ(whole("200 x", "Content-Type: a/b\r\nConnection: x, CONTENT-type\r\n").content_type(),
            "");
  EXPECT_NE(whole("206 x",
                  "Content-Type: multipart/byteranges; boundary=a\r\n"
                  "Content-Range: bytes 0-0/9\r\nConnection: content-type\r\n")
                .unfit(anything),
            "");
}

TEST(an_answer, goes_on_with_what_it_is_and_how_long_and_nothing_about_the_connection) {
  const auto head = whole(
      "200 OK",
      "cache-control: public\r\nCache-Control: no-store\r\nVary: Accept\r\n"
      "ETag: \"a\"\r\nLast-Modified: then\r\nExpires: soon\r\nAge: 3\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: 7\r\nX-Content-Type-Options: nosniff\r\n"
      "Set-Cookie: a=b\r\nServer: x\r\nLocation: http://a/\r\n"
      "Keep-Alive: timeout=5\r\nTE: trailers\r\nTrailer: ETag\r\n"
      "Transfer-Encoding: chunked\r\nUpgrade: h2c\r\nProxy-Authenticate: a\r\n"
      "Proxy-Authentication-Info: a\r\nConnection: keep-alive,Expires , X\r\n"
      "CONNECTION: AGE\r\nX: y\r\n");
  const upstream_head::headers expected = {
      {"Cache-Control", "public, no-store"},
      {"Date", "Sun, 06 Nov 1994 08:49:37 GMT"},
      {"ETag", "\"a\""},
      {"Last-Modified", "then"},
      {"Retry-After", "7"},
      {"Vary", "Accept"},
      {"X-Content-Type-Options", "nosniff"},
  };
  EXPECT_EQ(head.handed_on(), expected);
}

TEST(an_answer, with_two_values_of_what_stands_once_goes_on_without_it) {
  const auto head = whole("200 OK", "ETag: \"a\"\r\nETag: \"b\"\r\nAge: 3\r\nAge: 3\r\n");
  EXPECT_EQ(value(head, "ETag"), "(none)");
  EXPECT_EQ(value(head, "Age"), "3");
}

TEST(an_answer, of_204_205_or_304_has_no_content) {
  for (const auto* status : {"204 x", "205 x", "304 x"}) {
    EXPECT_FALSE(whole(status).has_content()) << status;
  }
  EXPECT_TRUE(whole("200 OK").has_content());
}

}  // namespace
}  // namespace hangup::handlers
