#include "http/net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <string>
#include <string_view>

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

TEST(a_host, loses_the_brackets_that_it_has_on_both_sides) {
  EXPECT_EQ(without_brackets("[::1]"), "::1");
  EXPECT_EQ(without_brackets("[fe80::1%eth0]"), "fe80::1%eth0");
  for (const auto* const as_it_is : {"::1", "localhost", "[::1", "::1]", "[]", ""}) {
    EXPECT_EQ(without_brackets(as_it_is), as_it_is);
  }
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

TEST(an_address, of_a_unix_socket_is_its_path_or_its_abstract_name) {
  sockaddr_storage at{};
  auto& in = reinterpret_cast<sockaddr_un&>(at);
  in.sun_family = AF_UNIX;
  constexpr socklen_t before = offsetof(sockaddr_un, sun_path);
  EXPECT_EQ(unix_address_of(at, before), "unix:");
  constexpr std::string_view path = "/run/s";
  constexpr socklen_t length = path.size();
  path.copy(in.sun_path, length);
  EXPECT_EQ(unix_address_of(at, before + length), "unix:/run/s");
  EXPECT_EQ(unix_address_of(at, before + length + 1), "unix:/run/s");
  EXPECT_EQ(unix_address_of(at, sizeof in), "unix:/run/s");
  in.sun_path[0] = '\0';
  EXPECT_EQ(unix_address_of(at, before + length), "unix:@run/s");
}

TEST(a_client, is_shown_by_its_address_and_port_or_its_user_and_process) {
  EXPECT_EQ(client_text({.remote_address = "::1", .remote_port = 1}), "[::1]:1");
  EXPECT_EQ(client_text({.remote_address = "unix:uid=7", .remote_port = 42, .is_unix = true}),
            "unix:uid=7,pid=42");
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
