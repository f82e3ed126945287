#include "http/net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace hangup::http {
namespace {

sockaddr_storage v6(const char* text, std::uint16_t port) {
  sockaddr_storage at{};
  auto& in = reinterpret_cast<sockaddr_in6&>(at);
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, text, &in.sin6_addr), 1);
  return at;
}

std::string shown(const sockaddr_storage& at) {
  int port = 0;
  const auto address = address_of(at, port);
  return endpoint(address, port);
}

TEST(an_address, of_ipv4_is_shown_with_its_port) {
  sockaddr_storage at{};
  auto& in = reinterpret_cast<sockaddr_in&>(at);
  in.sin_family = AF_INET;
  in.sin_port = htons(8080);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(shown(at), "127.0.0.1:8080");
}

TEST(an_address, of_ipv6_is_in_brackets) {
  EXPECT_EQ(shown(v6("::1", 8080)), "[::1]:8080");
  EXPECT_EQ(shown(v6("2001:db8::7", 1)), "[2001:db8::7]:1");
  EXPECT_EQ(shown(v6("::", 0)), "[::]:0");
}

TEST(an_address, of_ipv4_on_a_socket_of_both_families_is_an_ipv4_address) {
  EXPECT_EQ(shown(v6("::ffff:192.0.2.7", 443)), "192.0.2.7:443");
}

TEST(an_address, of_another_family_is_empty) {
  sockaddr_storage at{};
  at.ss_family = AF_UNIX;
  int port = 1;
  EXPECT_EQ(address_of(at, port), "");
  EXPECT_EQ(port, 0);
}

}  // namespace
}  // namespace hangup::http
