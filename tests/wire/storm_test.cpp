// Many at once: whatever happens, each request that began ends once, and nothing is left behind.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <random>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

// What is there before a server and must be there, no more and no less, when it has gone.
class nothing_left_behind : public testing::Test {
 protected:
  void SetUp() override {
    {  // what the process makes once and keeps: the timer's thread, the main thread's eventfd
      live_server server;
      client c = server.connect();
      EXPECT_EQ(c.ask(get("/deadline/wait")).status, 504);
    }
    descriptors_ = open_descriptors();
    threads_ = threads();
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([this] { return open_descriptors() == descriptors_; }))
        << open_descriptors() << " descriptors, not " << descriptors_;
    EXPECT_TRUE(eventually([this] { return threads() <= threads_; }))
        << threads() << " threads, not " << threads_;
  }

 private:
  std::size_t descriptors_ = 0;
  std::size_t threads_ = 0;
};

class storm : public nothing_left_behind {};

TEST_F(storm, of_a_thousand_requests_that_all_leave_at_once) {
  constexpr std::size_t all = 1000;
  constexpr unsigned workers = 200;
  setup how;
  how.workers = workers;
  how.queue = all;
  live_server server(how);
  {
    client first = server.connect();
    ASSERT_EQ(first.ask(get("/pool/fast")).status, 200);
  }
  ASSERT_TRUE(server.await_no_connections());
  const auto before = open_descriptors();
  std::vector<client> clients;
  for (std::size_t i = 0; i < all; ++i) {
    clients.push_back(server.connect());
    ASSERT_TRUE(clients.back().connected());
    ASSERT_TRUE(clients.back().send(get("/wait") + (i % 5 == 0 ? "x" : "")));
  }
  ASSERT_TRUE(server.at.await("/wait", workers));
  ASSERT_TRUE(eventually([&] { return server.many.now().queued == all - workers; }));
  EXPECT_EQ(server.many.now().running, workers);
  EXPECT_EQ(server.server.in_flight().size(), all);
  EXPECT_EQ(server.connections(), all);

  // Those that wait for a worker first: while the others are there, no worker is free to take them.
  for (std::size_t i = all; i-- > 0;) {
    i % 2 == 0 ? clients[i].close() : clients[i].reset();
  }
  ASSERT_TRUE(server.seen.await_ended(all + 1));
  EXPECT_EQ(server.seen.count(request_end::client_closed), all / 2);
  EXPECT_EQ(server.seen.count(request_end::client_reset), all / 2);
  EXPECT_TRUE(server.await_quiet());
  EXPECT_TRUE(server.await_no_connections());
  // A worker that has waited keeps an eventfd (include/hangup/context/wait.h), and that is all that
  // is kept.
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before + workers; }))
      << open_descriptors();
  // Each was started, dropped from the queue, or taken by a worker that found it ended already.
  const auto ended = server.seen.all();
  const auto started = std::count_if(
      ended.begin(), ended.end(), [](const auto& r) { return r.started && r.target == "/wait"; });
  EXPECT_EQ(started, server.at.count("/wait"));
  EXPECT_GT(server.many.now().dropped, 0U);
  EXPECT_LE(server.many.now().dropped, all - static_cast<std::size_t>(started));
}

TEST_F(storm, of_rounds_of_connect_request_leave_leaves_nothing_behind) {  // C47
  live_server server;
  const std::vector<std::string> requests = {get("/wait"), get("/fast"), get("/pool/rows"),
                                             get("/one/wait"), "GET /fast HT"};
  const int n = rounds(10'000);
  for (int i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.connected());
    ASSERT_TRUE(c.send(requests[static_cast<std::size_t>(i) % requests.size()]));
    i % 3 == 0 ? c.reset() : c.close();
  }
  EXPECT_TRUE(server.await_all_gone()) << server.left();
  EXPECT_TRUE(server.await_quiet()) << server.left();
  EXPECT_EQ(server.seen.all().size(), server.seen.began_count());
}

// A thread in epoll_wait(2) holds the sockets it looks at. If another thread closes one just then,
// its client sees nothing of that until the first thread wakes up again. So nothing else happens
// here while a client waits for its end.
TEST_F(storm, of_clients_one_after_the_other_lets_each_see_its_end) {
  setup how;
  how.how.front_threads = 3;
  how.workers = 2;
  live_server server(how);
  const int n = rounds(8'000);
  for (int i = 0; i < n; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/wait") + "x"));
    c.shutdown_write();
    ASSERT_TRUE(c.sees_the_end()) << "client " << i;
  }
}

// Any order of sends, reads and departures; the fixture checks the sums.
TEST_F(storm, of_random_clients_ends_each_request_once) {
  for (const unsigned seed : {1U, 2U, 3U, 4U}) {
    SCOPED_TRACE(seed);
    setup how;
    how.workers = 6;
    how.queue = 20;
    how.deadline = 20ms;
    how.how.front_threads = 1 + seed % 3;
    how.how.front_loops = 1 + seed % 2 * (how.how.front_threads - 1);
    how.how.body_timeout = how.how.head_timeout = 200ms;
    how.how.linger_timeout = 100ms;
    live_server server(how);
    const std::vector<std::string> pieces = {
        get("/fast"),
        get("/pool/fast"),
        get("/wait"),
        get("/one/wait"),
        get("/pool/rows?n=20"),
        get("/pool/rows"),
        get("/big?size=200000"),
        get("/pool/big?size=200000"),
        get("/deadline/wait"),
        get("/deadline/one"),
        get("/deadline/rows"),
        get("/pool/throw"),
        get("/nothing"),
        post("/echo", "hello"),
        post("/pool/echo", std::string(100'000, 'x')),
        "POST /pool/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: "
        "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 90000\r\n\r\n",
        "hello",
        "x",
        "\r\n",
        "GET /fast HTTP/1.1\r\n",
        "Host: test\r\n\r\n",
    };
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(seed * 100 + t);
        const auto below = [&](std::size_t n) { return random() % n; };
        struct one {
          client c;
          std::size_t later = 0;  // sent behind the first piece
          bool fresh = true;
        };
        std::vector<one> open;
        const int steps = rounds(2'500);
        for (int i = 0; i < steps; ++i) {
          if (open.size() < 30 && below(4) == 0) {
            open.push_back({server.connect(below(4) == 0 ? 4096 : 0)});
          }
          if (open.empty()) {
            continue;
          }
          const auto at = below(open.size());
          client& c = open[at].c;
          switch (below(8)) {
            case 0:
              c.close();
              break;
            case 1:
              c.reset();
              break;
            case 2:
              c.shutdown_write();
              continue;
            case 3:
              static_cast<void>(c.receive_some(1ms));
              continue;
            default: {
              // No more behind what is waited for than the receive window takes: a FIN behind that
              // is not seen (http/departure/watcher.h).
              const auto& piece = pieces[below(pieces.size())];
              const auto part = piece.substr(0, 1 + below(2 * piece.size()));
              if (open[at].fresh || open[at].later + part.size() <= 20'000) {
                const auto n = c.send_some(part);
                open[at].later += open[at].fresh ? 0 : n;
                open[at].fresh = false;
              }
              continue;
            }
          }
          std::vector<one> rest;
          for (std::size_t k = 0; k < open.size(); ++k) {
            if (k != at) {
              rest.push_back(std::move(open[k]));
            }
          }
          open.swap(rest);
        }
      });
    }
    for (auto& t : threads) {
      t.join();
    }
    EXPECT_TRUE(server.await_all_gone()) << server.left();
    EXPECT_TRUE(server.await_quiet()) << server.left();
    EXPECT_EQ(server.seen.all().size(), server.seen.began_count());
    client c = server.connect();
    EXPECT_EQ(c.ask(get("/pool/fast")).status, 200) << "it serves as before";
  }
}

// Deadlines and departures of the same requests, on the timer's thread and on the watcher's.
TEST_F(storm, of_deadlines_that_pass_as_clients_leave) {
  setup how;
  how.deadline = 5ms;
  how.queue_of_one = 1000;
  live_server server(how);
  const int n = rounds(1'000);
  std::vector<client> clients;
  for (int i = 0; i < n; ++i) {
    clients.push_back(server.connect());
    ASSERT_TRUE(clients.back().send(get(i % 2 == 0 ? "/deadline/wait" : "/deadline/one")));
    if (i >= 20) {
      i % 2 == 0 ? clients[static_cast<std::size_t>(i) - 20].close()
                 : clients[static_cast<std::size_t>(i) - 20].reset();
    }
  }
  clients.clear();
  EXPECT_TRUE(server.await_all_gone()) << server.left();
  EXPECT_TRUE(server.await_quiet()) << server.left();
  EXPECT_EQ(server.seen.all().size(), server.seen.began_count());
}

TEST_F(storm, on_the_pages_of_an_operator_is_safe_to_watch) {
  live_server server;
  std::atomic<bool> stop{false};
  std::thread looking([&] {
    while (!stop) {
      for (const auto& r : server.server.in_flight()) {
        EXPECT_FALSE(r.target.empty());
        EXPECT_NE(r.to, nullptr);
      }
      static_cast<void>(server.server.connections());
    }
  });
  for (int i = 0; i < rounds(1'000); ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get(i % 2 == 0 ? "/wait" : "/pool/fast")));
    if (i % 2 != 0) {
      EXPECT_EQ(c.receive().status, 200);
    }
  }
  EXPECT_TRUE(server.await_no_connections());
  stop = true;
  looking.join();
}

// Without descriptors new clients wait; they are served when there are some again.
TEST_F(storm, without_descriptors_loses_nobody) {
  live_server server;
  client kept = server.connect();
  ASSERT_EQ(kept.ask(get("/fast")).status, 200);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<client> clients;
  {
    // A client takes one descriptor here and one in the server: at some point only the first is
    // left.
    std::vector<int> reserve;
    for (int i = 0; i < 20; ++i) {
      reserve.push_back(::dup(0));
    }
    const auto highest = static_cast<rlim_t>(reserve.back() + 1);
    for (const int fd : reserve) {
      ::close(fd);
    }
    rlimit low = before;
    low.rlim_cur = highest;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  }
  for (int i = 0; i < 15; ++i) {
    clients.push_back(server.connect());
  }
  std::size_t connected = 0;
  for (auto& c : clients) {
    connected += c.connected() && c.send(get("/fast")) ? 1 : 0;
  }
  EXPECT_GT(connected, 5U);
  EXPECT_EQ(kept.ask(get("/fast")).status, 200) << "who is there is served";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (auto& c : clients) {
    if (c.connected()) {
      EXPECT_EQ(c.receive().status, 200);
    }
  }
}

}  // namespace
}  // namespace hangup::wire
