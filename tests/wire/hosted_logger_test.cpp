// The logger of a `hosted` server is told of requests that no handler has seen, too.
#include "tests/wire/hosted_fixture.h"

namespace hangup::wire {
namespace {

class logger_of_a_hosted_server : public hosted_fixture {
 protected:
  logger_of_a_hosted_server() {
    server.Get("/wait", [this](const Request& req, Response&) {
      at.tell("/wait");
      wait_for_end(http::context_of(req), at);
    });
    server.set_logger([this](const Request& req, const Response& res) {
      at.tell(req.method + " " + req.path + " " + req.get_param_value("q") + " " +
              req.get_header_value("X") + " " + std::to_string(res.status));
      if (const auto* why = http::context_of(req).cause()) {
        at.tell("log: " + std::string(why->kind.name()));
      }
    });
  }
};

TEST_F(logger_of_a_hosted_server, is_told_once_of_who_left_in_the_queue) {
  start({.workers = 1});
  auto holds = connect();
  ASSERT_TRUE(holds.send(get("/wait")));
  ASSERT_TRUE(at.await("/wait"));
  auto queued = connect();
  ASSERT_TRUE(queued.send(get("/queued%20up?q=7", "X: y\r\n")));
  queued.close();
  EXPECT_TRUE(at.await("GET /queued up 7 y 499"));
  EXPECT_TRUE(at.await("log: client_closed"));
  holds.close();
  EXPECT_TRUE(at.await("GET /wait   499"));
  stop();
  EXPECT_EQ(at.count("GET /queued up 7 y 499"), 1);
  EXPECT_EQ(at.count("GET /wait   499"), 1);
}

TEST_F(logger_of_a_hosted_server, is_told_of_who_was_refused_as_all_are_busy_and_of_who_was_late) {
  server.set_read_timeout(std::chrono::seconds(1));
  start({.workers = 1, .queue = 0});
  auto late = connect();
  ASSERT_TRUE(late.send(part_of_body("/late", 100, 10)));
  EXPECT_EQ(late.receive().status, 408);
  EXPECT_TRUE(at.await("POST /late   408"));
  auto holds = connect();
  ASSERT_TRUE(holds.send(get("/wait")));
  ASSERT_TRUE(at.await("/wait"));
  EXPECT_EQ(ask(get("/refused")).status, 503);
  EXPECT_TRUE(at.await("GET /refused   503"));
}

TEST_F(logger_of_a_hosted_server, may_throw_and_what_follows_is_served) {
  server.set_logger([this](const Request& req, const Response& res) {
    at.tell(req.path + " " + std::to_string(res.status));
    if (res.status == 503) {
      throw std::runtime_error("the log is full");
    }
  });
  start({.workers = 1, .queue = 0});
  auto holds = connect();
  ASSERT_TRUE(holds.send(get("/wait")));
  ASSERT_TRUE(at.await("/wait"));
  EXPECT_EQ(ask(get("/refused")).status, 503);
  EXPECT_TRUE(at.await("/refused 503"));
  EXPECT_EQ(ask(get("/again")).status, 503);
  holds.close();
  EXPECT_TRUE(at.await("/wait 499"));
}

}  // namespace
}  // namespace hangup::wire
