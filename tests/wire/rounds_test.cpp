// The same over and over: nothing is missed, nothing grows.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/resources.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

TEST(pipelining, of_five_connections_with_2000_requests_each_answers_all_of_them) {  // C46
  live_server server;
  std::vector<std::thread> clients;
  const int n = 2'000;
  std::atomic<int> answered{0};
  for (int t = 0; t < 5; ++t) {
    clients.emplace_back([&, t] {
      client c = server.connect();
      std::string all;
      for (int i = 0; i < n; ++i) {
        all += get((i + t) % 2 == 0 ? "/pool/fast" : "/fast");
      }
      std::thread sending([&] { EXPECT_TRUE(c.send(all)); });
      int got = 0;
      while (got < n && c.receive().body == "fast\n") {
        ++got;
      }
      sending.join();
      answered += got;
    });
  }
  for (auto& t : clients) {
    t.join();
  }
  EXPECT_EQ(answered, 5 * n);
  ASSERT_TRUE(server.seen.await_ended(static_cast<std::size_t>(5 * n)));
  EXPECT_EQ(server.seen.count(request_end::completed), static_cast<std::size_t>(5 * n));
}

// Counts and keeps nothing: the memory that is measured is the server's.
class counter final : public http::observer {
 public:
  void began(const http::route&) noexcept override { ++began_; }
  void ended(const http::request_report&) noexcept override { ++ended_; }
  bool all_ended() const { return began_ == ended_; }
  std::size_t began_count() const { return began_; }

 private:
  std::atomic<std::size_t> began_{0};
  std::atomic<std::size_t> ended_{0};
};

TEST(rounds_of_connect_request_leave, leave_threads_descriptors_and_memory_as_they_were) {  // C47
  pool workers({.name = "workers", .workers = 4, .queue = 64});
  counter seen;
  signals at;
  http::server server;
  const auto add = [&](const std::string& path, pool* on, http::handler h) {
    server.handle({.method = "GET", .path = path, .runs_on = on, .answer = std::move(h)});
  };
  const auto answers = [](const context&, const httplib::Request&, httplib::Response& res) {
    res.set_content(std::string(1'000, 'x'), "text/plain");
  };
  add("/spot", nullptr, answers);
  add("/pool", &workers, answers);
  add("/wait", &workers, [&at](const context& ctx, const httplib::Request&, httplib::Response&) {
    at.tell("/wait");
    static_cast<void>(wait_done(ctx));
  });
  server.observe(seen);
  ASSERT_EQ(server.start("127.0.0.1", 0), std::error_code());

  const std::vector<std::string> requests = {
      get("/wait"),   get("/pool"),
      get("/spot"),   get("/wait") + get("/spot") + "x",
      "GET /spot HT", "POST /pool HTTP/1.1\r\nHost: test\r\nContent-Length: 500\r\n\r\nhello"};
  const auto quiet = [&] {
    const auto by_phase = server.connections();
    const auto now = workers.now();
    return seen.all_ended() && now.running + now.queued == 0 &&
           std::all_of(by_phase.begin(), by_phase.end(), [](std::size_t n) { return n == 0; });
  };
  const auto go = [&](int n) {
    for (int i = 0; i < n; ++i) {
      client c(server.port());
      ASSERT_TRUE(c.connected());
      ASSERT_TRUE(c.send(requests[static_cast<std::size_t>(i) % requests.size()]));
      i % 4 == 0 ? c.reset() : c.close();
    }
    ASSERT_TRUE(eventually(quiet));
  };

  // What is made once and kept: the workers, a descriptor of each, buffers of threads.
  {
    std::vector<client> all;
    for (int i = 0; i < 4; ++i) {
      all.emplace_back(server.port());
      ASSERT_TRUE(all.back().send(get("/wait")));
    }
    ASSERT_TRUE(eventually([&] { return workers.now().running == 4; }));
    ASSERT_TRUE(at.await("/wait", 4));
  }
  go(rounds(2'000));
  const auto fds = open_descriptors();
  const auto running = threads();
  const auto memory = heap_in_use();
  const auto before = seen.began_count();
  go(rounds(10'000));
  EXPECT_GT(seen.began_count(), before);
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= fds; }))
      << open_descriptors() << " > " << fds;
  EXPECT_LE(threads(), running);
  if (!sanitized) {
    EXPECT_LT(heap_in_use(), memory + 200'000) << "20 bytes a round would be 200,000";
  }
}

}  // namespace
}  // namespace hangup::wire
