// What a handler that is a task writes piece by piece: no faster than the client reads, and not
// beyond the end of its context.
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <system_error>

#include "tests/wire/tls_fixture.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

// Not a part of a head: an id may end in 0.
const char* const last_chunk = "\r\n0\r\n\r\n";

std::size_t number_of(const http::request& req, const char* name, std::size_t otherwise) {
  const auto text = req.parameter(name);
  return text ? std::stoul(std::string(*text)) : otherwise;
}

// A server whose route /task streams `n` pieces of `size` bytes, and counts them.
class streaming {
 public:
  explicit streaming(setup how = {})
      : all_([this](live_server& s, loop& tasks) { add(s, tasks); }, std::move(how)) {}

  live_server* operator->() { return all_.operator->(); }
  live_server& operator*() { return *all_; }

  std::atomic<std::size_t> written{0};

 private:
  void add(live_server& s, loop& tasks) {
    s.server.handle(
        {.method = "GET",
         .path = "/task",
         .on_loop = &tasks,
         .answer = [this, &s](context ctx, http::request& req, http::reply& res) -> task<> {
           const auto n = number_of(req, "n", 0);
           const auto size = number_of(req, "size", 10);
           if (req.has_parameter("length")) {
             res.stream("text/csv", number_of(req, "length", 0));
           } else {
             res.stream("text/csv");
           }
           res.set("X-Rows", std::to_string(n));
           const std::string piece(size, 'r');
           std::error_code ec;
           for (std::size_t i = 0; i < n && !ec; ++i) {
             ec = co_await res.write(ctx, piece);
             written += ec ? 0 : 1;
             if (req.has_parameter("slowly") && !ec) {
               ec = co_await sleep_for(ctx, 1ms);
             }
           }
           if (ec) {
             s.at.tell(ec == std::errc::broken_pipe ? "broken pipe" : "ended");
           }
           s.at.tell("over");
         }});
  }

  with_tasks all_;
};

TEST(a_task_stream, is_chunked_and_its_connection_is_kept) {
  streaming s;
  client c = s->connect();
  for (const char* how : {"", "&slowly=1"}) {
    const auto a = c.ask(get("/task?n=7&size=10" + std::string(how)));
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.header("transfer-encoding"), "chunked");
    EXPECT_EQ(a.header("content-type"), "text/csv");
    EXPECT_EQ(a.header("cache-control"), "no-store");
    EXPECT_EQ(a.header("x-rows"), "7");
    EXPECT_EQ(a.body, std::string(70, 'r'));
    EXPECT_TRUE(a.whole);
  }
  EXPECT_EQ(c.ask(get("/task?n=0")).body, "");
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_EQ(s->seen.nth(2).end, request_end::completed);
}

TEST(a_task_stream, with_a_length_must_have_exactly_that) {
  streaming s;
  client c = s->connect();
  const auto a = c.ask(get("/task?n=3&size=10&length=30"));
  EXPECT_EQ(a.header("content-length"), "30");
  EXPECT_EQ(a.body.size(), 30U);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  for (const char* wrong : {"/task?n=2&size=10&length=30", "/task?n=4&size=10&length=30",
                            "/task?n=1&size=40&length=30", "/task?n=0&length=30"}) {
    client other = s->connect();
    ASSERT_TRUE(other.send(get(wrong)));
    const auto text = other.receive_rest();
    const auto body = text.substr(text.find("\r\n\r\n") + 4);
    EXPECT_EQ(text.find("HTTP/1.1 200"), 0U) << wrong;
    EXPECT_LE(body.size(), 30U) << wrong;
  }
  EXPECT_EQ(s->seen.of("/task?n=2&size=10&length=30").end, request_end::failed);
  EXPECT_EQ(s->seen.of("/task?n=4&size=10&length=30").end, request_end::failed);
  EXPECT_TRUE(s->at.await("broken pipe", 2));
}

TEST(a_task_stream, ends_with_its_connection_for_a_client_of_http_1_0) {
  streaming s;
  client c = s->connect();
  ASSERT_TRUE(c.send("GET /task?n=3 HTTP/1.0\r\n\r\n"));
  const auto text = c.receive_rest();
  EXPECT_EQ(text.find("chunked"), std::string::npos);
  EXPECT_EQ(text.substr(text.find("\r\n\r\n") + 4), std::string(30, 'r'));
  EXPECT_EQ(s->seen.nth(0).end, request_end::completed);
}

TEST(a_task_stream, is_nothing_but_its_head_for_HEAD) {
  streaming s;
  client c = s->connect();
  for (const char* target : {"/task?n=1000000", "/task?n=0", "/task?n=3&length=30"}) {
    ASSERT_TRUE(c.send("HEAD " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const auto a = c.receive(true);
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.header("content-type"), "text/csv");
    EXPECT_EQ(s->seen.of(target).end, request_end::completed);
  }
  EXPECT_EQ(s->at.count("broken pipe"), 2) << "so that the handler does not go on for nobody";
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST(a_task_stream, sends_its_head_with_an_empty_piece) {
  const auto gate = with_cancel(background());
  with_tasks s([&gate](live_server& to, loop& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [&](context ctx, http::request&, http::reply& res) -> task<> {
                        res.stream("text/event-stream");
                        EXPECT_FALSE(co_await res.write(ctx, ""));
                        EXPECT_FALSE(co_await res.write(ctx, {}));
                        co_await wait_done(gate.ctx);
                        EXPECT_FALSE(co_await res.write(ctx, "data: 1\n\n"));
                      }});
  });
  client c = s->connect();
  ASSERT_TRUE(c.send(get("/task")));
  EXPECT_NE(c.receive_until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  gate.cancel();
  EXPECT_EQ(c.receive_until(last_chunk), "9\r\ndata: 1\n\n\r\n0\r\n\r\n");
}

// The sockets of both sides take some megabytes; the handler must not have written much more.
TEST(a_task_stream, is_made_no_faster_than_its_client_reads) {
  constexpr std::size_t size = 100'000;
  constexpr std::size_t n = 300;
  streaming s;
  client c = s->connect(4096);
  ASSERT_TRUE(c.send(get("/task?n=" + std::to_string(n) + "&size=" + std::to_string(size))));
  std::size_t before = 0;
  ASSERT_TRUE(eventually([&] { return s.written > 0; }));
  ASSERT_TRUE(
      eventually([&] { return std::exchange(before, s.written.load()) == s.written; }, 50ms));
  EXPECT_LT(s.written, n / 4);
  client other = s->connect();
  EXPECT_EQ(other.ask(get("/task?n=3")).body.size(), 30U) << "on the same loop";
  EXPECT_EQ(c.receive().body.size(), n * size);
}

TEST(a_task_stream, lets_the_others_have_their_turn_however_fast_its_client_reads) {
  constexpr std::size_t size = 16 * 1024;
  constexpr std::size_t n = 1024;
  between_turns seen;
  with_tasks s([&seen](live_server& to, loop& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [&seen](context ctx, http::request&, http::reply& res) -> task<> {
                        res.stream("text/csv");
                        const auto work = [&](const context& c) -> task<std::error_code> {
                          const std::string piece(size, 'r');
                          std::error_code ec;
                          for (std::size_t i = 0; i < n && !ec; ++i) {
                            ec = co_await res.write(c, piece);
                            seen.moved(size);
                          }
                          co_return ec;
                        };
                        co_await seen.run(ctx, work);
                      }});
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/task")).body.size(), n * size);
  EXPECT_LE(seen.most(), between_turns::allowed);
}

TEST(a_task_stream, ends_when_its_client_leaves_while_it_is_written) {
  for (const bool reset : {false, true}) {
    for (const char* size : {"10&slowly=1", "100000"}) {
      streaming s;
      client c = s->connect(4096);
      ASSERT_TRUE(c.send(get("/task?n=100000&size=" + std::string(size))));
      ASSERT_TRUE(eventually([&] { return s.written > 3; }));
      reset ? c.reset() : c.close();
      const auto r = s->seen.nth(0);
      EXPECT_TRUE(client_left(r.end)) << r;
      EXPECT_EQ(r.status, 499);
      EXPECT_TRUE(s->at.await("ended")) << size;
      EXPECT_TRUE(s->await_no_connections());
    }
  }
}

TEST(a_task_stream, of_a_client_that_does_not_read_is_cut_off) {
  setup how;
  how.how.write_timeout = 50ms;
  streaming s(how);
  client c = s->connect(4096);
  ASSERT_TRUE(c.send(get("/task?n=100000&size=100000")));
  EXPECT_EQ(s->seen.nth(0).end, request_end::client_vanished);
  EXPECT_TRUE(s->seen.await_reached(http::limit::write_time));
  EXPECT_TRUE(s->at.await("ended"));
}

TEST(a_task_stream, that_goes_wrong_is_cut_off_and_says_nothing_of_why) {
  with_tasks s([](live_server& to, loop& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [](context ctx, http::request&, http::reply& res) -> task<> {
                        res.stream("text/plain");
                        co_await res.write(ctx, "a piece");
                        throw std::runtime_error("a secret of the handler");
                      }});
  });
  client c = s->connect();
  ASSERT_TRUE(c.send(get("/task")));
  const auto text = c.receive_rest();
  EXPECT_NE(text.find("a piece"), std::string::npos);
  EXPECT_EQ(text.find(last_chunk), std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_EQ(s->seen.nth(0).end, request_end::failed);
  EXPECT_NE(s->seen.nth(0).broken.find("secret"), std::string::npos);
}

TEST(a_task_stream, whose_deadline_passes_is_cut_off_and_before_its_first_piece_is_a_504) {
  with_tasks s([](live_server& to, loop& tasks) {
    for (const bool first : {false, true}) {
      to.server.handle({.method = "GET",
                        .path = first ? "/first" : "/never",
                        .on_loop = &tasks,
                        .deadline = first ? 1000ms : 20ms,
                        .answer = [first](context ctx, http::request&, http::reply& res) -> task<> {
                          res.stream("text/plain");
                          if (first) {
                            EXPECT_FALSE(co_await res.write(ctx, "a piece"));
                          }
                          co_await wait_done(ctx);
                          const std::error_code ec = co_await res.write(ctx, "too late");
                          EXPECT_EQ(ec, errc::deadline_exceeded);
                        }});
    }
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/never")).status, 504);
  ASSERT_TRUE(c.send(get("/first")));
  const auto text = c.receive_rest();
  EXPECT_NE(text.find("a piece"), std::string::npos);
  EXPECT_EQ(text.find("too late"), std::string::npos);
  EXPECT_EQ(text.find(last_chunk), std::string::npos);
  EXPECT_EQ(s->seen.of("/first").end, request_end::deadline);
}

TEST(a_task_stream,
     whose_own_context_ends_before_its_first_piece_is_a_500_and_after_it_is_cut_off) {
  with_tasks s([](live_server& to, loop& tasks) {
    for (const bool first : {false, true}) {
      to.server.handle({.method = "GET",
                        .path = first ? "/first" : "/never",
                        .on_loop = &tasks,
                        .answer = [first](context ctx, http::request&, http::reply& res) -> task<> {
                          const auto own = with_cancel(ctx);
                          res.stream("text/plain");
                          if (first) {
                            EXPECT_FALSE(co_await res.write(own.ctx, "a piece"));
                          }
                          own.cancel();
                          const std::error_code ec = co_await res.write(own.ctx, "not sent");
                          EXPECT_EQ(ec, errc::canceled);
                        }});
    }
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/never")).status, 500);
  ASSERT_TRUE(c.send(get("/first")));
  const auto text = c.receive_rest();
  EXPECT_NE(text.find("a piece"), std::string::npos);
  EXPECT_EQ(text.find(last_chunk), std::string::npos);
}

TEST(a_task, that_writes_a_piece_without_a_stream_has_made_a_mistake) {
  with_tasks s([](live_server& to, loop& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [](context ctx, http::request&, http::reply& res) -> task<> {
                        res.body("text/plain", "whole");
                        co_await res.write(ctx, "a piece");
                      }});
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/task")).status, 500);
}

TEST(a_task_stream, is_the_same_over_tls) {
  streaming s(over_tls());
  auto c = shaken(*s, {}, 4096);
  EXPECT_EQ(c.ask(get("/task?n=7&size=10")).body, std::string(70, 'r'));
  EXPECT_EQ(c.ask(get("/task?n=100&size=100000")).body.size(), 10'000'000U);
  ASSERT_TRUE(c.send(get("/task?n=1000000&size=100000")));
  ASSERT_TRUE(eventually([&] { return s.written > 108; }));
  c.close();
  EXPECT_TRUE(client_left(s->seen.nth(2).end));
  EXPECT_TRUE(s->at.await("ended"));
}

}  // namespace
}  // namespace hangup::wire
