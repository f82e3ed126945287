// Whose request it is.
#include "http/net/client_key.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace hangup::http {
namespace {

TEST(client_key, is_one_for_an_ipv4_address_however_it_is_written) {
  EXPECT_EQ(client_key("192.0.2.1"), client_key("192.0.2.1"));
  EXPECT_EQ(client_key("192.0.2.1"), client_key("::ffff:192.0.2.1"));
  EXPECT_NE(client_key("192.0.2.1"), client_key("192.0.2.2"));
  EXPECT_NE(client_key("127.0.0.1"), client_key("127.0.0.2"));
}

TEST(client_key, is_one_for_a_network_of_ipv6_in_which_a_client_chooses_its_address) {
  EXPECT_EQ(client_key("2001:db8:1:2::1"), client_key("2001:db8:1:2:ffff:1:2:3"));
  EXPECT_NE(client_key("2001:db8:1:2::1"), client_key("2001:db8:1:3::1"));
  EXPECT_EQ(client_key("fe80::1%eth0"), client_key("fe80::1"));
}

TEST(client_key, is_one_for_all_processes_of_a_user_on_unix_sockets) {
  EXPECT_EQ(client_key("unix:uid=1000"), client_key("unix:uid=1000"));
  EXPECT_NE(client_key("unix:uid=1000"), client_key("unix:uid=1001"));
  EXPECT_NE(client_key("unix:uid=0"), client_key("127.0.0.1"));
}

TEST(client_key, is_never_nobodys) {
  std::set<std::uint64_t> all;
  for (const auto& address : {std::string("127.0.0.1"), std::string("::1"), std::string(),
                              std::string("no address"), std::string(300, 'x')}) {
    all.insert(client_key(address));
  }
  EXPECT_EQ(all.size(), 5U);
  EXPECT_EQ(all.count(0), 0U);
  EXPECT_NE(client_key("0.0.0.0"), 0U);
  EXPECT_NE(client_key("::"), 0U);
}

}  // namespace
}  // namespace hangup::http
