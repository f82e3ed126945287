// Routes for operators, and the addresses that have them.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

using http::audience;

std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

void say_here(const context&, const http::request&, http::reply& res) {
  res.body("text/plain", "here\n");
}

// With an address for each audience.
class addresses : public ::testing::Test {
 protected:
  void add(const char* method, const char* path, audience serves, bool as_written = false) {
    server.handle({.method = method,
                   .path = path,
                   .as_written = as_written,
                   .serves = serves,
                   .answer = say_here});
  }
  void SetUp() override {
    server.guard_operators([this](const http::request& req) -> std::optional<http::denial> {
      ++asked;
      if (req.has_header("X-Denied")) {
        return http::denial{401, "not you", "WWW-Authenticate: Bearer\r\n"};
      }
      return std::nullopt;
    });
    add("GET", "/all", audience::all);
    add("GET", "/clients", audience::clients);
    add("GET", "/secret", audience::operators, true);
    add("GET", "/loose", audience::operators);
    add("DELETE", "/loose/{id}", audience::operators);
    add("GET", "/both", audience::all);
    add("DELETE", "/both", audience::operators);
    server.observe(seen);
    ASSERT_EQ(server.start({{.host = "127.0.0.1", .serves = audience::clients},
                            {.host = "127.0.0.1", .serves = audience::all},
                            {.host = "127.0.0.1", .serves = audience::operators}}),
              std::error_code());
    EXPECT_EQ(server.endpoints().size(), 3U);
    clients = port_of(server.endpoints(audience::clients).at(0));
    all = port_of(server.endpoints(audience::all).at(0));
    operators = port_of(server.endpoints(audience::operators).at(0));
  }
  static int status(std::uint16_t port, const std::string& path, std::string_view headers = {}) {
    return client(port).ask(get(path, headers)).status;
  }

  recorder seen;
  std::atomic<int> asked{0};
  http::server server;
  std::uint16_t clients = 0;
  std::uint16_t all = 0;
  std::uint16_t operators = 0;
};

TEST_F(addresses, have_only_the_routes_that_are_for_the_same_people) {
  EXPECT_EQ(status(clients, "/all"), 200);
  EXPECT_EQ(status(clients, "/clients"), 200);
  EXPECT_EQ(status(clients, "/secret"), 404);
  EXPECT_EQ(status(clients, "/loose"), 404);
  EXPECT_EQ(asked, 0) << "what is not there is not asked about";
  for (const auto* path : {"/all", "/clients", "/secret", "/loose"}) {
    EXPECT_EQ(status(all, path), 200) << path;
  }
  EXPECT_EQ(status(operators, "/all"), 200);
  EXPECT_EQ(status(operators, "/clients"), 404);
  EXPECT_EQ(status(operators, "/secret"), 200);
}

TEST_F(addresses, have_no_other_spelling_of_a_path_that_is_not_there) {
  for (const auto* path :
       {"/%73ecret", "/%6coose", "/%6Coose", "/loos%65", "/loose/%31", "/loose/1", "/loose?x=1",
        "//loose", "/./loose", "/all/../loose", "/%2e/loose", "/all/%2e%2e/loose", "/%2floose",
        "/loose/", "/LOOSE", "/loose%00", "/loose;x"}) {
    const auto is = status(clients, path);
    EXPECT_TRUE(is == 404 || is == 400) << path << " is answered with " << is;
  }
  EXPECT_EQ(
      client(clients).ask("GET http://127.0.0.1/loose HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status,
      404)
      << "the absolute form";
  client head(clients);
  ASSERT_TRUE(head.send("HEAD /loose HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(head.receive(true).status, 404);
  EXPECT_EQ(client(clients).ask("OPTIONS /loose HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
  EXPECT_EQ(client(clients).ask("DELETE /loose/1 HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
  EXPECT_EQ(status(all, "/%6coose"), 200) << "where it is, it is by every spelling";
  EXPECT_EQ(status(all, "/%73ecret"), 404) << "unless it asks for one";
}

TEST_F(addresses, do_not_tell_of_methods_that_they_do_not_have) {
  const auto few = client(clients).ask("DELETE /both HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(few.status, 405);
  EXPECT_EQ(few.header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(client(all).ask("OPTIONS /both HTTP/1.1\r\nHost: x\r\n\r\n").header("allow"),
            "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(client(clients).ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").header("allow"),
            "GET, HEAD, OPTIONS");
}

TEST_F(addresses, ask_the_guard_before_the_handler_and_the_body) {
  const auto denied = client(operators).ask(
      "DELETE /both HTTP/1.1\r\nHost: x\r\nX-Denied: 1\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(denied.status, 401);
  EXPECT_EQ(denied.header("www-authenticate"), "Bearer");
  EXPECT_EQ(denied.header("content-type"), "application/problem+json");
  EXPECT_EQ(asked, 1);
  client c(operators);
  EXPECT_EQ(c.ask(get("/secret", "X-Denied: 1\r\n")).status, 401);
  EXPECT_EQ(c.ask(get("/secret")).status, 200) << "the connection goes on";
  EXPECT_EQ(status(operators, "/all", "X-Denied: 1\r\n"), 200) << "it is not only for operators";
  ASSERT_TRUE(seen.await_ended(4));
  EXPECT_EQ(seen.nth(0).end, request_end::bad_request);
  EXPECT_FALSE(seen.nth(0).started);
}

}  // namespace
}  // namespace hangup::wire
