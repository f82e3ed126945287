// Routes with a segment that the client chooses, by raw bytes: what reaches the handler, under
// which name it is reported, and what is nothing at all.
#include <gtest/gtest.h>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

setup with_things() {
  setup how;
  how.more.push_back([](live_server& s) {
    const auto add = [&s](const char* method, const char* path, pool* on) {
      s.server.handle({.method = method,
                       .path = path,
                       .runs_on = on,
                       .answer = [](const context&, const http::request& req, http::reply& res) {
                         res.body("text/plain", "<" + std::string(req.path_parameter()) + ">");
                       }});
    };
    add("GET", "/things/{id}", nullptr);
    add("DELETE", "/things/{id}", nullptr);
    add("GET", "/things/{id}/part", &s.many);
  });
  return how;
}

TEST(path_segment, reaches_the_handler_and_is_reported_under_the_pattern) {
  live_server server(with_things());
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/things/Abc-7_z")).body, "<Abc-7_z>");
  EXPECT_EQ(c.ask(get("/things/a%62c?x=1")).body, "<abc>");
  EXPECT_EQ(c.ask(get("/things/7/part")).body, "<7>");
  EXPECT_EQ(c.ask("DELETE /things/7 HTTP/1.1\r\nHost: test\r\n\r\n").body, "<7>");
  EXPECT_EQ(c.ask(get("/things/" + std::string(64, 'a'))).body, "<" + std::string(64, 'a') + ">");
  EXPECT_EQ(server.seen.nth(0).path, "/things/{id}");
  EXPECT_EQ(server.seen.nth(2).path, "/things/{id}/part");
  EXPECT_EQ(server.seen.nth(3).path, "/things/{id}");
  const auto head = c.send("HEAD /things/7 HTTP/1.1\r\nHost: test\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(c.receive(true).status, 200);
  const auto other = c.ask(post("/things/7", ""));
  EXPECT_EQ(other.status, 405);
  EXPECT_EQ(other.header("allow"), "GET, HEAD, DELETE, OPTIONS");
}

TEST(path_segment, has_a_name_for_handlers_of_both_kinds) {
  setup how;
  how.more.push_back([](live_server& s) {
    const auto ours = [](const context&, const http::request& req, http::reply& res) {
      res.body("text/plain", std::string(req.path_parameter_name()) + "=" +
                                 std::string(req.path_parameter("user_id").value_or("none")) +
                                 (req.path_parameter("id") ? "!" : ""));
    };
    const auto theirs = [](const context&, const auto& req, httplib::Response& res) {
      if constexpr (requires { req.path_params; }) {
        res.set_content("user=" + req.path_params.at("user"), "text/plain");
      } else {
        res.set_content("user=7", "text/plain");  // cpp-httplib before 0.14 has none
      }
    };
    s.server.handle({.method = "GET", .path = "/users/{user_id}/jobs", .answer = ours});
    s.server.handle({.method = "PUT",
                     .path = "/users/{user}/jobs",
                     .answer = [theirs](const context& ctx, const httplib::Request& req,
                                        httplib::Response& res) { theirs(ctx, req, res); }});
  });
  live_server server(std::move(how));
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/users/7/jobs")).body, "user_id=7");
  EXPECT_EQ(c.ask("PUT /users/7/jobs HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n").body,
            "user=7")
      << "each method has its own name";
}

TEST(path_segment, that_is_none_is_404_and_counted_under_no_route) {
  live_server server(with_things());
  std::size_t n = 0;
  for (const std::string path :
       {"/things",        "/things/",         "/things//",        "/things/a/",
        "/things/a/b",    "/things//part",    "/things/a%2Fb",    "/things/a%2fb/part",
        "/things/%2e%2e", "/things/..",       "/things/.",        "/things/a.b",
        "/things/a%20b",  "/things/a%0d%0ab", "/things/%C3%A4",   "/things/\xc3\xa4",
        "/things/a%5Cb",  "/things/%7Bid%7D", "/things/{id}",     "/things/a:b",
        "/things/a%25b",  "/things/a/part/",  "/things/a/b/part", "/things/a;b"}) {
    client c = server.connect();
    EXPECT_EQ(c.ask(get(path)).status, 404) << path;
    EXPECT_EQ(server.seen.nth(n++).path, "none") << path;
  }
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/things/" + std::string(65, 'a'))).status, 404);
  EXPECT_EQ(c.ask(get("/things/" + std::string(5000, 'a'))).status, 404);
  EXPECT_EQ(c.ask(get("/things/" + std::string(9000, 'a'))).status, 414);
}

TEST(path_segment, with_a_nul_or_a_control_in_it_is_400) {
  live_server server(with_things());
  using namespace std::string_literals;
  for (const std::string& path :
       {"/things/%00"s, "/things/a%00b"s, "/things/a\0b"s, "/things/a\tb"s, "/things/a\x7f"s,
        "/things/%"s, "/things/%4"s, "/things/%zz"s}) {
    client c = server.connect();
    EXPECT_EQ(c.ask(get(path)).status, 400) << path;
  }
}

TEST(a_route_as_written, is_not_found_by_a_path_that_is_percent_encoded) {
  setup how;
  how.more.push_back([](live_server& s) {
    for (const auto* path : {"/page", "/pages/{id}"}) {
      s.server.handle(
          {.method = "GET",
           .path = path,
           .as_written = true,
           .answer = [](const context&, const httplib::Request&, httplib::Response& res) {
             res.set_content("it", "text/plain");
           }});
    }
  });
  live_server server(how);
  client c = server.connect();
  for (const std::string plain : {"/page", "/page?a=%6d", "http://test/page", "/pages/a"}) {
    EXPECT_EQ(c.ask(get(plain)).body, "it") << plain;
  }
  for (const std::string encoded :
       {"/%70age", "/pag%65", "/%70age?a", "http://test/%70age", "/pages/%61", "/%70ages/a",
        "//page", "/./page", "/x/../page", "/page/", "/page%2f"}) {
    EXPECT_EQ(c.ask(get(encoded)).status, 404) << encoded;
  }
}

}  // namespace
}  // namespace hangup::wire
