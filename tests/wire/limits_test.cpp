// Each bound that a server keeps is told when it is run into, once, by its name.
#include <gtest/gtest.h>

#include "tests/wire/heard.h"

namespace hangup::wire {
namespace {

using http::limit;
using reached = std::map<limit, int>;

template <class T>
setup with(T http::options::*which, T value) {
  setup how;
  how.how.*which = value;
  return how;
}

client from(const live_server& s, const char* address) {
  return client(s.server.port(), 0, address);
}

TEST(connections_per_address, are_bounded_for_each_address_by_itself) {
  live_server server(with<std::size_t>(&http::options::max_connections_per_address, 2));
  client first = server.connect();
  client second = server.connect();
  EXPECT_EQ(first.ask(get("/fast")).status, 200);
  EXPECT_EQ(second.ask(get("/fast")).status, 200);
  client third = server.connect();
  const auto a = third.receive();
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  EXPECT_EQ(a.header("retry-after"), "1");
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_NE(a.body.find("too many connections from this address"), std::string::npos) << a.body;
  EXPECT_TRUE(third.sees_the_end());
  EXPECT_EQ(server.seen.reached(), (reached{{limit::connections_per_address, 1}}));

  client elsewhere = from(server, "127.0.0.2");
  EXPECT_EQ(elsewhere.ask(get("/fast")).status, 200);
  EXPECT_EQ(first.ask(get("/fast")).status, 200) << "who is there is served";

  third.close();
  first.close();
  ASSERT_TRUE(eventually([&] { return server.connections() == 2; }));
  EXPECT_EQ(server.connect().ask(get("/fast")).status, 200) << "there is room again";
  EXPECT_EQ(server.seen.reached(), (reached{{limit::connections_per_address, 1}}));
}

TEST(connections_per_address, are_given_back_however_they_end) {
  live_server server(with<std::size_t>(&http::options::max_connections_per_address, 3));
  for (int i = 0; i < rounds(300); ++i) {
    const auto* const address = i % 2 == 0 ? "127.0.0.1" : "127.0.0.2";
    client c = from(server, address);
    ASSERT_EQ(c.ask(get("/fast")).status, 200);
    ASSERT_TRUE(c.send(i % 3 == 0 ? get("/wait") : "GET /fa"));
    i % 5 == 0 ? c.reset() : c.close();
    ASSERT_TRUE(server.await_no_connections());
  }
  EXPECT_EQ(server.seen.reached(), reached{});
}

TEST(connections_per_address, are_unbounded_unless_said_otherwise) {
  live_server server;
  std::vector<client> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(server.connect());
    ASSERT_EQ(all.back().ask(get("/fast")).status, 200);
  }
  EXPECT_EQ(server.seen.reached(), reached{});
}

// What a client does to run into a bound, with an open connection. It sees the end of the
// connection then, or the test has nothing to wait for.
struct limit_case {
  const char* what;
  limit which;
  int status;  // of the answer, 0: none
  setup how;
  std::string sent;
};

std::vector<limit_case> cases() {
  const auto times = [](std::chrono::milliseconds http::options::*which) {
    return with(which, std::chrono::milliseconds(50));
  };
  setup head;
  head.how.head.bytes = 300;
  head.how.head.headers = 5;
  const std::string post_of = "POST /pool/echo HTTP/1.1\r\nHost: test\r\n";
  auto body = with<std::uint64_t>(&http::options::max_body, 100'000);
  return {
      {"idle_time", limit::idle_time, 0, times(&http::options::idle_timeout), ""},
      {"head_time", limit::head_time, 408, times(&http::options::head_timeout), "GET /"},
      {"head_bytes", limit::head_bytes, 431, head, get("/fast", "X: " + std::string(300, 'x'))},
      {"line_of_the_request", limit::line_bytes, 414, {}, get("/" + std::string(9000, 'x'))},
      {"line_of_a_header", limit::line_bytes, 431, {}, get("/", "X: " + std::string(9000, 'x'))},
      {"headers", limit::headers, 431, head, get("/", "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n")},
      {"body_bytes", limit::body_bytes, 413, body, post_of + "Content-Length: 100001\r\n\r\n"},
      {"chunk_bytes", limit::body_bytes, 413, body,
       post_of + "Transfer-Encoding: chunked\r\n\r\n186a1\r\n"},
      {"chunk_bytes_on_a_worker", limit::body_bytes, 413, body,
       post_of + "Transfer-Encoding: chunked\r\n\r\n" + "15f90\r\n" + std::string(90'000, 'x') +
           "\r\n15f90\r\n"},
      {"body_time", limit::body_time, 408, times(&http::options::body_timeout),
       post_of + "Content-Length: 5\r\n\r\nhel"},
      {"body_time_on_a_worker", limit::body_time, 408, times(&http::options::body_timeout),
       post_of + "Content-Length: 100000\r\n\r\n" + std::string(90'000, 'x')},
  };
}

class one_limit : public testing::TestWithParam<std::size_t> {};

TEST_P(one_limit, that_is_run_into_is_told_once) {
  const auto c = cases()[GetParam()];
  live_server server(c.how);
  client one = server.connect();
  ASSERT_TRUE(one.send(c.sent));
  if (c.status != 0) {
    EXPECT_EQ(one.receive().status, c.status);
  }
  EXPECT_TRUE(one.sees_the_end());
  one.close();
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), (reached{{c.which, 1}}));
}

INSTANTIATE_TEST_SUITE_P(of, one_limit, testing::Range(std::size_t{0}, cases().size()),
                         [](const auto& tested) { return cases()[tested.param].what; });

TEST(limits, of_connections_is_told_for_each_that_is_too_many) {
  live_server server(with<std::size_t>(&http::options::max_connections, 1));
  client first = server.connect();
  ASSERT_EQ(first.ask(get("/fast")).status, 200);
  for (int i = 1; i <= 3; ++i) {
    client more = server.connect();
    EXPECT_NE(more.receive().body.find("too many connections to the server"), std::string::npos);
    EXPECT_EQ(server.seen.reached(), (reached{{limit::connections, i}}));
  }
}

TEST(limits, of_the_queue_is_told_for_each_request_that_is_rejected) {
  setup how;
  how.queue_of_one = 0;
  live_server server(how);
  client busy = server.connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  client c = server.connect();
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(c.ask(get("/one/fast")).status, 503);
    EXPECT_EQ(server.seen.nth(static_cast<std::size_t>(i) - 1).end, request_end::rejected);
    EXPECT_EQ(server.seen.reached(), (reached{{limit::queue, i}}));
  }
}

TEST(limits, of_the_time_to_write_is_told_on_a_worker_and_on_the_spot) {
  for (const auto* path : {"/pool/big?size=10000000", "/big?size=10000000"}) {
    live_server server(with(&http::options::write_timeout, std::chrono::milliseconds(100)));
    client c = server.connect(4096);
    ASSERT_TRUE(c.send(get(path)));
    EXPECT_EQ(server.seen.of(path).end, request_end::client_vanished);
    EXPECT_EQ(server.seen.reached(), (reached{{limit::write_time, 1}}));
  }
}

TEST(limits, that_nobody_runs_into_are_not_told) {
  live_server server;
  {
    client c = server.connect();
    EXPECT_EQ(c.ask(get("/fast")).status, 200);
    EXPECT_EQ(c.ask(post("/pool/echo", std::string(200'000, 'x'))).status, 200);
    EXPECT_EQ(c.ask(get("/nothing")).status, 404);
    EXPECT_EQ(c.ask(get("/deadline/wait")).status, 504);
    ASSERT_TRUE(c.send(get("/wait")));
  }
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.seen.reached(), reached{});
}

TEST(limits, have_names_that_differ) {
  std::vector<std::string> names;
  for (int i = 0; i < http::limit_kinds; ++i) {
    names.emplace_back(name(static_cast<limit>(i)));
    EXPECT_NE(names.back(), "unknown") << i;
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace hangup::wire
