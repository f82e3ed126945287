// Rows of http/CONFORMANCE.md that the other tests do not show: what the handler, its context, the
// connection and the next request are like.
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "hangup/http/causes.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

// The contexts that handlers were given, kept longer than their requests.
class kept_contexts {
 public:
  void add(const context& ctx) {
    const std::lock_guard hold(mutex_);
    all_.push_back(ctx);
  }
  // The n-th, from 0, which must have been added.
  context nth(std::size_t n) {
    const std::lock_guard hold(mutex_);
    return all_.at(n);
  }

 private:
  std::mutex mutex_;
  std::vector<context> all_;
};

setup keeping(kept_contexts& kept) {
  setup how;
  how.more = {[&kept](live_server& s) {
    for (const bool waits : {false, true}) {
      s.server.handle({.method = "GET",
                       .path = waits ? "/keep/wait" : "/keep",
                       .runs_on = &s.many,
                       .answer = [&, waits](const context& ctx, const httplib::Request&,
                                            httplib::Response& res) {
                         EXPECT_FALSE(ctx.done());
                         kept.add(ctx);
                         s.at.tell(waits ? "kept and waits" : "kept");
                         if (waits) {
                           static_cast<void>(wait_done(ctx));
                         } else {
                           res.set_content("x", "text/plain");
                         }
                       }});
    }
  }};
  return how;
}

TEST(request_context, has_ended_once_the_answer_is_out_and_that_is_no_hang_up) {  // C17
  kept_contexts kept;
  live_server server(keeping(kept));
  client c = server.connect();
  ASSERT_EQ(c.ask(get("/keep")).status, 200);
  const auto r = server.seen.nth(0);
  EXPECT_EQ(r.end, request_end::completed);
  EXPECT_FALSE(r.context_ended);
  EXPECT_EQ(r.cause, "");
  const auto ctx = kept.nth(0);
  ASSERT_TRUE(eventually([&] { return ctx.done(); }));
  EXPECT_EQ(ctx.cause()->kind, cause_kind::handler_returned);
}

TEST(request_context, is_one_per_request_and_a_departure_ends_the_last_of_them_only) {  // C16
  kept_contexts kept;
  live_server server(keeping(kept));
  client c = server.connect();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(c.ask(get("/keep")).status, 200);
  }
  ASSERT_TRUE(c.send(get("/keep/wait")));
  ASSERT_TRUE(server.at.await("kept and waits"));  // it was live at entry, says the handler
  c.close();
  EXPECT_EQ(server.seen.nth(3).end, request_end::client_closed);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(server.seen.nth(i).end, request_end::completed);
    EXPECT_EQ(kept.nth(i).cause()->kind, cause_kind::handler_returned);
    EXPECT_NE(kept.nth(i), kept.nth(3));
  }
  EXPECT_EQ(kept.nth(3).cause()->kind, http::causes::client_closed);
}

TEST(request_context, carries_its_own_id_and_the_request_its_own_addresses) {  // C41
  setup how;
  how.more = {[](live_server& s) {
    s.server.handle(
        {.method = "GET",
         .path = "/who",
         .runs_on = &s.many,
         .answer = [](const context& ctx, const httplib::Request& req, httplib::Response& res) {
           res.set_content(http::request_id(ctx) + " " + req.remote_addr + ":" +
                               std::to_string(req.remote_port) + " " + req.local_addr + ":" +
                               std::to_string(req.local_port),
                           "text/plain");
         }});
  }};
  live_server server(how);
  client a = server.connect();
  client b = server.connect();
  const auto here = " 127.0.0.1:" + std::to_string(server.server.port());
  for (int i = 0; i < 3; ++i) {
    const auto id = "a-" + std::to_string(i);
    EXPECT_EQ(a.ask(get("/who", "X-Request-Id: " + id + "\r\n")).body,
              id + " 127.0.0.1:" + std::to_string(a.local_port()) + here);
    const auto other = b.ask(get("/who")).body;
    EXPECT_EQ(other.substr(16), " 127.0.0.1:" + std::to_string(b.local_port()) + here)
        << "an id of 16 digits: nothing of the other connection's";
  }
  EXPECT_EQ(http::request_id(background()), "");
}

// The body is complete before the handler runs, so what the handler does with it changes nothing.
class hang_up_with_body : public testing::TestWithParam<std::size_t> {};

TEST_P(hang_up_with_body, ends_the_request_whoever_has_read_how_much_of_it) {  // C9
  live_server server;
  for (std::size_t i = 0; i < 4; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(post("/wait", std::string(GetParam(), 'x'))));
    ASSERT_TRUE(server.at.await("/wait", static_cast<int>(i) + 1));
    i % 2 == 0 ? c.close() : c.reset();
    const auto r = server.seen.nth(i);
    EXPECT_EQ(r.end, i % 2 == 0 ? request_end::client_closed : request_end::client_reset);
    EXPECT_TRUE(r.work_stopped);
  }
}

INSTANTIATE_TEST_SUITE_P(of, hang_up_with_body, testing::Values(0U, 5U, 60'000U, 300'000U));

TEST(expect, of_another_kind_is_a_417_and_nothing_behind_it_is_served) {  // C24
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(post("/echo", "hello", "Expect: 200-ok\r\n") + get("/fast")));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 417);
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_EQ(server.at.count("/echo") + server.at.count("/fast"), 0);
}

// Nobody reads, and nobody leaves either.
TEST(a_client_that_reads_nothing, is_given_up_after_a_time_by_default) {  // C29
  EXPECT_GT(http::options{}.write_timeout, 0s);
  EXPECT_LE(http::options{}.write_timeout, 60s);
}

TEST(a_client_that_reads_nothing, does_not_keep_the_deadline_from_ending_its_stream) {
  live_server server;  // C29: the write that blocks is woken by the end of the context
  client c = server.connect(4096);
  ASSERT_TRUE(c.send(get("/deadline/rows?size=100000")));
  EXPECT_EQ(server.seen.nth(0).end, request_end::deadline);
  EXPECT_TRUE(server.at.await("/deadline/rows over"));
  EXPECT_TRUE(server.await_quiet());
}

TEST(a_client_that_reads_nothing, does_not_get_the_next_answer_on_a_connection_that_has_failed) {
  setup how;  // C45
  how.how.write_timeout = 200ms;
  live_server server(how);
  for (const auto* path : {"/big?size=15000000", "/pool/big?size=15000000"}) {
    const auto before = server.seen.all().size();
    client c = server.connect(4096);
    ASSERT_TRUE(c.send(get(path) + get("/one/fast")));
    EXPECT_EQ(server.seen.nth(before).end, request_end::client_vanished);
    EXPECT_TRUE(server.await_no_connections());
  }
  EXPECT_EQ(server.at.count("/one/fast"), 0);
}

// The limit says when the context ends; the worker is free when the handler has really returned.
TEST(a_deadline, of_a_handler_that_does_not_look_keeps_its_worker_and_says_so) {  // C42
  setup how;
  how.how.late_after = 10ms;
  how.more = {[](live_server& s) {
    s.server.handle(
        {.method = "GET",
         .path = "/deaf",
         .runs_on = &s.one,
         .deadline = 20ms,
         .answer = [&s](const context& ctx, const httplib::Request&, httplib::Response& res) {
           EXPECT_TRUE(ctx.deadline().has_value());
           s.gate.wait();
           res.set_content("at last\n", "text/plain");
         }});
  }};
  live_server server(how);
  client first = server.connect();
  ASSERT_TRUE(first.send(get("/deaf")));
  ASSERT_TRUE(server.seen.await_late(1));
  client second = server.connect();
  ASSERT_TRUE(second.send(get("/one/fast")));
  ASSERT_TRUE(eventually([&] { return server.one.now().queued == 1; }));
  EXPECT_EQ(server.one.now().running, 1U) << "its context has ended, its work has not";
  server.gate.open();
  EXPECT_EQ(first.receive().body, "at last\n") << "what it does write is not withheld";
  EXPECT_EQ(second.receive().body, "fast\n");
  EXPECT_EQ(server.seen.nth(0).end, request_end::deadline);
}

TEST(an_unread_body, that_is_small_keeps_its_connection) {  // C43
  live_server server;
  client c = server.connect();
  for (const std::size_t size : {1U, 5'000U, 60'000U}) {
    const std::string body(size, 'x');
    for (const auto* path : {"/fast", "/pool/fast"}) {
      const auto length = "Content-Length: " + std::to_string(size) + "\r\n";
      ASSERT_EQ(c.ask(get(path, length) + body).status, 200) << path << " " << size;
    }
  }
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(an_unread_body, that_is_large_lets_the_answer_be_read_and_then_the_connection_ends) {
  live_server server;  // C43
  for (int i = 0; i < rounds(20); ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/pool/fast", "Content-Length: 8000000\r\n")));
    static_cast<void>(c.send(std::string(700'000, 'x')));  // of what it has announced
    const auto a = c.receive();
    ASSERT_EQ(a.status, 200);
    ASSERT_TRUE(a.whole);
    ASSERT_TRUE(c.sees_the_end());
    ASSERT_EQ(c.how_it_ended(), ending::fin) << "a reset would destroy the answer";
  }
}

TEST(an_unread_body, of_which_a_part_has_not_arrived_closes_the_connection_and_the_answer_says_so) {
  live_server server;  // C43
  for (const auto* path : {"/fast", "/pool/fast", "/pool/rows?n=5"}) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get(path, "Content-Length: 200000\r\n") + std::string(70'000, 'x')));
    const auto a = c.receive();
    EXPECT_EQ(a.status, 200) << path;
    EXPECT_TRUE(a.whole) << path;
    EXPECT_EQ(a.header("connection"), "close") << path;
    EXPECT_TRUE(c.sees_the_end()) << path;
  }
}

TEST(the_watch, takes_no_byte_of_what_comes_while_a_handler_runs) {  // C48
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  for (const char byte : post("/echo", "not one of these is lost") + get("/fast")) {
    ASSERT_TRUE(c.send({&byte, 1}));
  }
  server.gate.open();
  EXPECT_EQ(c.receive().body, "at last\n");
  EXPECT_EQ(c.receive().body, "not one of these is lost");
  EXPECT_EQ(c.receive().body, "fast\n");
}

// The server goes while requests run whose clients have sent more than was read.
TEST(destruction, ends_requests_with_unread_bytes_behind_them_too) {  // C34
  kept_contexts kept;
  pool workers({.name = "workers", .workers = 8, .queue = 8});
  recorder seen;
  signals at;
  auto server = std::make_unique<http::server>();
  server->handle({.method = "GET",
                  .path = "/",
                  .runs_on = &workers,
                  .answer = [&](const context& ctx, const httplib::Request&, httplib::Response&) {
                    at.tell("in");
                    static_cast<void>(wait_done(ctx));
                  }});
  server->observe(seen);
  ASSERT_EQ(server->start("127.0.0.1", 0), std::error_code());
  const std::vector<std::string> sent = {
      get("/"), get("/") + "x", get("/") + get("/"), get("/", "Content-Length: 5\r\n") + "hello",
      get("/", "Content-Length: 500000\r\n") + std::string(100'000, 'x')};
  std::vector<client> clients;
  for (const auto& bytes : sent) {
    clients.emplace_back(server->port());
    ASSERT_TRUE(clients.back().send(bytes));
  }
  ASSERT_TRUE(at.await("in", static_cast<int>(sent.size()) - 1));  // the last waits for its body
  ASSERT_TRUE(seen.await_began(sent.size()));
  server.reset();
  EXPECT_EQ(seen.count(request_end::shutdown), sent.size());
  for (auto& c : clients) {
    EXPECT_EQ(c.receive().status, 503);
  }
}

}  // namespace
}  // namespace hangup::wire
