// stop() of a `hosted` server, by whoever and whenever.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/wire/hosted_fixture.h"

namespace hangup::wire {
namespace {

class hosted_stop : public hosted_fixture {};

TEST_F(hosted_stop, may_be_asked_for_by_several_at_once) {
  constexpr int threads = 3;
  for (int i = 0; i < 100; ++i) {
    start();
    std::atomic<int> ready{0};
    std::vector<std::thread> all;
    for (int n = 0; n < threads; ++n) {
      all.emplace_back([&] {
        ++ready;
        while (ready < threads) {
        }
        server.stop();
      });
    }
    for (auto& one : all) {
      one.join();
    }
    stop();
    ASSERT_FALSE(server.is_running());
  }
}

TEST_F(hosted_stop, by_a_handler_is_before_what_stands_behind_its_request) {
  server.Get("/stop", [this](const Request&, Response&) { server.stop(); });
  server.Get("/next", [this](const Request&, Response&) { at.tell("next"); });
  for (int i = 0; i < 100; ++i) {
    start();
    auto c = connect();
    ASSERT_TRUE(c.send(get("/stop") + get("/next") + get("/next")));
    EXPECT_EQ(c.receive().status, 200);
    EXPECT_TRUE(c.sees_the_end());
    stop();
  }
  EXPECT_EQ(at.count("next"), 0);
}

// Versions differ in whether they have decommission().
template <class Server>
void decommission(Server& server) {
  if constexpr (requires { server.decommission(); }) {
    server.decommission();
  }
}

TEST_F(hosted_stop, lets_a_server_bind_again_that_was_decommissioned) {
  decommission(server);
  server.stop();
  EXPECT_GT(server.bind_to_any_port("127.0.0.1"), 0);
}

}  // namespace
}  // namespace hangup::wire
