// Which addresses of replicas are asked, and for how long. No server is there to answer.
#include "server/peers.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using handlers::name_lookup;

config::admin_t with_peers(std::vector<std::string> all) {
  auto c = defaults().admin;
  c.peers = std::move(all);
  c.peer_timeout = 2s;
  return c;
}

TEST(peers, are_asked_at_so_many_addresses_and_no_more_and_that_is_said) {
  const peers all(with_peers({"many:8081", "192.0.2.1:8081"}), [](const std::string&) {
    name_lookup::addresses found;
    for (int i = 0; i < 100; ++i) {
      found.push_back("127.0.1." + std::to_string(i));
    }
    return found;
  });
  const auto [ctx, over] = all.patience(background());
  std::vector<peer_answer> not_asked;
  const auto asked = all.addresses(ctx, not_asked);
  EXPECT_EQ(asked.size(), peers::most_addresses);
  ASSERT_EQ(not_asked.size(), 2U);
  EXPECT_EQ(not_asked[0].replica, "many:8081");
  EXPECT_EQ(not_asked[0].error, "there are more addresses than can be asked");
  EXPECT_EQ(not_asked[1].replica, "192.0.2.1:8081");
}

TEST(peers, are_asked_once_at_each_address) {
  const peers all(with_peers({"one:1", "127.0.0.1:1", "other:1"}),
                  [](const std::string&) { return name_lookup::addresses{"127.0.0.1"}; });
  const auto [ctx, over] = all.patience(background());
  std::vector<peer_answer> not_asked;
  EXPECT_EQ(all.addresses(ctx, not_asked), std::vector<std::string>{"127.0.0.1:1"});
  EXPECT_TRUE(not_asked.empty());
}

TEST(peers, have_time_to_answer_although_a_name_server_is_silent) {
  std::promise<void> answers;
  const auto wait = answers.get_future().share();
  const peers all(with_peers({"silent:1", "127.0.0.1:1"}), [wait](const std::string&) {
    wait.wait();
    return name_lookup::addresses{};
  });
  const auto [ctx, over] = all.patience(background());
  std::vector<peer_answer> not_asked;
  const auto asked = all.addresses(ctx, not_asked);
  EXPECT_EQ(asked, std::vector<std::string>{"127.0.0.1:1"});
  EXPECT_EQ(not_asked.at(0).error, "its name was not looked up in time");
  const auto got = all.ask(
      ctx, asked,
      {.method = "GET", .target = "/requests", .page = peer_page::in_flight, .request_id = "1"});
  EXPECT_EQ(got.at(0).error, "no connection");
  answers.set_value();
}

}  // namespace
}  // namespace hangup::server
