// What a well-behaved client is entitled to: its requests answered in order, framed as they should
// be, on a connection that is kept.
#include <gtest/gtest.h>

#include <charconv>
#include <set>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

std::string chunked(std::string_view path, const std::vector<std::string>& chunks) {
  std::string text =
      "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& c : chunks) {
    std::array<char, 17> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), c.size(), 16).ptr;
    text.append(size.data(), end).append("\r\n").append(c).append("\r\n");
  }
  return text + "0\r\n\r\n";
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>(i * 31 + i / 253);
  }
  return text;
}

TEST(protocol, a_connection_serves_many_requests_one_after_the_other) {
  live_server server;
  client c = server.connect();
  const int n = rounds(1000);
  for (int i = 0; i < n; ++i) {
    const auto a = c.ask(get(i % 2 == 0 ? "/fast" : "/pool/fast"));
    ASSERT_EQ(a.status, 200);
    ASSERT_EQ(a.body, "fast\n");
    ASSERT_NE(a.header("connection"), "close");
  }
  EXPECT_EQ(server.connections(), 1U);
  ASSERT_TRUE(server.seen.await_ended(static_cast<std::size_t>(n)));
  EXPECT_EQ(server.seen.count(request_end::completed), static_cast<std::size_t>(n));
}

TEST(protocol, pipelined_requests_are_answered_in_order_wherever_they_run) {  // C15
  live_server server;
  client c = server.connect();
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const auto body = "body " + std::to_string(i);
    all += post(i % 3 == 0 ? "/pool/echo" : "/echo", body);
  }
  ASSERT_TRUE(c.send(all));
  for (int i = 0; i < 100; ++i) {
    const auto a = c.receive();
    ASSERT_EQ(a.status, 200);
    ASSERT_EQ(a.body, "body " + std::to_string(i));
  }
}

TEST(protocol, pipelined_requests_of_every_kind_do_not_mix) {
  live_server server;
  client c = server.connect();
  for (int round = 0; round < rounds(50); ++round) {
    ASSERT_TRUE(c.send("\r\n" + chunked("/echo", {"a", "bc"}) + get("/pool/rows?n=3") +
                       "HEAD /fast HTTP/1.1\r\nHost: test\r\n\r\n" + get("/nothing") +
                       post("/pool/echo", pattern(30'000)) + get("/fast") + "\r\n\r\n" +
                       post("/fast", "") + chunked("/pool/echo", {std::string(5'000, 'z')})));
    ASSERT_EQ(c.receive().body, "abc");
    ASSERT_EQ(c.receive().body, std::string(30, 'r'));
    ASSERT_EQ(c.receive(true).header("content-length"), "5");
    ASSERT_EQ(c.receive().status, 404);
    ASSERT_EQ(c.receive().body, pattern(30'000));
    ASSERT_EQ(c.receive().body, "fast\n");
    ASSERT_EQ(c.receive().status, 405);
    ASSERT_EQ(c.receive().body, std::string(5'000, 'z'));
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST(protocol, a_request_that_comes_byte_by_byte_is_the_same_request) {
  live_server server;
  client c = server.connect();
  for (const char byte : chunked("/pool/echo", {"hello, ", "world"}) + post("/echo", "again")) {
    ASSERT_TRUE(c.send({&byte, 1}));
  }
  EXPECT_EQ(c.receive().body, "hello, world");
  EXPECT_EQ(c.receive().body, "again");
}

TEST(protocol, of_one_pipelining_client_does_not_keep_others_waiting) {
  setup how;
  how.how.front_threads = 1;
  live_server server(how);
  client greedy = server.connect();
  std::string many;
  for (int i = 0; i < 2000; ++i) {
    many += get("/fast");
  }
  std::thread sending([&] { EXPECT_TRUE(greedy.send(many)); });
  client modest = server.connect();
  EXPECT_EQ(modest.ask(get("/fast")).status, 200);
  sending.join();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(greedy.receive().status, 200);
  }
}

TEST(protocol, bodies_of_all_sizes_come_whole_to_spot_and_pool) {
  live_server server;
  client c = server.connect();
  for (const std::size_t size :
       {0U, 1U, 1'000U, 16'384U, 65'535U, 65'536U, 65'537U, 300'000U, 3'000'000U}) {
    const auto body = pattern(size);
    auto a = c.ask(post("/pool/echo", body));
    ASSERT_EQ(a.status, 200) << size;
    ASSERT_EQ(a.body, body) << size;
    if (size > 3) {  // an empty chunk would be the last
      a = c.ask(chunked("/pool/echo", {body.substr(0, size / 3), body.substr(size / 3)}));
      ASSERT_EQ(a.status, 200) << size;
      ASSERT_EQ(a.body, body) << size;
    }
    if (size <= 65'536) {
      ASSERT_EQ(c.ask(post("/echo", body)).body, body) << size;
    }
  }
  EXPECT_EQ(server.connections(), 1U) << "one connection for all of them";
}

TEST(protocol, the_body_of_a_get_is_not_taken_for_the_next_request) {  // C43
  live_server server;
  client c = server.connect();
  const auto hidden = get("/nothing");
  for (const auto* path : {"/fast", "/pool/fast"}) {
    const auto length = "Content-Length: " + std::to_string(hidden.size()) + "\r\n";
    ASSERT_TRUE(c.send(get(path, length) + hidden + get("/query?next=1")));
    EXPECT_EQ(c.receive().body, "fast\n");
    EXPECT_EQ(c.receive().body, "next=1\n/query\n/query?next=1");
  }
  ASSERT_TRUE(server.seen.await_ended(4));
  EXPECT_EQ(server.seen.began_count(), 4U);
}

TEST(protocol, head_is_answered_like_get_without_the_body) {
  live_server server;
  client c = server.connect();
  for (const auto* path : {"/fast", "/pool/fast", "/pool/rows?n=2", "/pool/throw", "/nothing"}) {
    ASSERT_TRUE(c.send("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n\r\n"));
    const auto head = c.receive(true);
    const auto full = c.ask(get(path));
    EXPECT_EQ(head.status, full.status) << path;
    EXPECT_EQ(head.header("content-type"), full.header("content-type")) << path;
    if (full.status == 200) {
      EXPECT_EQ(head.header("content-length"), full.header("content-length")) << path;
    }
    EXPECT_TRUE(full.whole) << path;
  }
}

TEST(protocol, a_head_that_is_refused_gets_no_body_either) {
  live_server server;
  for (const auto* bad : {"HEAD /fast HTTP/1.1\r\n\r\n", "HEAD /fast HTTP/1.1\r\nHost: a b\r\n\r\n",
                          "HEAD /fast HTTP/1.1\r\nHost: test\r\nContent-Length: z\r\n\r\n"}) {
    client c = server.connect();
    ASSERT_TRUE(c.send(bad));
    EXPECT_EQ(c.receive(true).status, 400);
    EXPECT_TRUE(c.sees_the_end()) << "with nothing behind the head";
  }
}

TEST(protocol, a_bad_request_after_head_is_answered_with_its_body) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send("HEAD /fast HTTP/1.1\r\nHost: test\r\n\r\n"));
  EXPECT_EQ(c.receive(true).status, 200);
  const auto a = c.ask("not a request\r\n\r\n");
  EXPECT_EQ(a.status, 400);
  EXPECT_TRUE(a.whole) << "its Content-Length says " << a.header("content-length");
}

TEST(protocol, expect_100_continue_is_asked_for_the_body_before_it_is_sent) {
  live_server server;
  client c = server.connect();
  for (const auto* path : {"/echo", "/pool/echo"}) {
    for (const std::size_t size : {std::size_t{5}, std::size_t{60'000}}) {
      const auto body = pattern(size);
      ASSERT_TRUE(c.send("POST " + std::string(path) +
                         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(size) +
                         "\r\nExpect: 100-continue\r\n\r\n"));
      EXPECT_EQ(c.receive().status, 100);
      const auto a = c.ask(body);
      EXPECT_EQ(a.status, 200);
      EXPECT_EQ(a.body, body);
    }
  }
}

TEST(protocol, expect_100_continue_holds_for_a_body_that_the_worker_reads) {
  live_server server;
  client c = server.connect();
  const auto body = pattern(500'000);
  ASSERT_TRUE(
      c.send("POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 500000\r\n"
             "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(c.receive().status, 100);
  EXPECT_EQ(c.ask(body).body, body);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST(protocol, expect_100_continue_is_not_answered_when_the_body_is_there_or_refused) {
  live_server server;
  client c = server.connect();
  EXPECT_EQ(c.ask(post("/echo", "hello", "Expect: 100-continue\r\n")).body, "hello");
  ASSERT_TRUE(
      c.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 999999999\r\n"
             "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(c.receive().status, 413);
}

TEST(protocol, a_stream_is_chunked_and_well_formed) {
  live_server server;
  client c = server.connect();
  for (const auto* path : {"/rows?n=1000", "/pool/rows?n=1000"}) {
    const auto a = c.ask(get(path));
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.header("transfer-encoding"), "chunked");
    EXPECT_TRUE(a.whole);
    EXPECT_EQ(a.body, std::string(10'000, 'r'));
  }
  const auto none = c.ask(get("/pool/rows?n=0"));
  EXPECT_TRUE(none.whole);
  EXPECT_EQ(none.body, "");
}

TEST(protocol, a_stream_that_fails_is_broken_off_and_not_ended) {  // C35
  live_server server;
  for (const auto* path : {"/pool/rows_broken", "/pool/rows_throw"}) {
    const auto before = server.seen.all().size();
    client c = server.connect();
    const auto a = c.ask(get(path));
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.body, "one row\n");
    EXPECT_FALSE(a.whole);
    EXPECT_EQ(server.seen.nth(before).end, request_end::failed);
  }
  EXPECT_EQ(server.seen.last().broken, "a secret of the producer");
}

TEST(protocol, http_1_0_is_answered_without_chunks_and_the_connection_closed) {
  live_server server;
  for (const auto* path : {"/fast", "/pool/rows?n=5", "/nothing", "/pool/throw"}) {
    client c = server.connect();
    const auto a =
        c.ask("GET " + std::string(path) + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(a.header("transfer-encoding"), "") << path;
    EXPECT_TRUE(a.whole) << path;
    EXPECT_TRUE(c.sees_the_end()) << path;
    if (path == std::string("/pool/rows?n=5")) {
      EXPECT_EQ(a.body, std::string(50, 'r'));
      EXPECT_EQ(a.header("content-length"), "");
    }
  }
}

TEST(protocol, connection_close_is_answered_and_then_closed) {
  live_server server;
  for (const auto* path : {"/fast", "/pool/fast", "/pool/rows?n=5", "/nothing"}) {
    client c = server.connect();
    ASSERT_TRUE(c.send(get(path, "Connection: close\r\n") + get("/fast")));
    const auto a = c.receive();
    EXPECT_TRUE(a.whole) << path;
    EXPECT_EQ(a.header("connection"), "close") << path;
    EXPECT_TRUE(c.sees_the_end()) << "what follows is not answered: " << path;
    EXPECT_EQ(c.how_it_ended(), ending::fin) << path;
  }
  EXPECT_EQ(server.seen.began_count(), 4U);
}

TEST(protocol, what_is_not_there_and_what_is_not_allowed_keeps_the_connection) {
  live_server server;
  client c = server.connect();
  auto a = c.ask(get("/nothing"));
  EXPECT_EQ(a.status, 404);
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  EXPECT_EQ(a.header("allow"), "");
  a = c.ask("DELETE /fast HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(a.status, 405);
  EXPECT_EQ(a.header("allow"), "GET, HEAD, OPTIONS");
  a = c.ask(get("/echo"));
  EXPECT_EQ(a.status, 405);
  EXPECT_EQ(a.header("allow"), "POST, PUT, OPTIONS");
  a = c.ask(get("/wait/"));
  EXPECT_EQ(a.status, 404);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_EQ(server.connections(), 1U);
  ASSERT_TRUE(server.seen.await_ended(5));
  EXPECT_EQ(server.seen.count(request_end::bad_request), 4U);
  EXPECT_EQ(server.seen.nth(0).path, "none");
}

TEST(protocol, an_exception_is_a_500_that_does_not_tell_its_text) {  // C35
  live_server server;
  client c = server.connect();
  for (const auto* path : {"/throw", "/pool/throw", "/pool/throw_int"}) {
    const auto before = server.seen.all().size();
    const auto a = c.ask(get(path));
    EXPECT_EQ(a.status, 500);
    EXPECT_EQ(a.header("content-type"), "application/problem+json");
    EXPECT_EQ(a.body.find("secret"), std::string::npos);
    for (const auto& [name, value] : a.headers) {
      EXPECT_EQ(value.find("secret"), std::string::npos) << name;
    }
    const auto r = server.seen.nth(before);
    EXPECT_EQ(r.end, request_end::failed);
    EXPECT_FALSE(r.broken.empty());
  }
  EXPECT_EQ(server.seen.nth(1).broken, "a secret of the handler");
  EXPECT_EQ(c.ask(get("/fast")).status, 200) << "the server lives, and so does the connection";
}

TEST(protocol, a_problem_of_the_handler_is_sent_as_it_is) {
  live_server server;
  client c = server.connect();
  const auto a = c.ask(get("/pool/bad", "X-Request-Id: mine\r\n"));
  EXPECT_EQ(a.status, 400);
  EXPECT_NE(a.body.find("the handler does not like it"), std::string::npos);
  EXPECT_NE(a.body.find("\"request_id\":\"mine\""), std::string::npos);
  EXPECT_EQ(server.seen.nth(0).end, request_end::bad_request);
}

TEST(protocol, a_sane_request_id_is_kept_and_echoed_on_answers_of_all_kinds) {
  live_server server;
  client c = server.connect();
  for (const auto* path :
       {"/fast", "/pool/fast", "/pool/rows?n=1", "/nothing", "/throw", "/echo"}) {
    const auto before = server.seen.all().size();
    const auto a = c.ask(get(path, "x-request-id: A.b-3_~+/=:\r\n"));
    EXPECT_EQ(a.header("x-request-id"), "A.b-3_~+/=:") << path;
    EXPECT_EQ(server.seen.nth(before).id, "A.b-3_~+/=:") << path;
  }
}

TEST(protocol, a_request_id_is_made_where_there_is_none_or_it_is_not_sane) {
  live_server server;
  client c = server.connect();
  std::set<std::string> made;
  const std::vector<std::string> bad = {"",
                                        "X-Request-Id: two words\r\n",
                                        "X-Request-Id: a\"b\r\n",
                                        "X-Request-Id: %0d%0aSet-Cookie:x\r\n",
                                        "X-Request-Id:\r\n",
                                        "X-Request-Id: " + std::string(129, 'x') + "\r\n"};
  for (const auto& header : bad) {
    for (const auto* path : {"/fast", "/nothing"}) {
      const auto id = c.ask(get(path, header)).header("x-request-id");
      EXPECT_EQ(id.size(), 16U) << header;
      made.insert(id);
    }
  }
  EXPECT_EQ(made.size(), 2 * bad.size()) << "no two are the same";
}

TEST(protocol, the_handler_gets_the_query_and_the_path_as_they_were_meant) {
  live_server server;
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/query?q=a?b=c&d=%C3%A4&e=1+2")).body,
            "d=\xC3\xA4\ne=1 2\nq=a?b=c\n/query\n/query?q=a?b=c&d=%C3%A4&e=1+2");
  EXPECT_EQ(c.ask(get("http://elsewhere/query?x=1")).body,
            "x=1\n/query\nhttp://elsewhere/query?x=1");
  EXPECT_EQ(c.ask(get("/%71uery")).body, "/query\n/%71uery");
}

}  // namespace
}  // namespace hangup::wire
