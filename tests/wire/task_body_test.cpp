// Bodies that a handler that is a task reads piece by piece (route::body_in_pieces).
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <system_error>

#include "tests/wire/tls_fixture.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

// A server whose route /task counts what it reads, and looks at every byte of it.
class reading_pieces {
 public:
  explicit reading_pieces(setup how = {})
      : all_([this](live_server& s, loop& tasks) { add(s, tasks); }, std::move(how)) {}

  live_server* operator->() { return all_.operator->(); }
  live_server& operator*() { return *all_; }

  std::atomic<std::size_t> largest{0};
  std::atomic<std::size_t> read{0};
  std::atomic<std::size_t> pieces{0};
  const cancelable gate = with_cancel(background());

 private:
  void add(live_server& s, loop& tasks) {
    s.server.handle(
        {.method = "POST",
         .path = "/task",
         .on_loop = &tasks,
         .body_in_pieces = true,
         .answer = [this, &s](context ctx, http::request& req, http::reply& res) -> task<> {
           s.at.tell("begun");
           if (req.has_parameter("ignore")) {
             res.body("text/plain", "ignored");
             co_return;
           }
           std::size_t sum = 0;
           std::string_view piece;
           std::error_code ec;
           while (!(ec = co_await req.read(ctx, piece)) && !piece.empty()) {
             sum += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), 'z'));
             largest = std::max(largest.load(), piece.size());
             read += piece.size();
             ++pieces;
             if (req.has_parameter("stop")) {
               res.body("text/plain", "stopped");
               co_return;
             }
             if (req.has_parameter("wait")) {
               s.at.tell("waits");
               co_await wait_done(req.has_parameter("gate") ? gate.ctx : ctx);
             }
           }
           s.at.tell(ec ? "failed" : "read");
           res.body("text/plain", std::to_string(sum));
         }});
  }

  with_tasks all_;
};

TEST(a_task_that_reads_its_body, gets_small_and_large_ones_piece_by_piece) {
  reading_pieces s;
  client c = s->connect();
  EXPECT_EQ(c.ask(post("/task", "zabz")).body, "2");
  EXPECT_EQ(c.ask(post("/task", "")).body, "0");
  std::string large(5'000'000, 'a');
  large.back() = 'z';
  EXPECT_EQ(c.ask(post("/task", large)).body, "1");
  EXPECT_GT(s.pieces, 4U);
  EXPECT_LT(s.largest, 2'000'000U);
  EXPECT_EQ(s.read, 5'000'004U);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  ASSERT_TRUE(c.send(
      "POST /task HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nzzz\r\n"));
  ASSERT_TRUE(c.send("2\r\nzz\r\n0\r\n\r\n" + get("/fast")));
  EXPECT_EQ(c.receive().body, "5");
  EXPECT_EQ(c.receive().body, "fast\n") << "what was pipelined behind it";
}

TEST(a_task_that_reads_its_body, is_called_when_it_begins_to_come) {
  reading_pieces s;
  client c = s->connect();
  const auto text = post("/task", std::string(1000, 'z'), "Expect: 100-continue\r\n");
  const auto head = text.substr(0, text.size() - 1000);
  ASSERT_TRUE(c.send(head));
  EXPECT_EQ(c.receive().status, 100);
  EXPECT_EQ(s->at.count("begun"), 0);
  ASSERT_TRUE(c.send("zz"));
  ASSERT_TRUE(s->at.await("begun"));
  ASSERT_TRUE(eventually([&] { return s.read == 2; }));
  ASSERT_TRUE(c.send(std::string(998, 'z')));
  EXPECT_EQ(c.receive().body, "1000");
}

TEST(a_task_that_reads_its_body, ends_when_its_client_leaves) {
  for (const bool reset : {false, true}) {
    for (const char* how : {"/task", "/task?wait"}) {
      reading_pieces s;
      client c = s->connect();
      ASSERT_TRUE(c.send(part_of_body(how, 1'000'000, 100'000)));
      ASSERT_TRUE(eventually([&] { return s.read > 0; }));
      reset ? c.reset() : c.close();
      EXPECT_EQ(s->seen.nth(0).end, reset ? request_end::client_reset : request_end::client_closed);
      EXPECT_TRUE(s->at.await("failed"));
    }
  }
}

TEST(a_task_that_reads_its_body, is_answered_for_when_the_body_is_refused_or_late) {
  setup how;
  how.how.body_timeout = 1000ms;
  reading_pieces s(how);
  client slow = s->connect();
  ASSERT_TRUE(slow.send(part_of_body("/task", 200'000, 100)));
  EXPECT_EQ(slow.receive().status, 408);
  EXPECT_TRUE(s->at.await("failed"));
  ASSERT_TRUE(s->seen.await_ended(1));
  EXPECT_EQ(s->seen.reached(), (std::map<http::limit, int>{{http::limit::body_time, 1}}));
  client malformed = s->connect();
  ASSERT_TRUE(malformed.send(
      "POST /task HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nzzz\r\n"));
  ASSERT_TRUE(eventually([&] { return s.read == 103; }));
  ASSERT_TRUE(malformed.send("what?\r\n"));
  EXPECT_EQ(malformed.receive().status, 400);
  EXPECT_TRUE(s->at.await("failed", 2));
  client large = s->connect();
  static_cast<void>(large.send(post("/task", std::string(9'000'000, 'a'))));
  EXPECT_EQ(large.receive().status, 413);
}

TEST(a_task_that_reads_its_body, need_not_read_all_of_it) {
  reading_pieces s;
  client c = s->connect();
  EXPECT_EQ(c.ask(post("/task?stop", std::string(10, 'z'))).body, "stopped");
  EXPECT_EQ(c.ask(post("/task?ignore", std::string(10, 'z'))).body, "ignored");
  EXPECT_EQ(c.ask(get("/fast")).status, 200) << "a small rest is thrown away";
  static_cast<void>(c.send(post("/task?ignore", std::string(5'000'000, 'z'))));
  EXPECT_EQ(c.receive().body, "ignored") << "also if the server closes before it has all come";
}

// What arrives meanwhile is read ahead by another thread.
TEST(a_task_that_reads_its_body, may_leave_it_at_any_moment_of_its_arrival) {
  reading_pieces s;
  for (int round = 0; round < 200; ++round) {
    client c = s->connect();
    ASSERT_TRUE(c.send(part_of_body("/task?stop", 5'000, 1'000)));
    for (int i = 0; i < 40 && c.send(std::string(100, 'a')); ++i) {
    }
    const auto answer = c.receive();
    ASSERT_EQ(answer.body, "stopped") << round;
    if (answer.header("connection") != "close") {  // all of it had come
      ASSERT_EQ(c.ask(get("/fast")).status, 200) << round;
    }
  }
}

// The client's bytes lie in the sockets and in what is read ahead; they are not all kept.
TEST(a_task_that_reads_its_body, lets_the_client_send_no_faster_than_it_reads) {
  setup how;
  how.how.max_body = std::uint64_t{1} << 30;
  reading_pieces s(how);
  client c = s->connect();
  constexpr std::size_t size = 100'000'000;
  ASSERT_TRUE(c.send(part_of_body("/task?wait&gate", size, 1000)));
  ASSERT_TRUE(s->at.await("waits"));
  const auto sent = c.flood(std::string(size - 1000, 'a')) + 1000;
  EXPECT_LT(sent, size / 2);
  s.gate.cancel();
  ASSERT_TRUE(c.send(std::string(size - sent, 'a')));
  EXPECT_EQ(c.receive().body, "0");
  EXPECT_EQ(s.read, size);
}

// A piece is what has been read ahead, or what one read gives.
TEST(a_task_that_reads_its_body, lets_the_others_have_their_turn_however_fast_its_client_sends) {
  constexpr std::size_t size = 4 * 1024 * 1024;
  for (const auto ahead : {std::size_t{0}, std::size_t{64 * 1024}}) {
    between_turns seen;
    const auto read = [&seen](context ctx, http::request& req, http::reply& res) -> task<> {
      const auto work = [&](const context& c) -> task<std::error_code> {
        std::string_view piece;
        std::error_code ec;
        while (!(ec = co_await req.read(c, piece)) && !piece.empty()) {
          seen.moved(piece.size());
          std::this_thread::sleep_for(1ms);  // so that there is always more of it
        }
        co_return ec;
      };
      const auto ec = co_await seen.run(ctx, work);
      res.body("text/plain", ec ? ec.message() : "read");
    };
    setup how;
    how.how.read_ahead = ahead;
    with_tasks s(
        [&read](live_server& to, loop& tasks) {
          to.server.handle({.method = "POST",
                            .path = "/task",
                            .on_loop = &tasks,
                            .body_in_pieces = true,
                            .answer = read});
        },
        how);
    client c = s->connect();
    EXPECT_EQ(c.ask(post("/task", std::string(size, 'b'))).body, "read");
    EXPECT_LE(seen.most(), between_turns::allowed) << ahead;
  }
}

TEST(a_task_that_reads_its_body, does_so_over_tls) {
  reading_pieces s(over_tls());
  auto c = shaken(*s);
  EXPECT_EQ(c.ask(post("/task", std::string(3'000'000, 'z'))).body, "3000000");
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  ASSERT_TRUE(c.send(part_of_body("/task", 1'000'000, 100'000)));
  ASSERT_TRUE(eventually([&] { return s.read > 3'000'000; }));
  c.close();
  EXPECT_TRUE(client_left(s->seen.nth(2).end));
  EXPECT_TRUE(s->at.await("failed"));
}

}  // namespace
}  // namespace hangup::wire
