// A guard that sees the head of every request, before anything of its body is read.
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

using http::denial;

// Whom the guards are for is in X-Let-In: "all", "all,operators", ...
std::optional<denial> let_in(const http::request& req, std::string_view by) {
  const auto by_whom = req.header("X-Let-In").value_or("");
  if (by_whom.find(by) != std::string_view::npos) {
    return std::nullopt;
  }
  return denial{401, "not past " + std::string(by), "WWW-Authenticate: Bearer\r\n"};
}

struct seen_heads {
  std::atomic<int> by_all{0};
  std::atomic<int> by_operators{0};
  std::atomic<int> by_route{0};
};

setup guarded(seen_heads& seen) {
  setup how;
  how.more.push_back([&seen](live_server& s) {
    s.server.guard_all([&seen](const http::request& req) {
      ++seen.by_all;
      return let_in(req, "all");
    });
    s.server.guard_operators([&seen](const http::request& req) {
      ++seen.by_operators;
      return let_in(req, "operators");
    });
    const auto echo = [](const context&, const http::request& req, http::reply& res) {
      res.body("text/plain", std::string(req.path_parameter()) + std::string(req.body()));
    };
    s.server.handle({.method = "POST",
                     .path = "/guarded/{id}",
                     .runs_on = &s.many,
                     .serves = http::audience::operators,
                     .admits =
                         [&seen](const http::request& req) {
                           ++seen.by_route;
                           return let_in(req, "route");
                         },
                     .answer = echo});
    s.server.handle({.method = "POST", .path = "/open", .answer = echo});
  });
  return how;
}

TEST(guard_all, is_asked_before_the_body_has_come) {
  seen_heads seen;
  live_server server(guarded(seen));
  client c = server.connect();
  ASSERT_TRUE(c.send(part_of_body("/guarded/7", 1 << 20, 10)));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 401);
  EXPECT_NE(a.body.find("not past all"), std::string::npos);
  EXPECT_EQ(a.header("www-authenticate"), "Bearer");
  EXPECT_EQ(a.header("connection"), "close") << "the rest of the body is not read";
  EXPECT_FALSE(server.seen.of("/guarded/7").started);
}

TEST(guard_all, is_asked_before_the_client_is_told_to_send_the_body) {
  seen_heads seen;
  live_server server(guarded(seen));
  client c = server.connect();
  const auto head = [](std::string_view in) {
    return "POST /open HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
           "X-Let-In: " +
           std::string(in) + "\r\n\r\n";
  };
  EXPECT_EQ(c.ask(head("nobody")).status, 401) << "and no 100 before it";
  client other = server.connect();
  EXPECT_EQ(other.ask(head("all")).status, 100);
  EXPECT_EQ(other.ask("body").body, "body");
}

TEST(guard_all, is_asked_about_what_has_no_route_too) {
  seen_heads seen;
  live_server server(guarded(seen));
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/nowhere")).status, 401);
  EXPECT_EQ(c.ask(get("/open")).status, 401) << "not 405";
  EXPECT_EQ(c.ask("OPTIONS /open HTTP/1.1\r\nHost: test\r\n\r\n").status, 401);
  EXPECT_EQ(c.ask("OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n").status, 401);
  EXPECT_EQ(seen.by_all, 4);
  EXPECT_EQ(c.ask(get("/nowhere", "X-Let-In: all\r\n")).status, 404);
  EXPECT_EQ(c.ask(get("/open", "X-Let-In: all\r\n")).status, 405);
  EXPECT_EQ(server.seen.nth(0).path, "none");
  EXPECT_EQ(c.ask("GET /nowhere HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(seen.by_all, 6) << "a head that is refused is seen by nobody";
}

TEST(guard_all, comes_before_that_of_operators_and_that_before_the_one_of_the_route) {
  seen_heads seen;
  live_server server(guarded(seen));
  const auto ask = [&server](std::string_view in) {
    return server.connect().ask(post("/guarded/7", "x", "X-Let-In: " + std::string(in) + "\r\n"));
  };
  EXPECT_NE(ask("operators,route").body.find("not past all"), std::string::npos);
  EXPECT_EQ(seen.by_operators, 0);
  EXPECT_NE(ask("all,route").body.find("not past operators"), std::string::npos);
  EXPECT_EQ(seen.by_route, 0);
  EXPECT_NE(ask("all,operators").body.find("not past route"), std::string::npos);
  EXPECT_EQ(seen.by_route, 1);
  EXPECT_EQ(ask("all,operators,route").body, "7x");
}

TEST(guard_all, sees_the_head_and_the_segment_of_the_path_and_no_body) {
  setup how;
  std::atomic<bool> fits{false};
  how.more.push_back([&fits](live_server& s) {
    s.server.guard_all([&fits](const http::request& req) -> std::optional<denial> {
      fits = req.method() == "PUT" && req.path() == "/of/7" && req.parameter("a") == "b c" &&
             req.header("X") == "y" && req.path_parameter("id") == "7" && req.body().empty() &&
             req.remote_address() == "127.0.0.1" && !req.is_tls();
      return std::nullopt;
    });
    s.server.handle({.method = "PUT",
                     .path = "/of/{id}",
                     .runs_on = &s.many,
                     .answer = [](const context&, const http::request& req, http::reply& res) {
                       res.body("text/plain", std::string(req.body()));
                     }});
  });
  live_server server(std::move(how));
  client c = server.connect();
  const auto a =
      c.ask("PUT /of/7?a=b+c HTTP/1.1\r\nHost: test\r\nX: y\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(a.body, "body");
  EXPECT_TRUE(fits);
}

TEST(guard_all, may_answer_a_preflight_and_send_clients_elsewhere) {
  setup how;
  how.more.push_back([](live_server& s) {
    s.server.guard_all([](const http::request& req) -> std::optional<denial> {
      if (req.method() == "OPTIONS") {
        return denial{.status = 204, .headers = "Access-Control-Allow-Origin: *\r\n"};
      }
      if (req.path() == "/old") {
        return denial{.status = 303, .headers = "Location: /fast\r\n"};
      }
      return std::nullopt;
    });
  });
  live_server server(std::move(how));
  client c = server.connect();
  const auto preflight = c.ask("OPTIONS /echo HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("access-control-allow-origin"), "*");
  EXPECT_EQ(preflight.header("allow"), "") << "it is the guard's answer";
  const auto elsewhere = c.ask(get("/old"));
  EXPECT_EQ(elsewhere.status, 303);
  EXPECT_EQ(elsewhere.header("location"), "/fast");
  EXPECT_EQ(elsewhere.header("content-length"), "0");
  EXPECT_EQ(c.ask(get("/fast")).status, 200) << "on the same connection";
}

TEST(guard_all, cannot_break_an_answer_by_its_lines_or_its_status) {
  setup how;
  how.more.push_back([](live_server& s) {
    s.server.guard_all([](const http::request& req) -> std::optional<denial> {
      if (req.path() == "/lines") {
        return denial{403, "no",
                      "X-One: 1\nX-Two: 2\r\n\r\nContent-Length: 5\r\nno line\r\nX-Three: 3"};
      }
      if (req.path() == "/status") {
        return denial{.status = 100};
      }
      return std::nullopt;
    });
  });
  live_server server(std::move(how));
  client c = server.connect();
  const auto a = c.ask(get("/lines"));
  EXPECT_EQ(a.status, 403);
  EXPECT_EQ(a.header("x-one"), "1");
  EXPECT_EQ(a.header("x-two"), "2");
  EXPECT_EQ(a.header("x-three"), "3");
  EXPECT_EQ(a.header("content-length"), std::to_string(a.body.size()));
  EXPECT_EQ(c.ask(get("/status")).status, 500);
}

TEST(guard_all, that_throws_lets_nobody_in) {
  setup how;
  how.more.push_back([](live_server& s) {
    s.server.guard_all([](const http::request& req) -> std::optional<denial> {
      if (req.path() == "/fast") {
        throw std::runtime_error("a guard must not throw");
      }
      return std::nullopt;
    });
  });
  live_server server(std::move(how));
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/fast")));
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_EQ(server.at.count("/fast"), 0);
  EXPECT_EQ(server.connect().ask(get("/pool/fast")).status, 200) << "the others go on";
}

// One that came later, or a second one, would have been ignored for some requests, or raced with
// them.
TEST(a_server, is_not_told_after_its_start_what_it_serves) {
  live_server one;
  auto& s = one.server;
  const auto nobody = [](const http::request&) -> std::optional<denial> { return denial{}; };
  const auto nothing = [](const context&, const http::request&, http::reply&) {};
  EXPECT_THROW(s.handle({.method = "GET", .path = "/added-later", .answer = nothing}),
               std::logic_error);
  EXPECT_THROW(s.guard_all(nobody), std::logic_error);
  EXPECT_THROW(s.guard_operators(nobody), std::logic_error);
  EXPECT_THROW(s.observe(one.seen), std::logic_error);
  client c = one.connect();
  EXPECT_EQ(c.ask(get("/added-later")).status, 404);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST(a_server, has_one_guard_of_each_kind_and_that_of_operators_before_their_routes) {
  const auto nobody = [](const http::request&) -> std::optional<denial> { return denial{}; };
  http::server s;
  s.guard_all(nobody);
  EXPECT_THROW(s.guard_all(nobody), std::logic_error);
  s.guard_operators(nobody);
  EXPECT_THROW(s.guard_operators(nobody), std::logic_error);
  http::server late;
  late.handle({.method = "GET",
               .path = "/secret",
               .serves = http::audience::operators,
               .answer = [](const context&, const http::request&, http::reply&) {}});
  EXPECT_THROW(late.guard_operators(nobody), std::logic_error) << "/secret would have been open";
}

}  // namespace
}  // namespace hangup::wire
