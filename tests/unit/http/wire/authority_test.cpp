// Whom a request is for is said in one way, or the request is refused.
#include "http/wire/authority.h"

#include <gtest/gtest.h>

#include <string>

namespace hangup::http {
namespace {

TEST(an_authority, is_a_name_or_an_address_and_perhaps_a_port) {
  for (const char* good : {"x",
                           "example.org",
                           "example.org.",
                           "EXAMPLE.org:8080",
                           "x:",
                           "x:0",
                           "x:65535",
                           "x:00080",
                           "a_b",
                           "a-b",
                           "1.2.3.4",
                           "1.2.3.4:80",
                           "999.1",
                           "[::1]",
                           "[::1]:80",
                           "[::1]:",
                           "[2001:DB8::ff00:42:8329]",
                           "[::ffff:1.2.3.4]:80",
                           "a%41b",
                           "%e4",
                           "a~!$&'()*+;=b"}) {
    EXPECT_TRUE(is_authority(good)) << good;
  }
}

TEST(an_authority, is_nothing_else) {
  for (const char* bad :
       {"",           ":",          ":80",
        "a b",        " a",         "a ",
        "a/b",        "a,b",        "a, b",
        "http://x/",  "user@x",     "user:password@x",
        "@x",         "x:port",     "x:80x",
        "x:-1",       "x:+1",       "x: 80",
        "x:65536",    "x:99999999", "x:99999999999999999999",
        "x:80:80",    "::1",        "1::2:80",
        "[::1",       "[]",         "[]:80",
        "[::1]80",    "[::1]x",     "[[::1]]",
        "[::1]]",     "[::1:80",    "]",
        "[1.2.3.4]",  "[x]",        "[::g]",
        "[::1%25lo]", "[::1%lo]",   "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]",
        "a\\b",       "<script>",   "x?y",
        "x#y",        "%zz",        "%4",
        "%",          "a%4:80",     "a\"b",
        "\xff",       "\xc3\xa4",   "{a}",
        "a|b",        "a^b",        "a`b",
        "a\tb",       "a\x7f",      "a\x01"}) {
    EXPECT_FALSE(is_authority(bad)) << bad;
  }
  EXPECT_FALSE(is_authority(std::string("[::1\0]", 6)));
  EXPECT_FALSE(is_authority(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace hangup::http
