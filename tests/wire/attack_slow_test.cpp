// Attacks by slowness: many clients that send or read next to nothing, for as long as they may.
// They cost a connection each, and no thread; everybody else is served meanwhile.
#include "tests/wire/attack.h"

namespace hangup::wire {
namespace {

constexpr std::size_t many = sanitized ? 60 : 400;

class slow_clients : public testing::Test {
 protected:
  static setup fast_limits() {
    setup how;
    how.how.head_timeout = how.how.body_timeout = how.how.write_timeout = 3'000ms;
    return how;
  }
  void SetUp() override {
    client c = server_.connect();
    ASSERT_EQ(c.ask(get("/pool/fast")).status, 200);
    c.close();
    ASSERT_TRUE(server_.await_no_connections());
    threads_ = threads();
  }
  // The others, while these are there: on the spot and on a pool, new clients and old ones.
  void expect_others_are_served() {
    ASSERT_EQ(threads(), threads_) << "no thread is held";
    client kept = server_.connect();
    for (int i = 0; i < 20; ++i) {
      const auto begin = http::clock::now();
      client fresh = server_.connect();
      ASSERT_EQ(fresh.ask(get("/fast")).status, 200);
      ASSERT_EQ(kept.ask(get("/pool/fast")).status, 200);
      quickest_ = std::min(quickest_, http::clock::now() - begin);
    }
    EXPECT_LT(quickest_, 100ms) << "the machine may stall, but not each time";
  }
  std::vector<client> start(const std::string& bytes, int receive_buffer = 0) {
    std::vector<client> all;
    for (std::size_t i = 0; i < many; ++i) {
      all.push_back(server_.connect(receive_buffer));
      EXPECT_TRUE(all.back().send(bytes));
    }
    return all;
  }

  live_server server_{fast_limits()};
  std::size_t threads_ = 0;
  http::clock::duration quickest_ = patience;
};

TEST_F(slow_clients, in_their_heads_hold_no_thread_and_are_told_408) {
  auto all = start("GET /fast HTTP/1.1\r\nX: ");
  ASSERT_TRUE(eventually([&] { return server_.connections(http::phase::reading) == many; }));
  expect_others_are_served();
  // A byte now and then puts nothing off. Those that are closed already are no error here.
  std::size_t told = 0;
  for (auto& c : all) {
    static_cast<void>(c.send_some("y"));
  }
  for (auto& c : all) {
    told += c.receive().status == 408 ? 1U : 0U;
  }
  EXPECT_EQ(told, many);
  EXPECT_EQ(server_.at.count("/fast"), 20);
}

TEST_F(slow_clients, in_their_bodies_hold_no_thread_and_are_told_408) {
  auto all = start("POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\nhello");
  ASSERT_TRUE(eventually([&] { return server_.connections(http::phase::reading) == many; }));
  EXPECT_EQ(server_.busy(), 0U) << "no worker waits for them";
  expect_others_are_served();
  std::size_t told = 0;
  for (auto& c : all) {
    told += c.receive().status == 408 ? 1U : 0U;
  }
  EXPECT_EQ(told, many);
  EXPECT_EQ(server_.at.count("/pool/echo"), 0);
}

TEST_F(slow_clients, in_their_chunks_hold_no_thread_and_are_told_408) {
  auto all = start(
      "POST /pool/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  ASSERT_TRUE(eventually([&] { return server_.connections(http::phase::reading) == many; }));
  EXPECT_EQ(server_.busy(), 0U);
  expect_others_are_served();
  for (auto& c : all) {
    EXPECT_EQ(c.receive().status, 408);
  }
}

TEST_F(slow_clients, that_do_not_read_an_answer_of_the_spot_hold_no_thread) {
  const std::size_t few = many / 20;  // of 15 MB each
  std::vector<client> all;
  for (std::size_t i = 0; i < few; ++i) {
    all.push_back(server_.connect(4096));
    ASSERT_TRUE(all.back().send(get("/big?size=10000000")));
  }
  ASSERT_TRUE(eventually([&] { return server_.connections(http::phase::writing) == few; }));
  expect_others_are_served();
  ASSERT_TRUE(server_.seen.await_ended(1 + few));
  EXPECT_TRUE(eventually([&] { return server_.seen.count(request_end::client_vanished) == few; }));
}

// A body larger than body_buffer, and an answer larger than the socket's buffers, take a worker for
// as long as the client does: that is what the limits of a pool and the deadline of a route are
// for. The spot and the other pools do not notice.
TEST_F(slow_clients, that_hold_all_workers_of_a_pool_hold_no_other_and_not_for_ever) {
  std::vector<client> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(server_.connect(4096));
    ASSERT_TRUE(all.back().send(i % 2 == 0 ? get("/deadline/rows?size=100000")
                                           : "POST /deadline/wait HTTP/1.1\r\nHost: test\r\n"
                                             "Content-Length: 200000\r\n\r\n" +
                                                 std::string(100'000, 'x')));
  }
  client other = server_.connect();
  EXPECT_EQ(other.ask(get("/fast")).status, 200);
  EXPECT_EQ(other.ask(get("/one/fast")).status, 200);
  EXPECT_EQ(other.ask(get("/pool/fast")).status, 200) << "when their deadlines have passed";
  EXPECT_TRUE(eventually([&] { return server_.seen.count(request_end::deadline) == 8; }));
}

// Clients that come and go without a word.
TEST(connects, by_the_hundred_thousand_leave_nothing_behind) {
  pool workers({.name = "workers", .workers = 1, .queue = 8});
  http::server server;
  server.handle({.method = "GET",
                 .path = "/",
                 .runs_on = &workers,
                 .answer = [](const context&, const httplib::Request&, httplib::Response& res) {
                   res.set_content("x", "text/plain");
                 }});
  ASSERT_EQ(server.start("127.0.0.1", 0), std::error_code());
  const auto none = [&] {
    const auto by_phase = server.connections();
    return std::all_of(by_phase.begin(), by_phase.end(), [](std::size_t n) { return n == 0; });
  };
  const auto go = [&](int n) {
    for (int i = 0; i < n; ++i) {
      client c(server.port());
      ASSERT_TRUE(c.connected()) << i;
      if (i % 1'000 == 0) {
        ASSERT_EQ(c.ask(get("/")).status, 200) << i;
      }
      i % 50 == 0 ? c.close() : c.reset();  // a FIN keeps its port for a minute
    }
    ASSERT_TRUE(eventually(none));
  };
  go(2'000);
  const auto fds = open_descriptors();
  const auto running = threads();
  const auto memory = heap_in_use();
  go(sanitized ? 5'000 : 100'000);
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= fds; }))
      << open_descriptors() << " > " << fds;
  EXPECT_LE(threads(), running);
  if (!sanitized) {
    EXPECT_LT(heap_in_use(), memory + 100'000) << "a byte each would be 100,000";
  }
}

}  // namespace
}  // namespace hangup::wire
