// What a program adds to the answers that the server makes itself: default headers, which all
// answers get, and pages for errors.
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

using http::error_page;
using http::server_error;

http::options with_headers() {
  return {.default_headers = {
              {"Server", "mine"}, {"X-Frame-Options", "DENY"}, {"Link", "<a>"}, {"Link", "<b>"}}};
}

TEST(default_headers, are_in_answers_of_handlers_unless_they_have_set_the_same) {
  setup how{.how = with_headers()};
  how.more.push_back([](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = "/own",
                     .answer = [](const context&, const http::request&, http::reply& res) {
                       res.set("x-frame-options", "SAMEORIGIN");
                       res.set("LINK", "<c>");
                       res.body("text/plain", "own");
                     }});
    s.server.handle({.method = "GET",
                     .path = "/both",
                     .answer = [](const context&, const httplib::Request&, httplib::Response& res) {
                       res.set_header("Server", "other");
                       res.set_content("both", "text/plain");
                     }});
  });
  live_server server(std::move(how));
  client c = server.connect();
  const auto plain = c.ask(get("/fast"));
  EXPECT_EQ(plain.header("server"), "mine");
  EXPECT_EQ(plain.header("x-frame-options"), "DENY");
  EXPECT_EQ(plain.header("link"), "twice") << "both of this name";
  const auto own = c.ask(get("/own"));
  EXPECT_EQ(own.header("server"), "mine");
  EXPECT_EQ(own.header("x-frame-options"), "SAMEORIGIN");
  EXPECT_EQ(own.header("link"), "<c>");
  EXPECT_EQ(c.ask(get("/both")).header("server"), "other");
  EXPECT_EQ(c.ask(get("/pool/rows?n=2")).header("server"), "mine") << "of a stream";
  ASSERT_TRUE(c.send("HEAD /fast HTTP/1.1\r\nHost: test\r\n\r\n"));
  EXPECT_EQ(c.receive(true).header("server"), "mine");
}

TEST(default_headers, are_in_the_answers_of_the_server_itself) {
  setup how{.how = with_headers()};
  how.how.max_connections = 4;
  live_server server(std::move(how));
  for (const auto& request :
       {get("/nowhere"), std::string("OPTIONS /fast HTTP/1.1\r\nHost: test\r\n\r\n"),
        post("/fast", ""), std::string("GET /fast HTTP/1.1\r\n\r\n"), get("/pool/throw"),
        get("/deadline/wait")}) {
    client c = server.connect();
    const auto a = c.ask(request);
    EXPECT_NE(a.status, 200) << request;
    EXPECT_EQ(a.header("server"), "mine") << request;
    EXPECT_EQ(a.header("x-frame-options"), "DENY") << request;
  }
  ASSERT_TRUE(server.await_no_connections());
  std::vector<client> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(server.connect());
    EXPECT_EQ(all.back().ask(get("/fast")).status, 200);
  }
  const auto refused = server.connect().receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("server"), "mine") << "of a connection too many";
}

TEST(default_headers, that_cannot_be_sent_are_refused_with_the_reason) {
  const auto why = [](std::string name, std::string value) -> std::string {
    try {
      const http::server none({.default_headers = {{std::move(name), std::move(value)}}});
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(why("X", "y\tz"), "");
  EXPECT_NE(why("X Y", "z").find("X Y: the name is not a token"), std::string::npos);
  EXPECT_NE(why("", "z").find("not a token"), std::string::npos);
  EXPECT_NE(why("X", "y\r\nZ: a").find("a control character"), std::string::npos);
  for (const char* const set : {"connection", "Content-Length", "Transfer-Encoding", "Date",
                                "content-type", "X-Request-Id", "Content-Encoding"}) {
    EXPECT_NE(why(set, "1").find("sets it itself"), std::string::npos) << set;
  }
  EXPECT_NE(why("X", std::string(8 << 10, 'x')).find("allowed are 8192"), std::string::npos);
  EXPECT_EQ(why("X", std::string((8 << 10) - 5, 'x')), "");
}

// Says what it was told.
error_page told(const server_error& e) {
  std::string text = std::to_string(e.status);
  text.append("|").append(e.detail).append("|").append(e.request_id).append("|");
  text.append(e.head != nullptr ? e.head->target() : "none");
  return {"text/x-error", text};
}

http::options with_pages() {
  return {.make_error = told};
}

std::string id_of(const answer& a) {
  return a.header("x-request-id");
}

TEST(own_error_pages, are_the_bodies_of_what_the_server_refuses) {
  live_server server({.how = with_pages()});
  const auto ask = [&server](const std::string& request) { return server.connect().ask(request); };
  const auto none = ask(get("/nowhere?a=1"));
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.header("content-type"), "text/x-error");
  EXPECT_EQ(none.body, "404|there is nothing at this path|" + id_of(none) + "|/nowhere?a=1");
  EXPECT_EQ(none.header("content-length"), std::to_string(none.body.size()));
  const auto other = ask(post("/fast", ""));
  EXPECT_EQ(other.status, 405);
  EXPECT_EQ(other.header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_TRUE(other.body.starts_with("405|the methods here are")) << other.body;
  const auto bad = ask("GET /fast HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bad.status, 400);
  EXPECT_TRUE(bad.body.starts_with("400|")) << bad.body;
  EXPECT_TRUE(bad.body.ends_with("|none")) << bad.body;
  const auto large = ask(part_of_body("/echo", 1 << 20, 0));
  EXPECT_EQ(large.status, 413);
  EXPECT_TRUE(large.body.ends_with("|/echo")) << large.body;
  client c = server.connect();
  ASSERT_TRUE(c.send("HEAD /nowhere HTTP/1.1\r\nHost: test\r\n\r\n"));
  const auto head = c.receive(true);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.header("content-type"), "text/x-error");
  EXPECT_EQ(c.ask(get("/fast")).body, "fast\n") << "on the same connection";
  EXPECT_EQ(ask("OPTIONS /fast HTTP/1.1\r\nHost: test\r\n\r\n").status, 204) << "is no error";
}

TEST(own_error_pages, are_there_when_handlers_fail_or_end_without_an_answer) {
  setup how{.how = with_pages()};
  how.more.push_back([](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = "/thrown",
                     .answer = [](const context&, const http::request&, http::reply&) {
                       throw http::problem_error(409, "twice");
                     }});
    s.server.handle({.method = "GET",
                     .path = "/bare",
                     .answer = [](const context&, const http::request&, http::reply& res) {
                       res.status(418);
                     }});
    s.server.handle({.method = "GET",
                     .path = "/range",
                     .answer = [](const context&, const http::request&, http::reply& res) {
                       res.body("text/plain", "short");
                       res.offer_ranges();
                     }});
  });
  live_server server(std::move(how));
  client c = server.connect();
  for (const auto& [path, starts] : std::vector<std::pair<std::string, std::string>>{
           {"/pool/throw", "500|the server failed to answer this request|"},
           {"/thrown", "409|twice|"},
           {"/bare", "418|"},
           {"/deadline/wait", "504|the deadline"}}) {
    const auto a = c.ask(get(path));
    EXPECT_EQ(a.header("content-type"), "text/x-error") << path;
    EXPECT_TRUE(a.body.starts_with(starts)) << a.body;
    EXPECT_TRUE(a.body.ends_with("|" + id_of(a) + "|" + path)) << a.body;
    EXPECT_EQ(a.body.find("secret"), std::string::npos) << a.body;
  }
  const auto beyond = c.ask(get("/range", "Range: bytes=100-\r\n"));
  EXPECT_EQ(beyond.status, 416);
  EXPECT_TRUE(beyond.body.starts_with("416|")) << beyond.body;
  EXPECT_EQ(beyond.header("content-range"), "bytes */5");
}

TEST(own_error_pages, are_not_in_the_place_of_what_a_handler_has_said) {
  setup how{.how = with_pages()};
  how.more.push_back([](live_server& s) {
    s.server.handle({.method = "GET",
                     .path = "/problem",
                     .answer = [](const context&, const http::request&, http::reply& res) {
                       res.problem(404, "no such report");
                     }});
  });
  live_server server(std::move(how));
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/problem")).header("content-type"), "application/problem+json");
  EXPECT_EQ(c.ask(get("/pool/bad")).header("content-type"), "application/problem+json");
}

TEST(own_error_pages, are_there_when_a_queue_is_full_and_when_the_server_stops) {
  live_server server({.how = with_pages(), .queue_of_one = 1});
  client first = server.connect();
  client second = server.connect();
  client third = server.connect();
  ASSERT_TRUE(first.send(get("/one/wait")));
  ASSERT_TRUE(server.at.await("/one/wait"));
  ASSERT_TRUE(second.send(get("/one/wait?second")));
  ASSERT_TRUE(eventually([&] { return server.one.now().queued == 1; }));
  const auto full = third.ask(get("/one/wait?third"));
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.header("retry-after"), "1");
  EXPECT_TRUE(full.body.starts_with("503|")) << full.body;
  const auto [now, cancel] = with_timeout(background(), 0s);
  EXPECT_FALSE(server.server.drain(now, patience));
  for (auto* const c : {&first, &second}) {
    const auto a = c->receive();
    EXPECT_EQ(a.status, 503);
    EXPECT_TRUE(a.body.starts_with("503|the server ended this request")) << a.body;
  }
}

TEST(own_error_pages, are_there_when_a_task_fails) {
  with_tasks server(
      [](live_server& s, loop& tasks) {
        s.server.handle({.method = "GET",
                         .path = "/task",
                         .on_loop = &tasks,
                         .answer = [](const context&, http::request&, http::reply&) -> task<> {
                           throw std::runtime_error("a secret of the task");
                           co_return;
                         }});
      },
      {.how = with_pages()});
  const auto a = server->connect().ask(get("/task"));
  EXPECT_EQ(a.body, "500|the server failed to answer this request|" + id_of(a) + "|/task");
}

TEST(own_error_pages, are_there_for_one_connection_too_many) {
  setup how{.how = with_pages()};
  how.how.max_connections = 1;
  live_server server(std::move(how));
  client one = server.connect();
  EXPECT_EQ(one.ask(get("/fast")).status, 200);
  const auto a = server.connect().receive();
  EXPECT_EQ(a.body, "503|too many connections to the server||none");
}

TEST(own_error_pages, that_cannot_be_made_or_sent_give_the_problem) {
  setup how;
  how.how.make_error = [](const server_error& e) -> std::optional<error_page> {
    const auto path = e.head != nullptr ? e.head->path() : std::string_view();
    if (path == "/throws") {
      throw std::runtime_error("a secret of the page");
    }
    if (path == "/throws_int") {
      throw 42;
    }
    if (path == "/large") {
      return error_page{"text/plain", std::string(http::most_error_page + 1, 'x')};
    }
    if (path == "/largest") {
      return error_page{"text/plain", std::string(http::most_error_page, 'x')};
    }
    if (path == "/typeless") {
      return error_page{"", "x"};
    }
    if (path == "/split") {
      return error_page{"text/plain\r\nSet-Cookie: a", "x"};
    }
    return std::nullopt;
  };
  live_server server(std::move(how));
  client c = server.connect();
  for (const std::string path :
       {"/throws", "/throws_int", "/large", "/typeless", "/split", "/left_alone"}) {
    const auto a = c.ask(get(path));
    EXPECT_EQ(a.status, 404) << path;
    EXPECT_EQ(a.header("content-type"), "application/problem+json") << path;
    EXPECT_EQ(a.header("set-cookie"), "") << path;
    EXPECT_NE(a.body.find("\"status\":404"), std::string::npos) << a.body;
    EXPECT_EQ(a.body.find("secret"), std::string::npos) << a.body;
  }
  EXPECT_EQ(c.ask(get("/largest")).body.size(), http::most_error_page);
}

}  // namespace
}  // namespace hangup::wire
