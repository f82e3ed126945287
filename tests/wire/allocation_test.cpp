// There is no memory, for one allocation or for all, at any point of a conversation: that costs a
// connection, or an answer, and never the process. The operators of the whole program are replaced
// here and only here; sanitizers bring their own.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <new>

#include "tests/support/needs.h"
#include "tests/wire/fixture.h"

#if !defined(HANGUP_TSAN) && !defined(HANGUP_ASAN)
#define HANGUP_FAILS 1
#endif

namespace {

// The allocations of all threads but those of the test: from this one on as many fail.
constinit std::atomic<long> until_it_fails{0};  // 0: none will
constinit std::atomic<long> how_many{0};
constinit thread_local bool spared = false;
constinit std::atomic<long> made{0};  // how many allocations those threads have made

[[maybe_unused]] bool fails() noexcept {
  if (spared || until_it_fails.load() == 0) {
    return false;
  }
  for (auto left = until_it_fails.load(); left > 1;) {
    if (until_it_fails.compare_exchange_weak(left, left - 1)) {
      return false;
    }
  }
  return until_it_fails.load() == 1 && how_many.fetch_sub(1) > 0;
}

}  // namespace

#ifdef HANGUP_FAILS
// Not inlined: GCC would see malloc() meet operator delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const p = fails() ? nullptr : std::malloc(size);
  made.fetch_add(spared ? 0 : 1, std::memory_order_relaxed);
  if (p == nullptr) {
    throw std::bad_alloc();
  }
  return p;
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  operator delete(p);
}
#endif

namespace hangup::wire {
namespace {

class counter final : public http::observer {
 public:
  void began(const http::route&) noexcept override { ++begun; }
  void ended(const http::request_report&) noexcept override { ++over; }
  void reached(http::limit l) noexcept override { out_of_memory += l == http::limit::memory; }

  std::atomic<int> begun{0};
  std::atomic<int> over{0};
  std::atomic<int> out_of_memory{0};
};

class without_memory : public testing::Test {
 protected:
  void SetUp() override {
#ifndef HANGUP_FAILS
    needs({no_sanitizer("has its own operator new")});
#endif
    spared = true;
    for (int i = 0; i < 100; ++i) {  // the timer service is there, and has room
      timers_.push_back(with_timeout(background(), 1h));
    }
    const auto fast = [](const context&, const httplib::Request&, httplib::Response& res) {
      res.set_content("fast", "text/plain");
    };
    const auto echo = [](const context&, const httplib::Request& req, httplib::Response& res) {
      res.set_content(req.body, "text/plain");
    };
    const auto wait = [](const context& ctx, const httplib::Request&, httplib::Response&) {
      static_cast<void>(wait_done(ctx));
    };
    const auto rows = [](const context& ctx, const httplib::Request& req, httplib::Response& res) {
      http::stream(ctx, req, res, "text/plain", [](const context& c, http::body_writer& out) {
        std::error_code ec;
        for (int i = 0; i < 3 && !ec; ++i) {
          ec = out.write(c, "a row that is too long to be kept in place\n");
        }
        return ec;
      });
    };
    server_.handle({.method = "GET", .path = "/fast", .answer = fast});
    server_.handle({.method = "GET", .path = "/pool/fast", .runs_on = &pool_, .answer = fast});
    server_.handle({.method = "POST", .path = "/echo", .answer = echo});
    server_.handle({.method = "POST", .path = "/pool/echo", .runs_on = &pool_, .answer = echo});
    server_.handle({.method = "GET", .path = "/rows", .runs_on = &pool_, .answer = rows});
    server_.handle({.method = "GET", .path = "/wait", .runs_on = &pool_, .answer = wait});
    server_.handle(
        {.method = "GET", .path = "/deadline", .runs_on = &pool_, .deadline = 1ms, .answer = wait});
    server_.observe(seen_);
    ASSERT_EQ(server_.start("127.0.0.1", 0), std::error_code());
  }

  // Sends, and reads as many answers as there should be; or the end, which comes in time.
  void converse(const std::string& requests, int answers) {
    client c(server_.port());
    static_cast<void>(c.send(requests));
    while (answers-- > 0 && c.receive().status != 0) {
    }
    EXPECT_TRUE(answers < 0 || c.how_it_ended() != ending::none) << requests.substr(0, 60);
  }
  void leave_while_it_waits() {
    const int before = seen_.over;
    client c(server_.port());
    static_cast<void>(c.send(get("/wait") + "x"));
    c.shutdown_write();
    while (c.receive().status != 0) {  // a 500 if the handler could not be called
    }
    EXPECT_NE(c.how_it_ended(), ending::none);
    EXPECT_TRUE(eventually([&] { return seen_.over == seen_.begun && seen_.over >= before; }));
  }
  void all_of_it() {
    const std::string large(100'000, 'b');
    converse(get("/fast") + get("/nothing") + get("/pool/fast"), 3);
    converse(post("/echo", large.substr(0, 20'000)), 1);
    converse(post("/pool/echo", large) + get("/rows"), 2);
    converse(get("/deadline", "X-Request-Id: " + std::string(60, 'i') + "\r\n") + get("/fast"), 2);
    converse("what is this\r\n\r\n", 1);
    leave_while_it_waits();
  }
  // Each allocation of all_of_it() is once the first that fails.
  void fail(long count) {
    long at = 1;
    for (;; ++at) {
      ASSERT_LT(at, 20'000);
      SCOPED_TRACE("allocation " + std::to_string(at));
      how_many = count;
      until_it_fails = at;
      all_of_it();
      const bool failed = how_many < count;
      until_it_fails = 0;
      client next(server_.port());
      ASSERT_EQ(next.ask(get("/fast")).status, 200) << at;
      ASSERT_EQ(next.ask(get("/pool/fast")).status, 200) << at;
      next.close();
      ASSERT_TRUE(eventually([&] { return seen_.over == seen_.begun; })) << at;
      ASSERT_TRUE(eventually([&] { return of_all(server_.connections()) == 0; })) << at;
      if (!failed || HasFailure()) {
        break;
      }
    }
    EXPECT_GT(at, 50) << "it allocates more often than that";
    EXPECT_GT(seen_.out_of_memory, 0);
    const auto [now, cancel] = with_timeout(background(), 0s);
    EXPECT_FALSE(server_.drain(now, patience));
  }

 private:
  static std::size_t of_all(const std::array<std::size_t, http::phases>& by_phase) {
    return std::accumulate(by_phase.begin(), by_phase.end(), std::size_t{0});
  }

  std::vector<cancelable> timers_;
  counter seen_;
  pool pool_{{.name = "some", .workers = 2, .queue = 8}};
  http::server server_;
};

TEST_F(without_memory, for_one_allocation_a_server_goes_on) {
  fail(1);
}

TEST_F(without_memory, for_a_while_a_server_goes_on) {
  fail(std::numeric_limits<long>::max());
}

// Per request on a connection that is kept, after the first ones, in the threads of the server.
double allocations_per_request(const http::server& server, const std::string& requests, int in_it) {
  client c(server.port());
  const auto ask = [&](int times) {
    for (int i = 0; i < times; ++i) {
      EXPECT_TRUE(c.send(requests));
      for (int k = 0; k < in_it; ++k) {
        EXPECT_EQ(c.receive().status, 200);
      }
    }
  };
  ask(100);
  const auto before = made.load();
  constexpr int times = 1000;
  ask(times);
  return static_cast<double>(made.load() - before) / (times * in_it);
}

TEST(allocations, of_a_request_to_a_native_handler_are_those_of_its_context_and_its_id) {
#ifndef HANGUP_FAILS
  needs({no_sanitizer("has its own operator new")});
#endif
  spared = true;
  http::server server;
  server.handle({.method = "GET",
                 .path = "/healthz",
                 .answer = [](const context&, const http::request&, http::reply& res) {
                   res.body("text/plain", "ok\n");
                 }});
  server.handle({.method = "GET",
                 .path = "/of/{id}",
                 .answer = [](const context&, const http::request& req, http::reply& res) {
                   res.set("ETag", "\"1\"");
                   res.status(req.parameter("a") == "1 2" ? 200 : 400);
                   res.body("text/plain", "ok\n");
                 }});
  server.handle({.method = "GET",
                 .path = "/httplib",
                 .answer = [](const context&, const httplib::Request&, httplib::Response& res) {
                   res.set_content("ok\n", "text/plain");
                 }});
  ASSERT_EQ(server.start("127.0.0.1", 0), std::error_code());
  const std::string browser =
      "Accept: text/html, */*;q=0.5\r\nUser-Agent: a test with a name of some length\r\n"
      "Accept-Encoding: gzip, br\r\nCookie: a=1; b=2\r\n";
  const auto health = allocations_per_request(server, get("/healthz"), 1);
  const auto more = allocations_per_request(server, get("/of/7?a=1+2&b=3", browser), 1);
  const auto httplib = allocations_per_request(server, get("/httplib", browser), 1);
  RecordProperty("healthz", std::to_string(health));
  RecordProperty("with_headers", std::to_string(more));
  RecordProperty("httplib", std::to_string(httplib));
  std::cout << "allocations: " << health << ", with headers and parameters " << more
            << ", of cpp-httplib " << httplib << std::endl;
  EXPECT_LT(health, 3.5) << "two nodes of the context, and the id";
  EXPECT_LT(more, health + 1.5);
  EXPECT_GT(httplib, more + 5);
}

}  // namespace
}  // namespace hangup::wire
