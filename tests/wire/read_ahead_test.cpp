// What comes behind a request is read ahead, so that the FIN behind it is heard; and then it is
// used as if it had been read when its turn came.
#include <gtest/gtest.h>

#include <random>

#include "tests/wire/heard.h"

namespace hangup::wire {
namespace {

constexpr std::size_t mib = 1 << 20;
// More than both sockets take (tcp_rmem and tcp_wmem end at 6 MiB and 4 MiB): a FIN behind it
// cannot arrive before somebody has read.
constexpr std::size_t much = 12 * mib;

setup reading_ahead(std::size_t each, std::size_t total = 64 * mib) {
  setup how;
  how.how.read_ahead = each;
  how.how.read_ahead_total = total;
  how.how.max_body = 4 * much;
  how.more = {add_marker};
  return how;
}

std::string with_body(const std::string& method, const std::string& path, const std::string& body) {
  return method + " " + path +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string many_requests(std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    all += get("/fast");
  }
  return all;
}

void add_echo_of_one(live_server& s) {
  const auto echo = [&s](const context&, const httplib::Request& req, httplib::Response& res) {
    s.at.tell("/one/echo");
    res.set_content(req.body, "application/octet-stream");
  };
  s.server.handle({.method = "POST", .path = "/one/echo", .runs_on = &s.one, .answer = echo});
}

int read_ahead_told(live_server& s) {
  const auto all = s.seen.reached();
  const auto found = all.find(http::limit::read_ahead);
  return found != all.end() ? found->second : 0;
}

TEST(read_ahead, has_a_fin_heard_behind_a_body_that_nobody_reads) {  // C8
  live_server server(reading_ahead(16 * mib));
  client c = server.connect();
  ASSERT_TRUE(c.send(with_body("GET", "/wait", varied(much))));
  ASSERT_TRUE(server.at.await("/wait"));
  c.close();
  const auto r = server.seen.of("/wait");
  EXPECT_EQ(r.end, request_end::client_closed);
  EXPECT_TRUE(r.work_stopped);
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(read_ahead_told(server), 0);
}

TEST(read_ahead,
     has_a_fin_heard_behind_many_pipelined_requests_none_of_which_is_served) {  // C8, C11
  live_server server(reading_ahead(16 * mib));
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  ASSERT_TRUE(c.send(many_requests(much)));
  c.close();
  EXPECT_EQ(server.seen.of("/wait").end, request_end::client_closed);
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.at.count("/fast"), 0);
  EXPECT_EQ(server.seen.began_count(), 1U);
}

TEST(read_ahead, has_a_fin_heard_behind_the_body_of_a_request_that_is_queued) {  // C8, C18
  auto how = reading_ahead(16 * mib);
  how.more.emplace_back(add_echo_of_one);
  live_server server(how);
  client busy = server.connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  client c = server.connect();
  ASSERT_TRUE(c.send(with_body("POST", "/one/echo", varied(much))));
  EXPECT_EQ(server.one.now().queued, 1U);
  c.close();
  const auto r = server.seen.of("/one/echo");
  EXPECT_EQ(r.end, request_end::client_closed);
  EXPECT_FALSE(r.started);
  EXPECT_EQ(server.one.now().queued, 0U);
  EXPECT_EQ(server.at.count("/one/echo"), 0);
}

TEST(read_ahead, goes_up_to_a_cap_behind_which_a_reset_is_heard_and_a_fin_is_not) {  // C8, C14
  for (const bool by_reset : {false, true}) {
    live_server server(reading_ahead(64 << 10));
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/wait")));
    ASSERT_TRUE(server.at.await("/wait"));
    EXPECT_GT(c.flood(varied(mib)), 64U << 10);
    if (!by_reset) {
      c.shutdown_write();
      ASSERT_TRUE(all_heard(server));
      EXPECT_FALSE(server.seen.has_ended("/wait")) << "the FIN is behind what was not read";
    }
    c.reset();
    EXPECT_EQ(server.seen.of("/wait").end, request_end::client_reset);
    EXPECT_EQ(read_ahead_told(server), 1);
  }
}

TEST(read_ahead, of_nothing_is_off) {
  live_server server(reading_ahead(0));
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  c.flood(varied(mib));
  c.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  EXPECT_FALSE(server.seen.has_ended("/wait"));
  c.reset();
  EXPECT_EQ(server.seen.of("/wait").end, request_end::client_reset);
  EXPECT_EQ(read_ahead_told(server), 0);
  // What the window takes hides nothing.
  client d = server.connect();
  ASSERT_TRUE(d.send(get("/late") + get("/fast")));
  ASSERT_TRUE(server.at.await("/late"));
  d.close();
  EXPECT_EQ(server.seen.of("/late").end, request_end::client_closed);
}

// One that takes nearly all that may be read ahead in all connections; a second one finds too
// little of it left; when the first is gone, a third one has it.
TEST(read_ahead, of_all_connections_is_bounded_and_given_back) {
  live_server server(reading_ahead(16 * mib, much + mib / 2));
  const auto body = varied(much);
  client first = server.connect();
  ASSERT_TRUE(first.send(get("/wait?1") + body));
  ASSERT_TRUE(server.at.await("/wait"));
  ASSERT_TRUE(all_read(server, first));
  client second = server.connect();
  ASSERT_TRUE(second.send(get("/wait?2")));
  ASSERT_TRUE(server.at.await("/wait", 2));
  EXPECT_GT(second.flood(body), mib / 2);
  second.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  EXPECT_FALSE(server.seen.has_ended("/wait?2"));
  EXPECT_FALSE(server.seen.has_ended("/wait?1"));
  first.close();
  EXPECT_EQ(server.seen.of("/wait?1").end, request_end::client_closed);
  second.reset();
  EXPECT_EQ(server.seen.of("/wait?2").end, request_end::client_reset);
  // Of the others nothing was left unread, although no more would have been read of them.
  EXPECT_EQ(read_ahead_told(server), 1);
  ASSERT_TRUE(server.await_no_connections());

  client third = server.connect();
  ASSERT_TRUE(third.send(get("/wait?3") + body));
  third.close();
  EXPECT_EQ(server.seen.of("/wait?3").end, request_end::client_closed);
}

TEST(read_ahead, is_given_back_by_every_request_that_uses_it) {
  auto how = reading_ahead(16 * mib, much + mib / 2);
  live_server server(how);
  const auto body = varied(mib);
  {
    client c = server.connect();  // ten times as much as there may be at once
    for (int i = 0; i < rounds(130); ++i) {
      ASSERT_TRUE(c.send(with_body("POST", "/pool/echo", body) + get("/pool/fast")));
      const auto a = c.receive();
      ASSERT_EQ(a.status, 200);
      ASSERT_TRUE(a.body == body);
      ASSERT_EQ(c.receive().body, "fast\n");
    }
  }
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait") + varied(much)));
  c.close();
  EXPECT_EQ(server.seen.of("/wait").end, request_end::client_closed);
  EXPECT_EQ(read_ahead_told(server), 0);
}

// The body of a GET, whoever sends one.
class unwanted_body : public testing::TestWithParam<bool> {};

TEST_P(unwanted_body, of_any_size_does_not_hide_a_fin) {  // C8
  auto how = reading_ahead(64 << 10, 1);                  // and for all together nothing
  how.how.max_body = 1000;                                // which bounds what a handler is given
  for (const bool queued : {false, true}) {
    live_server server(how);
    client busy = server.connect();
    ASSERT_TRUE(busy.send(get("/one/stubborn")));
    ASSERT_TRUE(eventually([&] { return server.one.now().running == 1; }));
    client c = server.connect();
    const std::string target = queued ? "/one/wait" : "/wait";
    const auto body = varied(much);
    std::string head = "GET " + target + " HTTP/1.1\r\nHost: test\r\n";
    std::string end;
    if (GetParam()) {
      std::array<char, 20> size{};
      std::snprintf(size.data(), size.size(), "%zx\r\n", body.size());
      head.append("Transfer-Encoding: chunked\r\n\r\n").append(size.data());
      end = "\r\n0\r\n\r\n";
    } else {
      head.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    }
    ASSERT_TRUE(c.send(head + body + end));
    c.close();
    EXPECT_EQ(server.seen.of(target).end, request_end::client_closed);
    EXPECT_EQ(read_ahead_told(server), 0);
  }
}

TEST_P(unwanted_body, leaves_its_connection_good_for_more) {
  release go;
  auto how = reading_ahead(mib);
  how.more.emplace_back([&](live_server& s) { add_held(s, "GET", "/held", s.many, go); });
  live_server server(how);
  client c = server.connect();
  const auto body = many_requests(3 * mib);
  std::string request = "GET /held HTTP/1.1\r\nHost: test\r\n";
  if (GetParam()) {
    request.append("Transfer-Encoding: chunked\r\n\r\n");
    constexpr std::size_t piece = 0x10000;
    for (std::size_t at = 0; at < body.size(); at += piece) {
      std::array<char, 20> size{};
      std::snprintf(size.data(), size.size(), "%zx\r\n", std::min(piece, body.size() - at));
      request.append(size.data()).append(body, at, piece).append("\r\n");
    }
    request.append("0\r\n\r\n");
  } else {
    request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    request.append(body);
  }
  ASSERT_TRUE(c.send(request + get("/query?behind")));
  ASSERT_TRUE(server.at.await("/held"));
  ASSERT_TRUE(all_read(server, c));
  go.now();
  EXPECT_EQ(c.receive().body, "delivered\n");
  EXPECT_EQ(c.receive().status, 200);
  EXPECT_EQ(server.at.count("/fast"), 0) << "its body looks like requests, and is none";
  EXPECT_EQ(server.at.count("/query"), 1);
  EXPECT_EQ(read_ahead_told(server), 0);
}

// Nothing behind such a request is ever served: it is thrown away, and the end behind it is heard.
TEST(a_last_request, has_a_fin_heard_behind_whatever_follows_it) {
  const std::vector<std::string> last = {
      get("/wait?close", "Connection: close\r\n"), "GET /wait?1.0 HTTP/1.0\r\n\r\n",
      "POST /wait?body HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: "
      "4\r\n\r\nbody",
      get("/wait?malformed", "Transfer-Encoding: chunked\r\n") + "10000\r\n" +
          std::string(0x10000, 'x')};
  for (const auto& request : last) {
    live_server server(reading_ahead(64 << 10));
    client c = server.connect();
    ASSERT_TRUE(c.send(request));
    ASSERT_TRUE(server.at.await("/wait"));
    // Behind the chunk this is no chunk: the body is malformed, and thrown away all the same.
    ASSERT_TRUE(c.send(varied(much))) << request.substr(0, 20);
    c.close();
    ASSERT_TRUE(server.seen.await_ended(1)) << request.substr(0, 20);
    EXPECT_EQ(server.seen.nth(0).end, request_end::client_closed) << request.substr(0, 20);
    EXPECT_EQ(server.seen.began_count(), 1U);
    EXPECT_EQ(read_ahead_told(server), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(sent, unwanted_body, testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "in_chunks" : "of_known_length");
});

// A client that sends as fast as it can behind a request has no more of the watcher than its turn.
TEST(read_ahead, of_one_connection_does_not_keep_the_watcher_from_the_others) {
  auto how = reading_ahead(mib);
  how.how.max_body = std::uint64_t{1} << 40;
  live_server server(how);
  std::atomic<bool> over{false};
  std::vector<std::thread> floods;
  for (int i = 0; i < 2; ++i) {
    floods.emplace_back([&] {
      client c = server.connect();
      static_cast<void>(c.send(get("/wait?flood", "Content-Length: 1000000000000\r\n")));
      const std::string part(256 << 10, 'x');
      while (!over && c.send(part)) {
      }
    });
  }
  ASSERT_TRUE(server.at.await("/wait", 2));
  for (int i = 0; i < 5; ++i) {
    client other = server.connect();
    const auto target = "/wait?" + std::to_string(i);
    ASSERT_TRUE(other.send(get(target)));
    ASSERT_TRUE(server.at.await("/wait", 3 + i));
    other.reset();
    EXPECT_EQ(server.seen.of(target).end, request_end::client_reset);
  }
  EXPECT_FALSE(server.seen.has_ended("/wait?flood"));
  over = true;
  for (auto& f : floods) {
    f.join();
  }
}

TEST(read_ahead, of_pipelined_requests_answers_them_in_their_order) {  // C15
  release go;
  auto how = reading_ahead(mib);
  how.more.emplace_back([&](live_server& s) { add_held(s, "GET", "/held", s.many, go); });
  live_server server(how);
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/held")));
  ASSERT_TRUE(server.at.await("/held"));
  const int n = rounds(4'000);
  std::string all;
  for (int i = 0; i < n; ++i) {
    const auto number = std::to_string(i);
    all += i % 10 == 0 ? post("/pool/echo", number) : get("/query?i=" + number);
  }
  ASSERT_TRUE(c.send(all));
  ASSERT_TRUE(all_heard(server));
  go.now();
  EXPECT_EQ(c.receive().body, "delivered\n");
  for (int i = 0; i < n; ++i) {
    const auto number = std::to_string(i);
    const auto a = c.receive();
    ASSERT_EQ(a.status, 200) << i;
    ASSERT_EQ(a.body, i % 10 == 0 ? number : "i=" + number + "\n/query\n/query?i=" + number);
  }
}

class read_ahead_of_body : public testing::TestWithParam<bool> {};

TEST_P(read_ahead_of_body, leaves_it_as_it_was_sent) {
  const bool chunked = GetParam();
  std::mt19937 random(chunked ? 7 : 8);
  for (const std::size_t cap : {std::size_t{1}, std::size_t{200'000}, mib, 16 * mib}) {
    SCOPED_TRACE(cap);
    auto how = reading_ahead(cap);
    how.more.emplace_back(add_echo_of_one);
    live_server server(how);
    client busy = server.connect();
    ASSERT_TRUE(busy.send(get("/one/stubborn")));
    ASSERT_TRUE(server.at.await("/one/stubborn"));
    const auto body = varied(3 * mib + 17);
    std::string request = "POST /one/echo HTTP/1.1\r\nHost: test\r\n";
    if (chunked) {
      request += "Transfer-Encoding: chunked\r\n\r\n";
      for (std::size_t at = 0; at < body.size();) {
        const auto n = std::min<std::size_t>(1 + random() % 50'000, body.size() - at);
        std::array<char, 20> size{};
        std::snprintf(size.data(), size.size(), "%zx\r\n", n);
        request.append(size.data()).append(body, at, n).append("\r\n");
        at += n;
      }
      request += "0\r\n\r\n";
    } else {
      request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    request += get("/pool/fast");
    client c = server.connect();
    std::thread sending([&] { EXPECT_TRUE(c.send(request)); });
    EXPECT_TRUE(eventually([&] { return server.one.now().queued == 1; }));
    EXPECT_TRUE(all_heard(server));
    server.gate.open();
    sending.join();
    const auto a = c.receive();
    EXPECT_EQ(a.status, 200);
    EXPECT_TRUE(a.body == body) << a.body.size();
    EXPECT_EQ(c.receive().body, "fast\n");
  }
}

INSTANTIATE_TEST_SUITE_P(sent, read_ahead_of_body, testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "in_chunks" : "of_known_length");
});

TEST(read_ahead, of_a_body_that_nobody_wants_is_thrown_away_before_the_next_request) {  // C43
  release go;
  auto how = reading_ahead(mib);
  how.more.emplace_back([&](live_server& s) { add_held(s, "GET", "/held", s.many, go); });
  live_server server(how);
  client c = server.connect();
  // Looks like a request, and is a body.
  ASSERT_TRUE(c.send(with_body("GET", "/held", many_requests(600'000)) + get("/pool/fast")));
  ASSERT_TRUE(server.at.await("/held"));
  ASSERT_TRUE(all_heard(server));
  go.now();
  EXPECT_EQ(c.receive().body, "delivered\n");
  EXPECT_EQ(c.receive().body, "fast\n");
  EXPECT_EQ(server.at.count("/fast"), 0);
}

}  // namespace
}  // namespace hangup::wire
