// What becomes of the connection of a request that an operator ends: it is kept, as after a
// deadline, unless a part of the request is missing. Then the answer says that it closes.
#include <gtest/gtest.h>

#include <atomic>

#include "hangup/http/causes.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

cause told() {
  return {.kind = http::causes::operator_request, .text = "too slow"};
}

std::size_t end_all(live_server& s, const std::string& path) {
  return s.server.end_requests([&](const http::request_view& v) { return v.to->path == path; },
                               told());
}

// Ends all that is in flight on this path, again and again.
class operator_in_a_hurry {
 public:
  operator_in_a_hurry(live_server& s, std::string path)
      : thread_([this, &s, path = std::move(path)] {
          while (!over_) {
            end_all(s, path);
          }
        }) {}
  ~operator_in_a_hurry() {
    over_ = true;
    thread_.join();
  }
  operator_in_a_hurry(const operator_in_a_hurry&) = delete;
  operator_in_a_hurry& operator=(const operator_in_a_hurry&) = delete;

 private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

TEST(a_connection, is_good_for_more_after_an_operator_has_ended_a_request_in_the_queue) {
  live_server s;
  client busy = s.connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(s.at.await("/one/stubborn"));
  client c = s.connect();
  ASSERT_TRUE(c.send(get("/one/wait") + get("/fast")));
  ASSERT_TRUE(eventually([&] { return end_all(s, "/one/wait") == 1; }));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.header("connection"), "");
  EXPECT_EQ(c.receive().status, 200) << "what came behind it is not lost";
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  s.gate.open();
  EXPECT_EQ(busy.receive().status, 200);
}

TEST(a_connection, is_closed_after_an_operator_has_ended_a_request_whose_body_is_missing) {
  live_server s;
  client c = s.connect();
  ASSERT_TRUE(c.send(part_of_body("/pool/echo", 100, 50)));
  ASSERT_TRUE(eventually([&] { return end_all(s, "/pool/echo") == 1; }));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_TRUE(c.sees_the_end());
}

// The operator comes at any moment: while a head is read, while the request is queued, runs or is
// answered. Only a connection that rests may be closed for it, and these never rest in a request.
TEST(a_connection, loses_no_request_behind_one_that_an_operator_ends_at_any_moment) {
  constexpr int clients = 3;
  const int rounds = sanitized ? 100 : 500;
  live_server s;
  const operator_in_a_hurry in_a_hurry(s, "/wait");
  std::vector<std::thread> all;
  for (int i = 0; i < clients; ++i) {
    all.emplace_back([&] {
      client c = s.connect();
      for (int n = 0; n < rounds && !testing::Test::HasFailure(); ++n) {
        ASSERT_TRUE(c.send(get("/pool/fast") + get("/wait") + get("/fast") + get("/wait") +
                           get("/pool/fast")));
        for (const int status : {200, 503, 200, 503, 200}) {
          ASSERT_EQ(c.receive().status, status) << "round " << n;
        }
      }
    });
  }
  for (auto& t : all) {
    t.join();
  }
}

// The rest of a body and the next request may come just when the connection is woken for the end.
// Then its input is closed, and the answer has to say so.
TEST(a_connection, says_that_it_closes_or_serves_the_next_request_when_the_rest_comes_too_late) {
  const int rounds = sanitized ? 100 : 500;
  live_server s;
  const operator_in_a_hurry in_a_hurry(s, "/pool/echo");
  for (int n = 0; n < rounds; ++n) {
    client c = s.connect();
    const auto body = std::string(50, 'b');
    ASSERT_TRUE(c.send(part_of_body("/pool/echo", 50, 10)));
    static_cast<void>(c.send(body.substr(10) + get("/fast")));
    const auto a = c.receive();
    ASSERT_TRUE(a.status == 503 || a.status == 200) << a.status << " in round " << n;
    if (a.header("connection") != "close") {
      ASSERT_EQ(c.receive().status, 200) << "round " << n;
      ASSERT_EQ(c.ask(get("/fast")).status, 200) << "round " << n;
    }
  }
}

}  // namespace
}  // namespace hangup::wire
