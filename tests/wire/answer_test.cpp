// What an answer says on the wire, whatever its handler has made of it: its framing, its ranges,
// its compression, and no byte that is not its own.
#include <gtest/gtest.h>

#include "tests/support/gunzip.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

using request = httplib::Request;
using response = httplib::Response;

// A server with one more route, GET /it, answered by `h`.
setup answered_by(http::handler h, bool in_a_pool = true, bool compress = false) {
  setup how;
  how.more.push_back([h = std::move(h), in_a_pool, compress](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = "/it",
                     .runs_on = in_a_pool ? &s.many : nullptr,
                     .compress = compress,
                     .answer = h});
  });
  return how;
}

void digits(const context&, const request&, response& res) {
  res.set_header("Accept-Ranges", "bytes");
  res.set_content("0123456789", "text/plain");
}

void provided_digits(const context&, const request&, response& res) {
  res.set_header("Accept-Ranges", "bytes");
  res.set_content_provider(10, "text/plain",
                           [](std::size_t at, std::size_t length, httplib::DataSink& sink) {
                             const auto n = std::min<std::size_t>(length, 3);
                             return sink.write(std::string("0123456789").substr(at, n).data(), n);
                           });
}

http::handler of_status(int status, bool streamed = false) {
  return [status, streamed](const context& ctx, const request& req, response& res) {
    if (streamed) {
      http::stream(ctx, req, res, "text/plain",
                   [](const context& c, http::body_writer& out) { return out.write(c, "a body"); });
    } else {
      res.set_content("a body", "text/plain");
    }
    res.status = status;
  };
}

TEST(answer, says_when_it_was_made_whoever_made_it) {
  live_server server;
  client c = server.connect();
  for (const auto* path : {"/fast", "/pool/fast", "/pool/rows?n=1", "/nothing", "/throw",
                           "/pool/bad", "/echo", "/deadline/wait"}) {
    EXPECT_EQ(c.ask(get(path)).header("date").size(), 29U) << path;
  }
  EXPECT_EQ(c.ask("no request\r\n\r\n").header("date").size(), 29U);
}

TEST(answer, to_one_that_is_too_many_says_when_it_was_made) {
  setup how;
  how.how.max_connections = 1;
  live_server server(how);
  client first = server.connect();
  ASSERT_EQ(first.ask(get("/fast")).status, 200);
  client second = server.connect();
  const auto a = second.receive();
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.header("date").size(), 29U);
}

TEST(answer, of_a_handler_lets_no_second_header_or_answer_out) {
  live_server server(answered_by([](const context&, const request&, response& res) {
    // As cpp-httplib keeps them: set_header() of later versions would refuse these.
    res.headers.emplace("Location", "/a\r\nSet-Cookie: b\r\n\r\nHTTP/1.1 200 OK");
    res.headers.emplace("X\r\nY", "z");
    res.headers.emplace("Content-Length", "3");
    res.headers.emplace("Transfer-Encoding", "chunked");
    res.headers.emplace("Connection", "close, X-Request-Id");
    res.headers.emplace("X-Request-Id", "another");
    res.headers.emplace("Date", "a day\nof my own");
    res.set_content("the body", "text/plain");
  }));
  client c = server.connect();
  const auto a = c.ask(get("/it", "X-Request-Id: mine\r\n"));
  EXPECT_EQ(a.body, "the body");
  EXPECT_EQ(a.header("content-length"), "8");
  EXPECT_EQ(a.header("location"), "/a  Set-Cookie: b    HTTP/1.1 200 OK");
  EXPECT_EQ(a.header("date"), "a day of my own");
  EXPECT_EQ(a.header("x-request-id"), "mine");
  for (const auto* none : {"set-cookie", "y", "transfer-encoding", "connection"}) {
    EXPECT_EQ(a.header(none), "") << none;
  }
  EXPECT_EQ(c.ask(get("/fast")).body, "fast\n") << "the connection is in step";
}

TEST(answer, of_a_status_that_has_no_content_has_none_on_the_wire) {
  for (const int status : {204, 205, 304}) {
    for (const bool streamed : {false, true}) {
      for (const bool in_a_pool : {false, true}) {
        live_server server(answered_by(of_status(status, streamed), in_a_pool));
        client c = server.connect();
        ASSERT_TRUE(c.send(get("/it") + get("/fast")));
        const auto a = c.receive(true);  // no body, whatever the head says
        EXPECT_EQ(a.status, status);
        EXPECT_EQ(a.header("content-length"), status == 205 ? "0" : "");
        EXPECT_EQ(a.header("transfer-encoding"), "");
        EXPECT_EQ(a.header("content-type"), "");
        EXPECT_EQ(c.receive().body, "fast\n") << status << ": what follows is the next answer";
        EXPECT_EQ(server.seen.nth(0).end, request_end::completed);
      }
    }
  }
}

TEST(answer, with_a_status_that_is_none_is_a_500) {
  for (const int status : {0, 42, 100, 101, 199, 600, 999}) {
    live_server server(answered_by(of_status(status)));
    client c = server.connect();
    const auto a = c.ask(get("/it"));
    EXPECT_EQ(a.status, 500) << status;
    EXPECT_EQ(a.header("content-type"), "application/problem+json");
    EXPECT_EQ(c.ask(get("/fast")).status, 200);
    EXPECT_NE(server.seen.nth(0).broken.find(std::to_string(status)), std::string::npos);
  }
}

TEST(answer, to_head_has_the_headers_of_get) {
  for (const bool streamed : {false, true}) {
    live_server server(answered_by(of_status(200, streamed)));
    client c = server.connect();
    const auto full = c.ask(get("/it"));
    ASSERT_TRUE(c.send("HEAD /it HTTP/1.1\r\nHost: test\r\n\r\n" + get("/fast")));
    const auto head = c.receive(true);
    EXPECT_EQ(c.receive().body, "fast\n");
    EXPECT_EQ(head.status, 200);
    for (const auto* name : {"content-type", "content-length", "transfer-encoding"}) {
      EXPECT_EQ(head.header(name), full.header(name)) << name;
    }
  }
}

TEST(answer, that_a_provider_makes_too_long_is_broken_off_at_its_length) {
  live_server server(answered_by([](const context&, const request&, response& res) {
    res.set_content_provider(
        4, "text/plain",
        [](std::size_t, std::size_t, httplib::DataSink& sink) { return sink.write("123456", 6); });
  }));
  client c = server.connect();
  const auto a = c.ask(get("/it"));
  EXPECT_EQ(a.header("content-length"), "4");
  EXPECT_EQ(a.body, "");
  EXPECT_FALSE(a.whole);
  EXPECT_EQ(server.seen.nth(0).end, request_end::failed);
}

TEST(answer, in_chunks_is_sent_as_it_is_to_a_client_of_http_1_0) {
  live_server server(answered_by([](const context&, const request&, response& res) {
    res.set_chunked_content_provider("text/plain", [](std::size_t, httplib::DataSink& sink) {
      sink.os << "rows" << 1;
      sink.done();
      return true;
    });
  }));
  client old = server.connect();
  const auto a = old.ask("GET /it HTTP/1.0\r\n\r\n");
  EXPECT_EQ(a.header("transfer-encoding"), "");
  EXPECT_EQ(a.body, "rows1");
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/it")).body, "rows1");
}

TEST(answer, that_only_the_close_would_end_is_broken_off_with_a_reset) {
  bool whole = false;
  live_server server(answered_by([&whole](const context& ctx, const request& req, response& res) {
    http::stream(ctx, req, res, "text/plain", [&whole](const context& c, http::body_writer& out) {
      static_cast<void>(out.write(c, "some of it"));
      return whole ? std::error_code{} : std::make_error_code(std::errc::io_error);
    });
  }));
  client torn = server.connect();
  EXPECT_TRUE(torn.send("GET /it HTTP/1.0\r\n\r\n"));
  static_cast<void>(torn.receive_rest());
  EXPECT_EQ(torn.how_it_ended(), ending::reset);
  EXPECT_EQ(server.seen.nth(0).end, request_end::failed);
  whole = true;
  client kept = server.connect();
  EXPECT_TRUE(kept.send("GET /it HTTP/1.0\r\n\r\n"));
  EXPECT_NE(kept.receive_rest().find("some of it"), std::string::npos);
  EXPECT_EQ(kept.how_it_ended(), ending::fin);
}

class range_of : public testing::TestWithParam<bool> {};

TEST_P(range_of, an_answer_that_offers_it_is_that_part) {
  live_server server(
      answered_by(GetParam() ? http::handler(digits) : http::handler(provided_digits)));
  client c = server.connect();
  auto a = c.ask(get("/it", "Range: bytes=2-5\r\n"));
  EXPECT_EQ(a.status, 206);
  EXPECT_EQ(a.body, "2345");
  EXPECT_EQ(a.header("content-range"), "bytes 2-5/10");
  EXPECT_EQ(a.header("content-length"), "4");
  EXPECT_EQ(c.ask(get("/it", "Range: bytes=7-\r\n")).body, "789");
  EXPECT_EQ(c.ask(get("/it", "Range: bytes=-1\r\n")).body, "9");
  a = c.ask(get("/it", "Range: bytes=10-\r\n"));
  EXPECT_EQ(a.status, 416);
  EXPECT_EQ(a.header("content-range"), "bytes */10");
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  EXPECT_TRUE(a.whole);
}

TEST_P(range_of, what_is_not_one_range_of_bytes_is_the_whole) {
  live_server server(
      answered_by(GetParam() ? http::handler(digits) : http::handler(provided_digits)));
  client c = server.connect();
  for (const auto* header :
       {"Range: lines=1-2\r\n", "Range: bytes=0-0,2-3\r\n", "Range: bytes=0-0%2C2-3\r\n",
        "Range: bytes=x\r\n", "Range: bytes=0-1\r\nRange: bytes=2-3\r\n",
        "Range: bytes=0-1\r\nIf-Range: \"another\"\r\n"}) {
    const auto a = c.ask(get("/it", header));
    EXPECT_EQ(a.status, 200) << header;
    EXPECT_EQ(a.body, "0123456789") << header;
    EXPECT_EQ(a.header("content-range"), "") << header;
  }
}

TEST(range_beyond, an_answer_is_a_problem_without_what_was_said_of_the_whole) {
  live_server server(answered_by([](const context&, const request&, response& res) {
    res.set_header("Content-Encoding", "br");
    res.set_header("Content-Disposition", "attachment");
    res.set_header("Accept-Ranges", "bytes");
    res.set_content("0123456789", "text/plain");
  }));
  client c = server.connect();
  const auto a = c.ask(get("/it", "Range: bytes=99-\r\n"));
  EXPECT_EQ(a.status, 416);
  EXPECT_EQ(a.header("content-encoding") + a.header("content-disposition"), "");
}

TEST_P(range_of, a_head_is_ignored) {
  live_server server(
      answered_by(GetParam() ? http::handler(digits) : http::handler(provided_digits)));
  client c = server.connect();
  ASSERT_TRUE(c.send("HEAD /it HTTP/1.1\r\nHost: test\r\nRange: bytes=2-5\r\n\r\n"));
  const auto a = c.receive(true);
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.header("content-length"), "10");
}

INSTANTIATE_TEST_SUITE_P(answers, range_of, testing::Bool(), [](const auto& of) {
  return of.param ? std::string("whole_in_memory") : std::string("provided");
});

TEST(range, of_an_answer_that_does_not_offer_it_is_the_whole_whatever_its_status) {
  live_server server(answered_by(of_status(404)));
  client c = server.connect();
  for (const auto* path : {"/fast", "/pool/fast", "/nothing", "/it", "/pool/bad", "/throw"}) {
    const auto whole = c.ask(get(path, "X-Request-Id: a\r\n"));
    for (const auto* value : {"bytes=0-3", "bytes=2-", "bytes=-4", "bytes=100000-"}) {
      const auto a = c.ask(get(path, "X-Request-Id: a\r\nRange: " + std::string(value) + "\r\n"));
      EXPECT_EQ(a.status, whole.status) << path;
      EXPECT_EQ(a.body, whole.body) << path;
      EXPECT_EQ(a.header("content-range"), "") << path;
    }
  }
}

std::string many_words() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text.append("word ").append(std::to_string(i)).append("\n");
  }
  return text;
}

void words(const context&, const request&, response& res) {
  res.set_content(many_words(), "text/plain");
}

TEST(compression, is_for_routes_that_ask_for_it_and_clients_that_take_it) {
  live_server server(answered_by(words, true, true));
  client c = server.connect();
  const auto text = many_words();
  auto a = c.ask(get("/it", "Accept-Encoding: br, gzip;q=0.8\r\n"));
  EXPECT_EQ(a.header("content-encoding"), "gzip");
  EXPECT_EQ(a.header("vary"), "Accept-Encoding");
  EXPECT_LT(a.body.size(), text.size() / 2);
  EXPECT_EQ(gunzip(a.body), text);
  for (const auto* header : {"", "Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: br\r\n",
                             "Accept-Encoding: identity, gzip;q=0.5\r\n"}) {
    a = c.ask(get("/it", header));
    EXPECT_EQ(a.header("content-encoding"), "") << header;
    EXPECT_EQ(a.header("vary"), "Accept-Encoding") << header;
    EXPECT_EQ(a.body, text) << header;
  }
  a = c.ask(get("/it", "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n"));
  EXPECT_EQ(a.header("content-encoding"), "gzip") << "several lines are one list";
  EXPECT_EQ(c.ask(get("/pool/big?size=100000", "Accept-Encoding: gzip\r\n")).body.size(), 100'000U);
  ASSERT_TRUE(c.send("HEAD /it HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n"));
  EXPECT_EQ(c.receive(true).header("content-encoding"), "gzip");
}

TEST(compression, leaves_what_is_offered_in_ranges_alone_and_strong_tags_to_what_they_name) {
  for (const bool in_ranges : {false, true}) {
    live_server server(answered_by(
        [in_ranges](const context&, const request&, response& res) {
          res.set_header("ETag", "\"v1\"");
          if (in_ranges) {
            res.set_header("Accept-Ranges", "bytes");
          }
          res.set_content(many_words(), "text/plain");
        },
        true, true));
    client c = server.connect();
    const auto a = c.ask(get("/it", "Accept-Encoding: gzip\r\n"));
    EXPECT_EQ(a.header("content-encoding"), in_ranges ? "" : "gzip");
    EXPECT_EQ(a.header("etag"), in_ranges ? "\"v1\"" : "W/\"v1\"");
    const auto rest = c.ask(get("/it", "Accept-Encoding: gzip\r\nRange: bytes=10-\r\n"));
    EXPECT_EQ(rest.header("content-encoding"), in_ranges ? "" : "gzip");
    EXPECT_EQ(rest.status, in_ranges ? 206 : 200);
  }
}

// A hang-up while it compresses ends the request with the time for which it went on: it is work.
TEST(compression, ends_with_its_request) {
  signals at;
  live_server server(answered_by(
      [&at](const context& ctx, const request&, response& res) {
        at.tell("entered");
        static_cast<void>(wait_done(ctx));
        res.set_content(many_words(), "text/plain");
      },
      true, true));
  {
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/it", "Accept-Encoding: gzip\r\n")));
    ASSERT_TRUE(at.await("entered"));
    c.reset();
  }
  const auto r = server.seen.nth(0);
  EXPECT_EQ(r.end, request_end::client_reset);
  EXPECT_TRUE(r.work_stopped);
}

TEST(form, of_a_request_is_read_whatever_its_size_and_its_fields_are_bounded) {
  setup how;
  how.more.push_back([](live_server& s) {
    s.server.handle({.method = "POST",
                     .path = "/form",
                     .runs_on = &s.many,
                     .answer = [](const context&, const request& req, response& res) {
                       res.set_content(std::to_string(req.get_param_value("a").size()),
                                       "text/plain");
                     }});
  });
  live_server server(how);
  client c = server.connect();
  const std::string type = "Content-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_EQ(c.ask(post("/form", "a=" + std::string(100'000, 'x'), type)).body, "100000");
  std::string many;
  for (int i = 0; i < 2'000; ++i) {
    many += "b&";
  }
  EXPECT_EQ(c.ask(post("/form", many, type)).status, 413);
}

}  // namespace
}  // namespace hangup::wire
