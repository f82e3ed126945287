// What is thrown where cpp-httplib catches nothing: its own server ends the program then. A hosted
// one goes on, so the client is owed an answer, and the logger a call.
#include <stdexcept>

#include "tests/wire/hosted_fixture.h"

namespace hangup::wire {
namespace {

class what_is_thrown_on_a_hosted_server : public hosted_fixture {
 protected:
  what_is_thrown_on_a_hosted_server() {
    server.Get("/fast", [](const Request&, Response& res) { res.set_content("x", "text/plain"); });
    server.set_logger([this](const Request& req, const Response& res) {
      at.tell(req.path + " " + std::to_string(res.status));
    });
  }
  void is_a_500(const std::string& path, const std::string& headers = {}) {
    start();
    auto c = connect();
    EXPECT_EQ(c.ask(get(path, headers)).status, 500);
    EXPECT_TRUE(c.sees_the_end());
    EXPECT_TRUE(ends.await("500"));
    stop();
    EXPECT_EQ(at.count(path + " 500"), 1);
  }
};

TEST_F(what_is_thrown_on_a_hosted_server, by_a_post_routing_handler_is_a_500) {
  server.set_post_routing_handler(
      [](const Request&, Response&) { throw std::runtime_error("why"); });
  is_a_500("/fast");
}

TEST_F(what_is_thrown_on_a_hosted_server, by_an_error_handler_is_a_500) {
  server.set_error_handler([](const Request&, Response&) { throw std::runtime_error("why"); });
  is_a_500("/none");
}

TEST_F(what_is_thrown_on_a_hosted_server, by_a_100_continue_handler_is_a_500) {
  server.set_expect_100_continue_handler(
      [](const Request&, Response&) -> int { throw 7; });  // NOLINT: any type may be thrown
  is_a_500("/fast", "Expect: 100-continue\r\n");
}

// It has stopped as its client has left: nothing is sent, and the logger is told so.
TEST_F(what_is_thrown_on_a_hosted_server, after_the_client_has_left_is_a_departure) {
  server.set_post_routing_handler([this](const Request& req, Response&) {
    at.tell("there");
    const auto& ctx = http::context_of(req);
    wait_done(ctx).get();
    ctx.throw_if_done();
  });
  start();
  auto c = connect();
  ASSERT_TRUE(c.send(get("/fast")));
  ASSERT_TRUE(at.await("there"));
  c.close();
  EXPECT_TRUE(at.await("/fast 499"));
  EXPECT_TRUE(ends.await("client_closed"));
  stop();
  EXPECT_EQ(at.count("/fast 499"), 1);
}

}  // namespace
}  // namespace hangup::wire
