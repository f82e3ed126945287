// Handlers of a `hosted` server hear their client leave, and one that left in the queue is never
// served.
#include "tests/support/eventually.h"
#include "tests/wire/hosted_fixture.h"

namespace hangup::wire {
namespace {

using httplib::DataSink;

class leaving_a_hosted_server : public hosted_fixture {
 protected:
  leaving_a_hosted_server() {
    server.Get("/wait", [this](const Request& req, Response&) {
      at.tell("/wait");
      wait_for_end(http::context_of(req), at);
    });
    server.Get("/hold", [this](const Request&, Response& res) {
      at.tell("/hold");
      go_.await("go");
      res.set_content("held\n", "text/plain");
    });
    server.Get("/", [this](const Request&, Response& res) {
      at.tell("/");
      res.set_content("yes\n", "text/plain");
    });
  }
  ~leaving_a_hosted_server() override {
    go();
    stop();
  }
  void go() { go_.tell("go"); }

 private:
  told go_;
};

TEST_F(leaving_a_hosted_server, ends_the_context_by_fin) {
  start();
  auto c = connect();
  c.send(get("/wait"));
  ASSERT_TRUE(at.await("/wait"));
  c.close();
  EXPECT_TRUE(at.await("client_closed"));
  EXPECT_TRUE(ends.await("499"));
}

TEST_F(leaving_a_hosted_server, ends_the_context_by_rst) {
  start();
  auto c = connect();
  c.send(get("/wait"));
  ASSERT_TRUE(at.await("/wait"));
  c.reset();
  EXPECT_TRUE(at.await("client_reset"));
}

TEST_F(leaving_a_hosted_server, is_heard_behind_pipelined_requests_and_stray_bytes) {
  start();
  auto c = connect();
  c.send(get("/wait") + get("/") + get("/") + "stray");
  ASSERT_TRUE(at.await("/wait"));
  c.close();
  EXPECT_TRUE(at.await("client_closed"));
  EXPECT_TRUE(ends.await("client_closed"));
  EXPECT_EQ(at.count("/"), 0) << "what was behind is not served";
}

TEST_F(leaving_a_hosted_server, is_heard_while_a_body_lies_unread) {
  server.Post("/unread", [this](const Request& req, Response&, const httplib::ContentReader&) {
    at.tell("/unread");
    wait_for_end(http::context_of(req), at);
  });
  start();
  auto c = connect();
  c.send(part_of_body("/unread", 1'000'000, 200'000));
  ASSERT_TRUE(at.await("/unread"));
  c.close();
  EXPECT_TRUE(at.await("client_closed"));
}

// Whether a request says that its connection is closed; older versions cannot be asked, and then it
// is whether its context has ended.
template <class R>
bool is_closed(const R& req) {
  if constexpr (requires { req.is_connection_closed(); }) {
    return req.is_connection_closed();
  } else {
    return http::context_of(req).done();
  }
}

TEST_F(leaving_a_hosted_server, is_what_is_connection_closed_says) {
  server.Get("/asks", [this](const Request& req, Response&) {
    at.tell(is_closed(req) ? "closed too early" : "open");
    wait_for_end(http::context_of(req), at);
    const auto copy = req;
    at.tell(is_closed(req) && is_closed(copy) ? "closed" : "still open");
  });
  start();
  auto c = connect();
  c.send(get("/asks") + "stray bytes");
  ASSERT_TRUE(at.await("open"));
  c.close();
  EXPECT_TRUE(at.await("closed"));
  EXPECT_EQ(at.count("closed too early"), 0);
}

TEST_F(leaving_a_hosted_server, stops_a_stream_and_releases_it) {
  server.Get("/events", [this](const Request& req, Response& res) {
    res.set_chunked_content_provider(
        "text/event-stream",
        [this, ctx = http::context_of(req)](std::size_t, DataSink& sink) {
          sink.write("data: x\n\n", 9);
          at.tell(sink.is_writable() ? "writable" : "gone");
          wait_for_end(ctx, at);
          at.tell(sink.is_writable() ? "still writable" : "not writable");
          return sink.write("data: y\n\n", 9);
        },
        [this](bool well) { at.tell(well ? "released well" : "released"); });
  });
  server.set_logger([this](const Request&, const Response& res) {
    at.tell("log " + std::to_string(res.status));
  });
  start();
  auto c = connect();
  c.send(get("/events"));
  EXPECT_EQ(c.receive_until("data: x\n\n").substr(0, 12), "HTTP/1.1 200");
  c.close();
  EXPECT_TRUE(at.await("client_closed"));
  EXPECT_TRUE(at.await("not writable"));
  EXPECT_TRUE(at.await("released"));
  EXPECT_TRUE(at.await("log 499"));
  EXPECT_TRUE(ends.await("client_closed"));
}

TEST_F(leaving_a_hosted_server, in_the_queue_is_never_served) {
  start({.workers = 1});
  auto first = connect();
  first.send(get("/hold"));
  ASSERT_TRUE(at.await("/hold"));
  auto second = connect();
  second.send(get("/"));
  auto third = connect();
  third.send(get("/"));
  second.close();
  ASSERT_TRUE(ends.await("client_closed"));
  ASSERT_TRUE(ends.await("not run"));
  go();
  EXPECT_EQ(third.receive().body, "yes\n");
  EXPECT_EQ(at.count("/"), 1);
}

TEST_F(leaving_a_hosted_server, after_the_last_byte_is_no_hang_up) {
  server.set_logger([this](const Request&, const Response& res) {
    at.tell("log " + std::to_string(res.status));
  });
  start();
  EXPECT_EQ(ask(get("/")).body, "yes\n");
  EXPECT_TRUE(ends.await("completed"));
  EXPECT_TRUE(at.await("log 200"));
  EXPECT_EQ(at.count("log 499"), 0);
}

TEST_F(leaving_a_hosted_server, is_told_to_the_logger) {
  server.set_logger([this](const Request& req, const Response& res) {
    at.tell(req.path + " " + std::to_string(res.status));
  });
  start();
  auto c = connect();
  c.send(get("/wait"));
  ASSERT_TRUE(at.await("/wait"));
  c.close();
  EXPECT_TRUE(at.await("/wait 499"));
}

TEST_F(leaving_a_hosted_server, is_not_needed_for_the_next_to_be_served) {
  start({.workers = 1});
  std::vector<client> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(connect());
    EXPECT_EQ(idle.back().ask(get("/")).body, "yes\n");  // and stays, with keep-alive
  }
  for (int i = 0; i < 20; ++i) {
    idle.push_back(connect());
    idle.back().send("GET / HTTP/1.1\r\nHost: ");  // and no more
  }
  EXPECT_EQ(ask(get("/")).body, "yes\n");
}

TEST_F(leaving_a_hosted_server, one_too_many_is_told_so_at_once) {
  start({.workers = 1, .queue = 1});
  auto first = connect();
  first.send(get("/hold"));
  ASSERT_TRUE(at.await("/hold"));
  auto second = connect();
  second.send(get("/"));
  client third = connect();
  answer refused;
  // The second may not be in the queue yet; then the third is, and the second gets the answer.
  third.send(get("/"));
  ASSERT_TRUE(ends.await("rejected"));
  ASSERT_TRUE(eventually([&] { return second.readable(0ms) || third.readable(0ms); }));
  refused = (second.readable(0ms) ? second : third).receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  go();
}

TEST_F(leaving_a_hosted_server, has_a_deadline_if_it_is_told) {
  start({.deadline = 100ms});
  EXPECT_EQ(ask(get("/wait")).status, 504) << "an empty 200 would be a lie";
  EXPECT_TRUE(at.await("deadline"));
  EXPECT_TRUE(ends.await("deadline"));
}

TEST_F(leaving_a_hosted_server, when_it_stops_requests_may_finish) {
  start({.stop_grace = patience});
  auto c = connect();
  c.send(get("/hold"));
  ASSERT_TRUE(at.await("/hold"));
  auto idle = connect();
  EXPECT_EQ(idle.ask(get("/")).body, "yes\n");
  std::thread stops([this] { server.stop(); });
  stops.join();
  EXPECT_TRUE(server.is_running()) << "listen() waits for the handler";
  go();
  const auto a = c.receive();
  EXPECT_EQ(a.body, "held\n");
  stop();
  EXPECT_TRUE(idle.sees_the_end());
}

TEST_F(leaving_a_hosted_server, when_the_grace_is_over_contexts_end_with_shutdown) {
  start({.stop_grace = 50ms});
  auto c = connect();
  c.send(get("/wait"));
  ASSERT_TRUE(at.await("/wait"));
  server.stop();
  EXPECT_TRUE(at.await("shutdown"));
  EXPECT_EQ(c.receive().status, 503);
  stop();
}

TEST_F(leaving_a_hosted_server, a_handler_may_stop_it) {
  server.Get("/stop", [this](const Request&, Response& res) {
    server.stop();
    res.set_content("bye\n", "text/plain");
  });
  start();
  EXPECT_EQ(ask(get("/stop")).body, "bye\n");
  stop();
}

}  // namespace
}  // namespace hangup::wire
