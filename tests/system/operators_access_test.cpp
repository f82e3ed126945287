// Who may ask for the pages for operators.
#include <gtest/gtest.h>

#include <signal.h>

#include "tests/system/operators.h"

namespace hangup::system_test {
namespace {

TEST_F(operators, are_known_by_their_token) {
  const server s(flags({}, config({{"admin", {{"token_file", token_file()}}}})));
  const auto port = s.port();
  const auto bearer = [](const std::string& t) { return "Authorization: Bearer " + t + "\r\n"; };
  for (const std::string page : {"/", "/requests", "/requests/ended", "/metrics"}) {
    EXPECT_EQ(status(port, asking("GET", page)), 401) << page;
    client head(port);
    ASSERT_TRUE(head.send(asking("HEAD", page)));
    EXPECT_EQ(head.receive(true).status, 401) << page;
    EXPECT_EQ(status(port, asking("GET", page, bearer(token + "0"))), 401) << page;
    EXPECT_EQ(status(port, asking("GET", page, bearer(token))), 200) << page;
  }
  const auto none = client(port).ask(asking("DELETE", "/requests/1"));
  EXPECT_EQ(none.status, 401);
  EXPECT_TRUE(none.header("www-authenticate").starts_with("Bearer "))
      << none.header("www-authenticate");
  EXPECT_EQ(none.header("content-type"), "application/problem+json");
  EXPECT_EQ(status(port, asking("DELETE", "/requests/1", bearer("wrong"))), 401);
  EXPECT_EQ(status(port, asking("DELETE", "/requests/1", bearer(token))), 404);
  EXPECT_EQ(status(port, asking("GET", "/healthz")), 200) << "probes need none";
  EXPECT_EQ(status(port, asking("GET", "/query/sim?rows=1&row_ms=0")), 200) << "nor do clients";
}

TEST_F(operators, need_the_token_as_it_is_after_a_hangup_signal) {
  server s(flags({}, config({{"admin", {{"token_file", token_file()}}}})));
  const auto with = [&](const std::string& t) {
    return status(s.port(), asking("GET", "/requests", "Authorization: Bearer " + t + "\r\n"));
  };
  const std::string other(32, 'x');
  token_file(other);
  s.program.signal(SIGHUP);
  EXPECT_NE(s.program.line_with("SIGHUP: operators need the token in "), "");
  EXPECT_EQ(with(token), 401);
  EXPECT_EQ(with(other), 200);
  token_file("short");
  s.program.signal(SIGHUP);
  EXPECT_NE(s.program.line_with("SIGHUP: going on with the old token: admin.token_file: "), "");
  EXPECT_EQ(with(other), 200);
}

TEST_F(operators, are_not_a_page_of_another_origin) {
  const server s(flags({}, config()));
  const auto host = "127.0.0.1:" + std::to_string(s.port());
  const auto with = [&](const std::string& headers) {
    return status(s.port(), asking("DELETE", "/requests?older_than_ms=0", headers, host));
  };
  EXPECT_EQ(with(""), 202) << "no browser";
  EXPECT_EQ(with("Origin: http://" + host + "\r\n"), 202);
  EXPECT_EQ(with("Origin: https://" + host + "\r\n"), 202) << "a proxy has the TLS";
  EXPECT_EQ(with("Sec-Fetch-Site: same-origin\r\nOrigin: http://" + host + "\r\n"), 202);
  for (const std::string foreign :
       {"Origin: http://evil.example\r\n", "Origin: null\r\n", "Origin: http://127.0.0.1:1\r\n",
        "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n"}) {
    EXPECT_EQ(with(foreign), 403) << foreign;
  }
  EXPECT_EQ(status(s.port(), asking("POST", "/requests/1", "Content-Length: 0\r\n")), 405)
      << "what a form can send";
  EXPECT_EQ(client(s.port())
                .ask(asking("OPTIONS", "/requests/1",
                            "Origin: http://evil.example\r\n"
                            "Access-Control-Request-Method: DELETE\r\n"))
                .header("access-control-allow-origin"),
            "");
}

TEST_F(operators, are_not_a_page_that_has_given_its_own_name_this_address) {
  const server s(flags({}, config({{"admin", {{"hosts", {"ops.example"}}}}})));
  const auto with = [&](const std::string& host, const std::string& method = "GET",
                        const std::string& target = "/requests") {
    return status(s.port(), asking(method, target, "Origin: http://" + host + "\r\n", host));
  };
  for (const std::string host : {"127.0.0.1", "localhost:1234", "[::1]:80", "ops.example:443"}) {
    EXPECT_EQ(with(host), 200) << host;
  }
  for (const std::string host : {"evil.example", "evil.example:8080", "localhost.evil.example"}) {
    EXPECT_EQ(with(host), 421) << host;
    EXPECT_EQ(with(host, "DELETE", "/requests?older_than_ms=0"), 421) << host;
    EXPECT_EQ(with(host, "GET", "/metrics"), 421) << host;
    EXPECT_EQ(with(host, "GET", "/healthz"), 200) << host;
  }
  EXPECT_EQ(client(s.port()).ask("GET /requests HTTP/1.0\r\n\r\n").status, 200)
      << "no browser leaves Host out";
}

}  // namespace
}  // namespace hangup::system_test
