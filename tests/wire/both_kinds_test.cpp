// A native handler and one of cpp-httplib that say the same are the same on the wire.
#include <gtest/gtest.h>

#include "hangup/http/form.h"
#include "tests/support/gunzip.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

enum class kind { native, of_cpp_httplib };

class both_kinds : public testing::TestWithParam<kind> {
 protected:
  using native = http::native_handler;
  using httplib_kind = http::httplib_handler;

  // A server with a route "/it" of this method, answered by the handler of the kind that is tested.
  setup with(const native& n, const httplib_kind& h, std::string method = "GET",
             bool compress = false, bool in_a_pool = true) const {
    http::handler answer = GetParam() == kind::native ? http::handler(n) : http::handler(h);
    setup how;
    how.more.push_back([answer = std::move(answer), method = std::move(method), compress,
                        in_a_pool](live_server& s) {
      s.server.handle({.method = method,
                       .path = "/it",
                       .runs_on = in_a_pool ? &s.many : nullptr,
                       .compress = compress,
                       .answer = answer});
    });
    return how;
  }
};

using httplib::Request;
using httplib::Response;

std::string all_of(const Request& req, const std::string& name) {
  std::string list;
  const auto [first, last] = req.headers.equal_range(name);
  for (auto line = first; line != last; ++line) {
    list.append(list.empty() ? "" : ", ").append(line->second);
  }
  return list;
}

TEST_P(both_kinds, get_the_same_request) {
  const auto line = [](std::string_view name, std::string_view value) {
    return std::string(name).append("=").append(value).append("\n");
  };
  live_server server(with(
      [&](const context&, const http::request& req, http::reply& res) {
        std::string text = line("method", req.method()) + line("target", req.target()) +
                           line("path", req.path()) + line("a", *req.parameter("a")) +
                           line("second", req.parameter_values("a").at(1)) +
                           line("x", req.header_list("x")) + line("body", req.body());
        res.body("text/plain", text + line("from", req.remote_address()));
      },
      [&](const context&, const Request& req, Response& res) {
        std::string text = line("method", req.method) + line("target", req.target) +
                           line("path", req.path) + line("a", req.get_param_value("a")) +
                           line("second", req.get_param_value("a", 1)) +
                           line("x", all_of(req, "X")) + line("body", req.body);
        res.set_content(text + line("from", req.remote_addr), "text/plain");
      },
      "POST"));
  client c = server.connect();
  const auto target = "/%69t?a=1+2%2B3&b=%zz&a=%2541";
  EXPECT_EQ(c.ask(post(target, "the body", "X: one\r\nx: two\r\n")).body,
            "method=POST\ntarget=" + std::string(target) +
                "\npath=/it\na=1 2+3\nsecond=%41\nx=one, two\nbody=the body\nfrom=127.0.0.1\n");
}

TEST_P(both_kinds, answer_whole_bodies_with_their_length) {
  for (const bool in_a_pool : {false, true}) {
    live_server server(with(
        [](const context&, const http::request&, http::reply& res) {
          res.status(201);
          res.set("Location", "/made");
          res.add("Set-Cookie", "a=1");
          res.add("Set-Cookie", "b=2");
          res.body("text/css", "whole");
        },
        [](const context&, const Request&, Response& res) {
          res.status = 201;
          res.set_header("Location", "/made");
          res.headers.emplace("Set-Cookie", "a=1");
          res.headers.emplace("Set-Cookie", "b=2");
          res.set_content("whole", "text/css");
        },
        "GET", false, in_a_pool));
    client c = server.connect();
    const auto a = c.ask(get("/it", "X-Request-Id: mine\r\n"));
    EXPECT_EQ(a.status, 201);
    EXPECT_EQ(a.body, "whole");
    EXPECT_EQ(a.header("content-length"), "5");
    EXPECT_EQ(a.header("content-type"), "text/css");
    EXPECT_EQ(a.header("location"), "/made");
    EXPECT_EQ(a.header("x-request-id"), "mine");
    EXPECT_EQ(a.header("date").size(), 29U);
    ASSERT_TRUE(c.send("HEAD /it HTTP/1.1\r\nHost: test\r\n\r\n" + get("/fast")));
    EXPECT_EQ(c.receive(true).header("content-length"), "5");
    EXPECT_EQ(c.receive().body, "fast\n");
    client raw = server.connect();
    ASSERT_TRUE(raw.send("GET /it HTTP/1.0\r\n\r\n"));
    const auto text = raw.receive_rest();
    EXPECT_NE(text.find("Set-Cookie: a=1\r\n"), std::string::npos);
    EXPECT_NE(text.find("Set-Cookie: b=2\r\n"), std::string::npos);
    EXPECT_NE(text.find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(text.find("HTTP/1.1 201 Created\r\n"), 0U);
  }
}

TEST_P(both_kinds, stream_in_chunks_or_until_the_close) {
  const auto rows = [](const context& ctx, http::body_writer& out) {
    std::error_code ec;
    for (int i = 0; i < 3 && !ec; ++i) {
      ec = out.write(ctx, std::to_string(i) + "\n");
    }
    return ec;
  };
  live_server server(with([rows](const context&, const http::request&,
                                 http::reply& res) { res.stream("text/csv", rows); },
                          [rows](const context& ctx, const Request& req, Response& res) {
                            http::stream(ctx, req, res, "text/csv", rows);
                          }));
  client c = server.connect();
  const auto a = c.ask(get("/it", "Accept: text/html, */*;q=0.1\r\n"));
  EXPECT_EQ(a.body, "0\n1\n2\n");
  EXPECT_EQ(a.header("transfer-encoding"), "chunked");
  EXPECT_EQ(a.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(a.header("cache-control"), "no-store");
  EXPECT_EQ(a.header("vary"), "Accept");
  EXPECT_EQ(c.ask(get("/it")).header("content-type"), "text/csv");
  ASSERT_TRUE(c.send("HEAD /it HTTP/1.1\r\nHost: test\r\n\r\n" + get("/fast")));
  EXPECT_EQ(c.receive(true).header("transfer-encoding"), "chunked");
  EXPECT_EQ(c.receive().body, "fast\n");
  client old = server.connect();
  const auto until_close = old.ask("GET /it HTTP/1.0\r\n\r\n");
  EXPECT_EQ(until_close.body, "0\n1\n2\n");
  EXPECT_EQ(until_close.header("transfer-encoding"), "");
}

TEST_P(both_kinds, offer_ranges_of_a_stream_with_a_length) {
  live_server server(with(
      [](const context&, const http::request&, http::reply& res) {
        res.offer_ranges();
        res.set("ETag", "\"v1\"");
        res.stream("text/plain", 10,
                   [](const context& ctx, http::body_writer& out, std::uint64_t first,
                      std::uint64_t length) {
                     return out.write(ctx, std::string_view("0123456789").substr(first, length));
                   });
      },
      [](const context&, const Request&, Response& res) {
        res.set_header("Accept-Ranges", "bytes");
        res.set_header("ETag", "\"v1\"");
        res.set_header("Cache-Control", "no-store");
        res.set_content_provider(
            10, "text/plain", [](std::size_t at, std::size_t length, httplib::DataSink& sink) {
              return sink.write(std::string("0123456789").substr(at, length).data(), length);
            });
      }));
  client c = server.connect();
  auto a = c.ask(get("/it"));
  EXPECT_EQ(a.body, "0123456789");
  EXPECT_EQ(a.header("content-length"), "10");
  EXPECT_EQ(a.header("accept-ranges"), "bytes");
  a = c.ask(get("/it", "Range: bytes=2-5\r\nIf-Range: \"v1\"\r\n"));
  EXPECT_EQ(a.status, 206);
  EXPECT_EQ(a.body, "2345");
  EXPECT_EQ(a.header("content-range"), "bytes 2-5/10");
  EXPECT_EQ(c.ask(get("/it", "Range: bytes=2-5\r\nIf-Range: \"v0\"\r\n")).status, 200);
  a = c.ask(get("/it", "Range: bytes=10-\r\n"));
  EXPECT_EQ(a.status, 416);
  EXPECT_EQ(a.header("etag"), "");
  EXPECT_EQ(a.header("content-range"), "bytes */10");
}

TEST_P(both_kinds, send_no_range_of_what_does_not_offer_it) {
  live_server server(with([](const context&, const http::request&,
                             http::reply& res) { res.body("text/plain", "0123456789"); },
                          [](const context&, const Request&, Response& res) {
                            res.set_content("0123456789", "text/plain");
                          }));
  client c = server.connect();
  const auto a = c.ask(get("/it", "Range: bytes=2-5\r\n"));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "0123456789");
}

TEST_P(both_kinds, are_cut_off_when_they_send_more_or_less_than_they_have_announced) {
  for (const bool more : {false, true}) {
    live_server server(with(
        [more](const context&, const http::request&, http::reply& res) {
          res.stream(
              "text/plain", 4,
              [more](const context& ctx, http::body_writer& out, std::uint64_t, std::uint64_t) {
                static_cast<void>(out.write(ctx, more ? "123456" : "12"));
                return std::error_code();
              });
        },
        [more](const context&, const Request&, Response& res) {
          res.set_content_provider(
              4, "text/plain", [more](std::size_t at, std::size_t, httplib::DataSink& sink) {
                return more ? sink.write("123456", 6) : at == 0 && sink.write("12", 2);
              });
        }));
    client c = server.connect();
    const auto a = c.ask(get("/it"));
    EXPECT_EQ(a.header("content-length"), "4");
    EXPECT_EQ(a.body, more ? "" : "12");
    EXPECT_FALSE(a.whole);
    EXPECT_EQ(server.seen.nth(0).end, request_end::failed);
  }
}

TEST_P(both_kinds, have_no_content_where_the_status_has_none) {
  for (const int status : {204, 205, 304}) {
    live_server server(with(
        [status](const context&, const http::request&, http::reply& res) {
          res.body("text/plain", "dropped");
          res.status(status);
        },
        [status](const context&, const Request&, Response& res) {
          res.set_content("dropped", "text/plain");
          res.status = status;
        }));
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/it") + get("/fast")));
    const auto a = c.receive(true);
    EXPECT_EQ(a.status, status);
    EXPECT_EQ(a.header("content-length"), status == 205 ? "0" : "");
    EXPECT_EQ(a.header("content-type"), "");
    EXPECT_EQ(c.receive().body, "fast\n");
  }
}

TEST_P(both_kinds, may_throw_a_problem_or_anything_else) {
  const auto thrown = [](const std::string& what) {
    if (what == "problem") {
      throw http::problem_error(503, "no room here");
    }
    if (what == "odd") {
      throw http::problem_error(99, "no status");
    }
    if (what == "int") {
      throw 42;
    }
    throw std::runtime_error("a secret");
  };
  live_server server(with(
      [thrown](const context&, const http::request& req, http::reply& res) {
        res.set("X", "not sent");
        res.body("text/plain", "half of");
        thrown(std::string(*req.parameter("what")));
      },
      [thrown](const context&, const Request& req, Response& res) {
        res.set_header("X", "not sent");
        res.set_content("half of", "text/plain");
        thrown(req.get_param_value("what"));
      }));
  client c = server.connect();
  const auto a = c.ask(get("/it?what=problem"));
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.header("retry-after"), "1");
  EXPECT_EQ(a.header("x"), "");
  EXPECT_NE(a.body.find("no room here"), std::string::npos);
  for (const auto* what : {"odd", "int", "error"}) {
    const auto other = c.ask(get(std::string("/it?what=") + what));
    EXPECT_EQ(other.status, 500) << what;
    EXPECT_EQ(other.header("content-type"), "application/problem+json");
    EXPECT_EQ(other.body.find("secret"), std::string::npos);
  }
}

TEST_P(both_kinds, are_stopped_by_a_hang_up_and_need_not_answer) {
  signals at;
  const auto waits = [&at](const context& ctx) {
    at.tell("entered");
    static_cast<void>(wait_done(ctx));
    at.tell("stopped");
  };
  live_server server(
      with([waits](const context& ctx, const http::request&, http::reply&) { waits(ctx); },
           [waits](const context& ctx, const Request&, Response&) { waits(ctx); }));
  {
    client c = server.connect();
    ASSERT_TRUE(c.send(get("/it")));
    ASSERT_TRUE(at.await("entered"));
    c.reset();
  }
  ASSERT_TRUE(at.await("stopped"));
  EXPECT_EQ(server.seen.nth(0).end, request_end::client_reset);
  EXPECT_EQ(server.seen.nth(0).status, 499);
}

TEST_P(both_kinds, give_back_what_a_stream_owns_before_the_request_has_ended) {
  struct owner_of_something {
    explicit owner_of_something(signals& s) : at(s) {}
    ~owner_of_something() { at.tell(at.count("over") == 0 ? "given back" : "too late"); }
    signals& at;
  };
  class told final : public http::observer {
   public:
    explicit told(signals& s) : at(s) {}
    void ended(const http::request_report&) noexcept override { at.tell("over"); }
    signals& at;
  };
  signals at;
  told end(at);
  const auto rows = [&at] {
    return [owned = std::make_shared<owner_of_something>(at)](
               const context& ctx, http::body_writer& out) { return out.write(ctx, "a row\n"); };
  };
  auto how = with([rows](const context&, const http::request&,
                         http::reply& res) { res.stream("text/plain", rows()); },
                  [rows](const context& ctx, const Request& req, Response& res) {
                    http::stream(ctx, req, res, "text/plain", rows());
                  });
  how.more.push_back([&end](live_server& s) { s.server.observe(end); });
  live_server server(how);
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/it")).body, "a row\n");
  ASSERT_TRUE(at.await("over"));
  EXPECT_EQ(at.count("given back"), 1);
}

TEST_P(both_kinds, are_compressed_where_the_route_says_so_and_the_client_takes_it) {
  const std::string text(100'000, 't');
  live_server server(with(
      [text](const context&, const http::request&, http::reply& res) {
        res.set("ETag", "\"v1\"");
        res.body("text/plain", text);
      },
      [text](const context&, const Request&, Response& res) {
        res.set_header("ETag", "\"v1\"");
        res.set_content(text, "text/plain");
      },
      "GET", true));
  client c = server.connect();
  auto a = c.ask(get("/it", "Accept-Encoding: br;q=1, gzip;q=0.5\r\n"));
  EXPECT_EQ(a.header("content-encoding"), "gzip");
  EXPECT_EQ(a.header("vary"), "Accept-Encoding");
  EXPECT_EQ(a.header("etag"), "W/\"v1\"");
  EXPECT_EQ(gunzip(a.body), text);
  a = c.ask(get("/it", "Accept-Encoding: gzip;q=0\r\n"));
  EXPECT_EQ(a.header("content-encoding"), "");
  EXPECT_EQ(a.header("vary"), "Accept-Encoding");
  EXPECT_EQ(a.body, text);
}

TEST_P(both_kinds, get_the_fields_of_a_form) {
  live_server server(with(
      [](const context&, const http::request& req, http::reply& res) {
        std::string text;
        for (const auto& f : http::form_of(req)) {
          text += f.name + "=" + f.value + ";";
        }
        res.body("text/plain", text);
      },
      [](const context&, const Request& req, Response& res) {
        res.set_content("a=" + req.get_param_value("a") + ";b=" + req.get_param_value("b") + ";",
                        "text/plain");
      },
      "POST"));
  client c = server.connect();
  const std::string type = "Content-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_EQ(c.ask(post("/it", "a=1+2&b=%2541", type)).body, "a=1 2;b=%41;");
  EXPECT_EQ(c.ask(post("/it", "--x", "Content-Type: multipart/form-data\r\n")).status, 400);
  std::string many;
  for (int i = 0; i < 2'000; ++i) {
    many += "b&";
  }
  EXPECT_EQ(c.ask(post("/it", many, type)).status, 413);
  EXPECT_EQ(c.ask(get("/fast")).body, "fast\n") << "the connection is in step";
}

INSTANTIATE_TEST_SUITE_P(of_handlers, both_kinds,
                         testing::Values(kind::native, kind::of_cpp_httplib), [](const auto& of) {
                           return of.param == kind::native ? std::string("native")
                                                           : std::string("of_cpp_httplib");
                         });

// What only a native handler can try: see tests/unit/http/run/reply_test.cpp for every byte.
TEST(native_handler, that_sets_a_header_with_a_line_end_is_a_500_without_it) {
  setup how;
  how.more.push_back([](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = "/it",
                     .answer = [](const context&, const http::request& req, http::reply& res) {
                       res.set("Location", *req.parameter("to"));
                     }});
  });
  live_server server(how);
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/it?to=/a")).header("location"), "/a");
  const auto a = c.ask(get("/it?to=/a%0d%0aSet-Cookie:%20b"));
  EXPECT_EQ(a.status, 500);
  EXPECT_EQ(a.header("set-cookie") + a.header("location"), "");
  EXPECT_NE(server.seen.nth(1).broken.find("control character"), std::string::npos);
}

TEST(native_handler, with_a_status_that_is_none_is_a_500) {
  setup how;
  how.more.push_back([](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = "/it",
                     .answer = [](const context&, const http::request&, http::reply& res) {
                       res.status(100);
                     }});
  });
  live_server server(how);
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/it")).status, 500);
}

}  // namespace
}  // namespace hangup::wire
