// What a stranger sends is refused with an answer that can be read, and nothing of it is ever
// served.
#include <gtest/gtest.h>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

struct bad_head {
  int status;
  std::string what;
  std::string bytes;
};

std::vector<bad_head> bad_heads() {
  const std::string long_line(8'200, 'a');
  std::string many = "GET /fast HTTP/1.1\r\nHost: test\r\n";
  for (int i = 0; i < 100; ++i) {
    many += "X-" + std::to_string(i) + ": y\r\n";
  }
  std::string large = "GET /fast HTTP/1.1\r\nHost: test\r\n";
  for (int i = 0; i < 5; ++i) {
    large += "X-" + std::to_string(i) + ": " + std::string(4'000, 'y') + "\r\n";
  }
  return {
      {400, "no request line", "hello\r\n\r\n"},
      {400, "no version", "GET /fast\r\n\r\n"},
      {400, "bare LF", "GET /fast HTTP/1.1\nHost: test\n\n"},
      {400, "no Host", "GET /fast HTTP/1.1\r\n\r\n"},
      {400, "two Hosts", get("/fast", "Host: other\r\n")},
      {400, "space before the colon", get("/fast", "X : y\r\n")},
      {400, "folded line", get("/fast", "X: y\r\n z\r\n")},
      {400, "NUL in a value", get("/fast", std::string("X: a\0b\r\n", 8))},
      {400, "CR in a value", get("/fast", "X: a\rb\r\n")},
      {400, "bad percent-encoding", get("/fa%zzst")},
      {400, "a zero byte in the path", get("/fast%00")},
      {400, "Content-Length with a sign", get("/fast", "Content-Length: +5\r\n")},
      {400, "TLS handshake",
       std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)},
      {414, "long request line", get("/" + long_line)},
      {431, "long header", get("/fast", "X: " + long_line + "\r\n")},
      {431, "many headers", many + "\r\n"},
      {431, "large head", large + "\r\n"},
      {501, "unknown method", "BREW /fast HTTP/1.1\r\nHost: test\r\n\r\n"},
      {501, "unknown coding", get("/fast", "Transfer-Encoding: gzip\r\n")},
      {501, "two codings", get("/fast", "Transfer-Encoding: gzip, chunked\r\n")},
      {505, "HTTP/2.0", "GET /fast HTTP/2.0\r\nHost: test\r\n\r\n"},
      {505, "HTTP/0.9", "GET /fast HTTP/0.9\r\n\r\n"},
      {417, "unknown expectation", get("/fast", "Expect: a-pony\r\n")},
      {400, "a Host that is none", "GET /fast HTTP/1.1\r\nHost: <script>\r\n\r\n"},
      {415, "encoded body", post("/echo", "x", "Content-Encoding: gzip\r\n")},
      {413, "large body",
       "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999\r\n\r\n"},
      {413, "large body for a pool",
       "POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 8388609\r\n\r\n"},
      {413, "body too large for the spot", post("/echo", std::string(200'000, 'x'))},
      {413, "large chunk",
       "POST /pool/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n800001\r\n"},
      {400, "malformed chunk",
       "POST /pool/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello"},
  };
}

void expect_problem(const answer& a, int status) {
  EXPECT_EQ(a.status, status);
  EXPECT_TRUE(a.whole) << "Content-Length: " << a.header("content-length");
  EXPECT_EQ(a.header("content-length"), std::to_string(a.body.size()));
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  EXPECT_NE(a.body.find("\"status\":" + std::to_string(status)), std::string::npos) << a.body;
  EXPECT_NE(a.body.find("\"request_id\":\"" + a.header("x-request-id") + "\""), std::string::npos);
}

TEST(bad_input, is_answered_with_a_problem_and_the_connection_is_closed) {
  live_server server;
  for (const auto& bad : bad_heads()) {
    SCOPED_TRACE(bad.what);
    const auto before = server.seen.all().size();
    client c = server.connect();
    ASSERT_TRUE(c.send(bad.bytes));
    const auto a = c.receive();
    expect_problem(a, bad.status);
    EXPECT_EQ(a.header("connection"), "close");
    EXPECT_TRUE(c.sees_the_end());
    EXPECT_EQ(c.how_it_ended(), ending::fin);
    const auto r = server.seen.nth(before);
    EXPECT_EQ(r.status, bad.status);
    EXPECT_EQ(r.end, request_end::bad_request);
    EXPECT_FALSE(r.started);
  }
  EXPECT_EQ(server.at.count("/fast"), 0);
  EXPECT_EQ(server.at.count("/echo"), 0);
  EXPECT_EQ(server.at.count("/pool/echo"), 0);
}

// Not only when it happens to arrive in small pieces: a limit that depends on those is none.
TEST(bad_input, of_one_byte_more_than_the_spot_takes_is_refused_however_it_arrives) {
  live_server server;
  for (int i = 0; i < 20; ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(post("/echo", std::string(64 * 1024 + 1, 'x'))));
    ASSERT_EQ(c.receive().status, 413) << "round " << i;
  }
}

TEST(bad_input, that_is_too_large_for_the_spot_is_not_asked_for_with_100_continue) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(
      c.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n"
             "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(c.receive().status, 413);
}

// The answer must not be destroyed by a reset because of what the client went on to send.
TEST(bad_input, is_answered_readably_to_a_client_that_goes_on_sending) {  // C43
  live_server server;
  for (int i = 0; i < rounds(50); ++i) {
    client c = server.connect();
    static_cast<void>(c.send("nonsense\r\n\r\n"));
    static_cast<void>(c.send(std::string(100'000, 'x')));
    const auto a = c.receive();
    ASSERT_EQ(a.status, 400);
    ASSERT_TRUE(a.whole);
  }
}

TEST(bad_input, of_an_encoded_body_is_told_what_is_accepted) {
  live_server server;
  client c = server.connect();
  const auto a = c.ask(post("/echo", "x", "Content-Encoding: br\r\n"));
  EXPECT_EQ(a.status, 415);
  EXPECT_EQ(a.header("accept-encoding"), "identity");
}

TEST(bad_input, at_every_split_gets_the_same_answer) {
  live_server server;
  const std::string bad = get("/fast", "X : y\r\n");
  for (std::size_t i = 1; i < bad.size(); ++i) {
    client c = server.connect();
    ASSERT_TRUE(c.send(bad.substr(0, i)));
    static_cast<void>(c.send(bad.substr(i)));  // it may have been refused already
    ASSERT_EQ(c.receive().status, 400) << i;
  }
}

struct smuggling {
  const char* what;
  std::string bytes;
  int answers;  // how many answers there may be at most
};

// Each hides a request to /one/fast where only a confused server would see it.
std::vector<smuggling> attempts() {
  const auto hidden = get("/one/fast");
  const auto length = std::to_string(hidden.size());
  const std::string start = "POST /echo HTTP/1.1\r\nHost: test\r\n";
  return {
      {"CL.TE",
       start + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" + hidden, 1},
      {"TE.CL", start + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden,
       1},
      {"two lengths",
       start + "Content-Length: 0\r\nContent-Length: " + length + "\r\n\r\n" + hidden, 1},
      {"two equal lengths",
       start + "Content-Length: " + length + "\r\nContent-Length: " + length + "\r\n\r\n" + hidden,
       1},
      {"a list of lengths", start + "Content-Length: 0, " + length + "\r\n\r\n" + hidden, 1},
      {"a length in hex", start + "Content-Length: 0x0\r\n\r\n" + hidden, 1},
      {"two codings",
       start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" +
           hidden,
       1},
      {"a coding with a tail", start + "Transfer-Encoding: chunked;x\r\n\r\n0\r\n\r\n" + hidden, 1},
      {"a coding after a control",
       start +
           "Transfer-Encoding: \x0b"
           "chunked\r\n\r\n0\r\n\r\n" +
           hidden,
       1},
      {"a coding in HTTP/1.0",
       "POST /echo HTTP/1.0\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
       1},
      {"a name with a space", start + "Content-Length : " + length + "\r\n\r\n" + hidden, 1},
      {"a bare LF", start + "X: y\nContent-Length: 0\r\n\r\n" + hidden, 1},
      {"the body of a GET", get("/fast", "Content-Length: " + length + "\r\n") + hidden, 1},
      {"the body of a request for nothing",
       get("/nothing", "Content-Length: " + length + "\r\n") + hidden, 1},
      {"the body of a method that is not allowed", post("/fast", hidden), 1},
      {"a bad chunk", start + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + hidden, 1},
      {"a chunk longer than it says",
       start + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n" + hidden, 1},
      {"a chunk size with a sign", start + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + hidden,
       1},
      {"a chunk size with a prefix",
       start + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + hidden, 1},
      {"a chunk that ends in LF", start + "Transfer-Encoding: chunked\r\n\r\n0\n\n" + hidden, 1},
      {"a trailer", start + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + hidden, 1},
      {"a chunk size that wraps",
       start + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + hidden, 1},
  };
}

TEST(bad_input, that_hides_a_request_does_not_get_it_served) {  // C44
  live_server server;
  for (const auto& attempt : attempts()) {
    SCOPED_TRACE(attempt.what);
    client c = server.connect();
    ASSERT_TRUE(c.send(attempt.bytes));
    c.shutdown_write();
    static_cast<void>(c.receive_rest());
    EXPECT_NE(c.how_it_ended(), ending::none);
  }
  EXPECT_TRUE(server.await_no_connections());
  EXPECT_EQ(server.at.count("/one/fast"), 0);
}

// The same by a client that stays and reads: one answer, then the close.
TEST(bad_input, that_hides_a_request_is_answered_once) {
  live_server server;
  for (const auto& attempt : attempts()) {
    SCOPED_TRACE(attempt.what);
    client c = server.connect();
    ASSERT_TRUE(c.send(attempt.bytes));
    const auto a = c.receive();
    EXPECT_TRUE(a.whole);
    if (a.header("connection") == "close") {
      EXPECT_TRUE(c.sees_the_end());
    } else {  // its body was framed well after all, and what comes next is the next request
      const auto next = c.ask(get("/query?next"));
      EXPECT_EQ(next.status, 200);
      EXPECT_NE(next.body.find("/query"), std::string::npos);
    }
  }
  EXPECT_EQ(server.at.count("/one/fast"), 0);
}

TEST(bad_input, in_chunks_that_a_worker_reads_is_refused_and_what_follows_is_not_served) {  // C44
  live_server server;
  const std::string start =
      "POST /pool/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string large = "13880\r\n" + std::string(80'000, 'x') + "\r\n";
  for (const std::string end : {"zz\r\n", "0\r\nX : y\r\n\r\n", "5\r\nhelloo\r\n", "\r\n"}) {
    client c = server.connect();
    ASSERT_TRUE(c.send(start + large));
    ASSERT_TRUE(eventually([&] { return server.many.now().running == 1; }));  // the worker reads
    ASSERT_TRUE(c.send(end + get("/one/fast")));
    const auto a = c.receive();
    EXPECT_EQ(a.status, 400) << end;
    EXPECT_TRUE(a.whole);
    EXPECT_TRUE(c.sees_the_end()) << end;
    ASSERT_TRUE(server.await_quiet());
  }
  client c = server.connect();
  ASSERT_TRUE(c.send(start + large + "7ffffff\r\n"));
  EXPECT_EQ(c.receive().status, 413);
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_EQ(server.at.count("/one/fast"), 0);
  EXPECT_EQ(server.at.count("/pool/echo"), 0);
}

TEST(bad_input, with_an_encoded_line_break_in_a_header_breaks_no_line) {
  live_server server;
  client c = server.connect();
  const auto a = c.ask(get("/fast", "X-Note: a%0d%0aX-Evil: yes\r\nX-Request-Id: a%0d%0ab\r\n"));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.header("x-evil"), "");
}

TEST(bad_input, that_never_ends_a_line_is_refused_before_it_fills_the_memory) {
  live_server server;
  client c = server.connect();
  static_cast<void>(c.send(std::string(20'000, 'x')));
  EXPECT_EQ(c.receive().status, 414);
}

}  // namespace
}  // namespace hangup::wire
