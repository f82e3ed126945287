// A byte that TCP calls urgent is a byte like the others: it is read where it stands, and so is
// what stands behind it.
#include <gtest/gtest.h>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

TEST(an_urgent_byte, is_part_of_the_request_wherever_it_stands) {
  live_server server;
  const auto request = get("/query?a=12");
  for (std::size_t at = 1; at < request.size(); ++at) {
    client c = server.connect();
    ASSERT_TRUE(c.send_urgent(request.substr(0, at)));
    ASSERT_TRUE(c.send(request.substr(at)));
    const auto a = c.receive();
    ASSERT_EQ(a.status, 200) << at;
    ASSERT_EQ(a.body, "a=12\n/query\n/query?a=12") << at;
    ASSERT_EQ(c.ask(get("/fast")).body, "fast\n") << at;
  }
}

TEST(an_urgent_byte, in_front_of_much_else_does_not_end_the_reading) {
  live_server server;
  client c = server.connect();
  const std::string body(40'000, 'b');
  const auto request = post("/echo", body);
  ASSERT_TRUE(c.send_urgent(request.substr(0, 200)));
  ASSERT_TRUE(c.send(request.substr(200) + get("/fast")));
  EXPECT_EQ(c.receive().body, body);
  EXPECT_EQ(c.receive().body, "fast\n");
}

TEST(an_urgent_byte, of_a_body_reaches_the_worker_that_reads_it) {
  live_server server;
  client c = server.connect();
  const std::string body(200'000, 'b');
  const auto request = post("/pool/echo", body);
  ASSERT_TRUE(c.send(request.substr(0, 100'000)));
  ASSERT_TRUE(c.send_urgent(request.substr(100'000, 50)));
  ASSERT_TRUE(c.send(request.substr(100'050)));
  EXPECT_EQ(c.receive().body, body);
  EXPECT_EQ(c.ask(get("/fast")).body, "fast\n");
}

TEST(an_urgent_byte, behind_a_running_request_is_the_first_of_the_next) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  ASSERT_TRUE(c.send_urgent("G"));
  ASSERT_TRUE(c.send(get("/fast").substr(1)));
  server.gate.open();
  EXPECT_EQ(c.receive().body, "at last\n");
  EXPECT_EQ(c.receive().body, "fast\n");
}

TEST(an_urgent_byte, does_not_hide_that_the_client_has_left) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  ASSERT_TRUE(c.send_urgent("x"));
  c.close();
  EXPECT_EQ(server.seen.of("/wait").end, request_end::client_closed);
}

}  // namespace
}  // namespace hangup::wire
