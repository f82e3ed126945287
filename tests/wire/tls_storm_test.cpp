// Many over TLS at once, which send, read and leave in any order: each request ends once, and
// nothing is left behind.
#include <gtest/gtest.h>

#include <random>

#include "tests/wire/heard.h"
#include "tests/wire/tls_fixture.h"

namespace hangup::wire {
namespace {

class tls_storm : public testing::TestWithParam<unsigned> {
 protected:
  static void SetUpTestSuite() { static_cast<void>(shared_certificate()); }
};

TEST_P(tls_storm, of_random_clients_ends_each_request_once) {
  const unsigned seed = GetParam();
  auto how = over_tls();
  how.workers = 6;
  how.queue = 20;
  how.deadline = 20ms;
  how.how.front_threads = 1 + seed % 3;
  how.how.front_loops = 1 + seed % 2 * (how.how.front_threads - 1);
  how.how.body_timeout = how.how.head_timeout = how.how.handshake_timeout = 200ms;
  how.how.linger_timeout = 100ms;
  how.how.on_half_close = seed % 2 == 0 ? http::half_close::ignore : http::half_close::cancel;
  how.how.read_ahead = seed % 4 == 3 ? 0 : 100'000;
  how.how.read_ahead_total = 400'000;
  live_server server(how);
  const auto before = open_descriptors();
  // Not every departure is heard: a half-close may be ignored, and a FIN be behind the cap.
  const std::string bounded = "X-Request-Timeout-Ms: 200\r\n";
  const std::vector<std::string> pieces = {
      get("/fast"),
      get("/pool/fast"),
      get("/wait", bounded),
      get("/late", bounded),
      get("/one/wait", bounded),
      get("/pool/rows?n=20"),
      get("/pool/rows"),
      get("/big?size=200000"),
      get("/pool/big?size=200000"),
      get("/deadline/wait"),
      get("/deadline/one"),
      get("/deadline/rows"),
      get("/wait", "X-Request-Timeout-Ms: 5\r\n"),
      get("/pool/throw"),
      get("/nothing"),
      get("/wait", bounded + "Content-Length: 50000\r\n") + std::string(50'000, 'x'),
      post("/echo", "hello"),
      post("/pool/echo", std::string(100'000, 'x')),
      "POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 90000\r\n\r\n",
      "x",
      "GET /fast HTTP/1.1\r\n",
  };
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed * 100 + t);
      const auto below = [&](std::size_t n) { return random() % n; };
      std::vector<std::unique_ptr<tls_client>> open;
      const int steps = rounds(600);
      for (int i = 0; i < steps; ++i) {
        if (open.size() < 20 && below(4) == 0) {
          open.push_back(std::make_unique<tls_client>(server.server.port(), tls_offer{},
                                                      below(4) == 0 ? 4096 : 0));
          if (below(8) == 0) {
            open.back()->hello();
          } else {
            static_cast<void>(open.back()->shake_hands());
          }
        }
        if (open.empty()) {
          continue;
        }
        const auto at = below(open.size());
        tls_client& c = *open[at];
        switch (below(10)) {
          case 0:
            c.close();
            break;
          case 1:
            c.reset();
            break;
          case 2:
            c.close_notify();
            c.close();
            break;
          case 3:
            c.close_notify();
            continue;
          case 4:
            below(4) == 0 ? c.shutdown_write() : c.send_raw(below(8) == 0 ? "nonsense" : "");
            continue;
          case 5:
            static_cast<void>(c.receive_some(1ms));
            continue;
          default: {
            const auto& piece = pieces[below(pieces.size())];
            static_cast<void>(
                c.send_some(below(3) == 0 ? piece.substr(0, 1 + below(piece.size())) : piece));
            continue;
          }
        }
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  EXPECT_TRUE(server.await_all_gone()) << server.left();
  EXPECT_TRUE(server.await_quiet()) << server.left();
  EXPECT_EQ(server.seen.all().size(), server.seen.began_count());
  if (!sanitized) {  // else they are too few for each kind to be among them
    EXPECT_GT(server.seen.count(request_end::completed), 0U);
    EXPECT_GT(server.seen.count(request_end::client_closed), 0U);
  }
  EXPECT_EQ(shaken(server).ask(get("/pool/fast")).status, 200) << "it serves as before";
  EXPECT_TRUE(server.await_no_connections());
  // A worker that has waited keeps an eventfd.
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before + 10; })) << open_descriptors();
}

INSTANTIATE_TEST_SUITE_P(seed, tls_storm, testing::Range(1U, 7U));

// The moment in which the client leaves is moved over the whole life of a request.
TEST(tls_departures, at_any_moment_of_a_request_end_it_once) {
  live_server server(over_tls());
  std::mt19937 random(1);
  const int n = rounds(400);
  std::size_t sent = 0;
  for (int i = 0; i < n; ++i) {
    auto c = settled(server);
    const auto* const path = i % 2 == 0 ? "/wait" : "/pool/rows";
    ASSERT_TRUE(c.send(get(path)));
    ++sent;
    for (auto spin = random() % 20'000; spin > 0; --spin) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    const auto way = random() % 4;
    if (way != 1) {
      way == 2 ? c.reset() : c.close_notify();
    }
    if (way == 3) {
      c.shutdown_write();
      static_cast<void>(c.receive_rest());
    }
    c.close();
  }
  EXPECT_TRUE(server.await_all_gone()) << server.left();
  EXPECT_TRUE(server.await_quiet()) << server.left();
  std::size_t left = 0;
  for (const auto& r : server.seen.all()) {
    const bool asked = r.target == "/wait" || r.target == "/pool/rows";
    left += asked ? 1 : 0;
    EXPECT_EQ(http::client_left(r.end), asked) << r;
  }
  EXPECT_LE(left, sent);
  EXPECT_GT(left, sent / 2) << "a reset may come before its request";
}

}  // namespace
}  // namespace hangup::wire
