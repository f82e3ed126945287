#include "hangup/http/listen_address.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hangup::http {
namespace {

std::string why_not(std::string_view text) {
  try {
    return "no error: " + parse_listen_address(text).text();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

TEST(listen_address, is_read_and_shown_in_the_same_form) {
  for (const auto* text :
       {"127.0.0.1:8080", "[::1]:8080", "localhost:0", "example.org:65535", "unix:/run/hangup.sock",
        "unix:hangup.sock", "unix:@hangup", "unix:/with:colon/s"}) {
    EXPECT_EQ(parse_listen_address(text).text(), text);
  }
}

TEST(listen_address, has_host_and_port_or_a_path) {
  EXPECT_EQ(parse_listen_address("[::1]:80"), (listen_address{.host = "[::1]", .port = 80}));
  EXPECT_EQ(parse_listen_address("unix:@a"), (listen_address{.path = "@a"}));
  EXPECT_FALSE(parse_listen_address("a:0").is_unix());
  EXPECT_TRUE(parse_listen_address("unix:a").is_unix());
}

TEST(listen_address, of_ipv6_is_shown_in_brackets_however_it_was_given) {
  EXPECT_EQ((listen_address{.host = "::1", .port = 1}).text(), "[::1]:1");
  EXPECT_EQ((listen_address{.host = "[::1]", .port = 1}).text(), "[::1]:1");
}

TEST(listen_address, that_is_none_is_refused_with_a_reason) {
  EXPECT_EQ(why_not(""), "there is no port");
  EXPECT_EQ(why_not("8080"), "there is no port");
  EXPECT_EQ(why_not("127.0.0.1"), "there is no port");
  EXPECT_EQ(why_not("127.0.0.1:"), "there is no port");
  EXPECT_EQ(why_not("[::1]"), "there is no port");
  EXPECT_EQ(why_not("[::1]8080"), "there is no port");
  EXPECT_EQ(why_not("[::1"), "there is no ] behind the address");
  EXPECT_EQ(why_not("http://a:8080"), "it is a URL and no address");
  EXPECT_EQ(why_not(":8080"), "there is no host before the port");
  EXPECT_EQ(why_not("[]:8080"), "there is no host before the port");
  EXPECT_EQ(why_not("::1:8080"), "an IPv6 address stands in brackets, as in [::1]:8080");
  for (const auto* port : {"x", "65536", "-1", "+1", "1x", " 1", "99999999999"}) {
    EXPECT_EQ(why_not(std::string("a:") + port), "its port is not a number 0..65535") << port;
  }
  EXPECT_EQ(why_not("unix:"), "there is no path behind unix:");
  EXPECT_EQ(why_not("unix:@"), "there is no path behind unix:");
  EXPECT_EQ(why_not("unix:/a\nb"), "it has control characters in it");
  EXPECT_EQ(why_not(std::string_view("unix:/a\0b", 9)), "it has control characters in it");
  EXPECT_EQ(why_not(std::string(256, 'h') + ":1"), "its host has more than 255 bytes");
}

TEST(listen_address, has_a_path_as_long_as_the_kernel_takes) {
  EXPECT_TRUE(parse_listen_address("unix:" + std::string(max_unix_path, 'p')).is_unix());
  EXPECT_EQ(why_not("unix:" + std::string(max_unix_path + 1, 'p')),
            "its path has 108 bytes, at most 107 are possible");
}

}  // namespace
}  // namespace hangup::http
