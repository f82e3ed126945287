// What a `watched` server does not begin any more when it stops.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "hangup/http/watched.h"
#include "tests/support/client.h"
#include "tests/wire/httplib_server.h"

namespace hangup::wire {
namespace {

using namespace test;
using server_under_test = httplib_server<http::watched<httplib::Server>>;

// Otherwise a client that always sends the next request early decides when the server ends.
TEST(stop_of_watched, serves_nothing_that_was_pipelined) {
  server_under_test server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait") + get("/fast") + get("/fast")));
  ASSERT_TRUE(server.at.await("/wait"));
  server.ask_to_stop();
  EXPECT_EQ(c.receive().body, "too late\n");
  server.stop();
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_EQ(server.at.count("/fast"), 0) << server.at.text();
}

TEST(stop_of_watched, serves_nobody_who_waits_for_a_thread) {
  server_under_test server(
      [](auto& s) { s.server.new_task_queue = [] { return new httplib::ThreadPool(1); }; });
  client first = server.connect();
  ASSERT_TRUE(first.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  std::vector<client> queued;
  for (int i = 0; i < 10; ++i) {
    queued.push_back(server.connect());
    ASSERT_TRUE(queued.back().send(get("/fast")));
  }
  server.stop();
  for (auto& c : queued) {
    EXPECT_TRUE(c.sees_the_end());
  }
  EXPECT_EQ(server.at.count("/fast"), 0) << server.at.text();
}

// stop() may have closed the descriptor that a thread of the server has just read.
TEST(stop_of_watched, takes_no_other_descriptor_for_the_one_that_was_listened_at) {
  std::array<int, 2> clients{};
  std::array<int, 2> others{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, clients.data()), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, others.data()), 0);
  {
    http::detail::watched_connections all;
    http::detail::watched_connection c(all, others[0], clients[0], {});
    const auto ctx = c.begin_request();
    ASSERT_TRUE(ctx.done());
    EXPECT_EQ(ctx.cause()->kind, cause_kind::shutdown);
    ::close(others[0]);
    char none = 0;
    EXPECT_EQ(::recv(others[1], &none, 1, MSG_DONTWAIT), 0) << "nobody has kept it open";
  }
  ::close(clients[1]);
  ::close(others[1]);
}

}  // namespace
}  // namespace hangup::wire
