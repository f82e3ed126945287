// Another engine reads the same in the new head as was read in the old one.
#include "http/engine/rewritten_head.h"

#include <gtest/gtest.h>

namespace hangup::http {
namespace {

TEST(rewritten_head, has_the_target_in_origin_form_with_whole_encodings) {
  EXPECT_EQ(rewritten_head(request("GET", "/a%20b?q=%41%zz%u0041%")),
            "GET /a%20b?q=%41%25zz%25u0041%25 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(rewritten_head(request("GET", "http://host/a?b")), "GET /a?b HTTP/1.1\r\n\r\n");
  EXPECT_EQ(rewritten_head(request("GET", "http://host?b")), "GET /?b HTTP/1.1\r\n\r\n");
  EXPECT_EQ(rewritten_head(request("OPTIONS", "*")), "OPTIONS * HTTP/1.1\r\n\r\n");
}

TEST(rewritten_head, has_the_lines_alone_that_decide) {
  const request req("POST", "/",
                    {{"Content-Length", "2"},
                     {"Cookie", "a%0d%0ab"},
                     {"Accept", "text/html"},
                     {"Accept", "a%0d%0ab"},
                     {"Expect", "100-continue"},
                     {"Connection", "close"},
                     {"Range", "bytes=0-1"}},
                    "ab");
  EXPECT_EQ(rewritten_head(req),
            "POST / HTTP/1.1\r\nContent-Length: 2\r\nAccept: text/html\r\nExpect: 100-continue\r\n"
            "Range: bytes=0-1\r\n\r\n");
}

TEST(rewritten_head, leaves_out_ranges_that_are_too_many) {
  std::string many = "bytes=0-0";
  for (int i = 0; i < 16; ++i) {
    many += ",1-1";
  }
  const request ranges("GET", "/", {{"Range", many}});
  EXPECT_FALSE(has_plain_range(ranges));
  EXPECT_EQ(rewritten_head(ranges), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(has_plain_range(request("GET", "/", {{"Range", std::string(257, '1')}})));
  EXPECT_FALSE(
      has_plain_range(request("GET", "/", {{"Range", "bytes=0-0"}, {"Range", "bytes=1-1"}})));
  EXPECT_TRUE(has_plain_range(request("GET", "/")));
}

}  // namespace
}  // namespace hangup::http
