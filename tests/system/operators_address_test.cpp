// Where the pages for operators are.
#include <gtest/gtest.h>

#include "tests/system/operators.h"

namespace hangup::system_test {
namespace {

// The port of the address for operators.
std::uint16_t admin_port(server& s, const std::string& host = "127.0.0.1") {
  const auto before = ", for operators on http://" + host + ":";
  const auto line = s.program.line_with(before);
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.find(before) + before.size())));
}

TEST_F(operators, have_their_pages_at_their_own_address_and_clients_have_none_of_them) {
  server s(flags({"--host", "0.0.0.0", "--admin-listen", "127.0.0.1:0"}, config()));
  const auto admin = admin_port(s);
  ASSERT_NE(admin, s.port());
  for (const std::string page : {"/", "/requests", "/requests/ended", "/metrics"}) {
    EXPECT_EQ(status(s.port(), asking("GET", page)), 404) << page;
    EXPECT_EQ(status(admin, asking("GET", page)), 200) << page;
  }
  for (const std::string page :
       {"/%72equests", "/request%73", "/requests/%65nded", "/%6detrics", "/requests%2fended",
        "/%2e/requests", "/healthz/../requests", "//requests", "/requests/"}) {
    EXPECT_EQ(status(s.port(), asking("GET", page)), 404) << page;
    EXPECT_EQ(status(admin, asking("GET", page)), 404) << page;
  }
  for (const std::string target : {"/requests/1", "/requests?older_than_ms=0", "/requests/%31"}) {
    EXPECT_EQ(status(s.port(), asking("DELETE", target)), 404) << target;
  }
  for (const std::string page : {"/healthz", "/readyz", "/query/sim?rows=1&row_ms=0"}) {
    EXPECT_EQ(status(s.port(), asking("GET", page)), 200) << page;
    EXPECT_EQ(status(admin, asking("GET", page)), 200) << page;
  }
}

TEST_F(operators, have_their_pages_at_the_one_address_while_it_is_on_loopback) {
  for (const words& address : {words{}, words{"--host", "127.0.0.2"}, words{"--host", "localhost"},
                               words{"--host", "0.0.0.0", "--admin-listen", "same"}}) {
    process p([&] {
      words all = {HANGUP_BINARY, "--port", "0"};
      const auto more = flags(address, config());
      all.insert(all.end(), more.begin(), more.end());
      return all;
    }());
    const auto line = p.line_with(" listens on http://");
    EXPECT_NE(line, "") << p.output();
    EXPECT_EQ(line.find("for operators"), std::string::npos) << line;
  }
}

TEST_F(operators, are_not_opened_to_a_network_by_a_server_that_was_not_told_so) {
  for (const words& address :
       {words{"--host", "0.0.0.0"}, words{"--host", "::"}, words{"--listen", "0.0.0.0:0"},
        words{"--listen", "127.0.0.1:0", "--listen", "[::]:0"}}) {
    for (const bool checks : {true, false}) {
      words all = {HANGUP_BINARY, "--port", "0"};
      if (address[0] == "--listen") {
        all = {HANGUP_BINARY};
      }
      const auto more = flags(address, config());
      all.insert(all.end(), more.begin(), more.end());
      if (checks) {
        all.emplace_back("--check-config");
      }
      const auto r = run(all);
      EXPECT_EQ(r.exit, 2) << r.output;
      EXPECT_TRUE(is_one_line(r.output)) << r.output;
      EXPECT_NE(r.output.find("set admin.listen to an address for those"), std::string::npos)
          << r.output;
    }
  }
}

TEST_F(operators, have_no_address_that_is_none_and_no_token_that_is_none) {
  const auto refused = [&](const words& more, const std::string& why) {
    words all = {HANGUP_BINARY};
    const auto rest = flags(more, config());
    all.insert(all.end(), rest.begin(), rest.end());
    const auto r = run(all);
    EXPECT_EQ(r.exit, 2) << r.output;
    EXPECT_TRUE(is_one_line(r.output)) << r.output;
    EXPECT_NE(r.output.find(why), std::string::npos) << r.output;
  };
  refused({"--admin-listen", "8081"}, "admin.listen: found \"8081\", but there is no port");
  refused({"--admin-listen", "192.0.2.1:0"}, "on which nothing can listen");
  refused({"--port", "8099", "--admin-listen", "127.0.0.1:8099"},
          "admin.listen: found \"127.0.0.1:8099\", which is that of listen.host, allowed another");
  refused({"--admin-listen", "http://127.0.0.1:8081"},
          "admin.listen: found \"http://127.0.0.1:8081\", but it is a URL and no address, allowed");
  refused({"--host", "0.0.0.0", "--port", "8099", "--admin-listen", "127.0.0.1:8099"},
          "admin.listen: found \"127.0.0.1:8099\", which is that of listen.host, allowed another");
  refused({"--port", "8099", "--admin-listen", "localhost:8099"},
          "admin.listen: found \"localhost:8099\", which is that of listen.host, allowed another");
  const auto socket = folder / "a.sock";
  refused({"--listen", "unix:" + socket, "--admin-listen", "unix:" + (folder / "./a.sock")},
          ", which is that of listen.more[0], allowed another address, or same");
  refused({"--listen", "127.0.0.1:8099", "--listen", "127.0.0.1:8099"},
          "listen.more[1]: found \"127.0.0.1:8099\", which is that of listen.");
  const auto with_token = [&](const std::string& path) {
    const auto r = run({"env", "HANGUP_ADMIN__TOKEN_FILE=" + path, HANGUP_BINARY, "--config",
                        config(), "--check-config"});
    EXPECT_EQ(r.exit, 2) << r.output;
    EXPECT_TRUE(is_one_line(r.output)) << r.output;
    EXPECT_NE(r.output.find("admin.token_file: found "), std::string::npos) << r.output;
    EXPECT_EQ(r.output.find("too-short"), std::string::npos) << "it is not shown";
  };
  with_token(token_file("too-short"));
  with_token(folder / "nothing");
  with_token(folder.path());
}

TEST_F(operators, have_an_address_that_is_a_unix_socket) {
  const auto path = folder / "admin.sock";
  server s(flags({"--admin-listen", "unix:" + path}, config()));
  const auto line = s.program.line_with(", for operators on unix:" + path);
  EXPECT_NE(line, "");
  EXPECT_EQ(client(client::over_unix{path}).ask(asking("GET", "/requests", "", "any.name")).status,
            200)
      << "no web page can ask a Unix socket";
  EXPECT_EQ(status(s.port(), asking("GET", "/requests")), 404);
}

TEST_F(operators, are_warned_of_an_address_that_others_reach_and_no_token_guards) {
  const std::string open = "sees all requests there and can end them; set admin.token_file";
  {
    server s(flags({"--admin-listen", "0.0.0.0:0"}, config()));
    EXPECT_NE(s.program.line_with("admin.listen: everybody who reaches 0.0.0.0:0 " + open), "");
  }
  {
    server s(flags({"--host", "0.0.0.0", "--admin-listen", "same"}, config()));
    EXPECT_NE(s.program.line_with("listen.host: everybody who reaches 0.0.0.0 " + open), "");
  }
  server s(
      flags({"--admin-listen", "0.0.0.0:0"}, config({{"admin", {{"token_file", token_file()}}}})));
  EXPECT_EQ(client(admin_port(s, "0.0.0.0")).ask(asking("GET", "/requests")).status, 401);
  EXPECT_EQ(s.program.output().find(open), std::string::npos);
}

TEST_F(operators, are_warned_of_the_token_that_is_published) {
  server s(flags(
      {}, config({{"admin",
                   {{"token_file", token_file("only-for-a-trial-on-loopback-replace-me\n")}}}})));
  EXPECT_NE(s.program.line_with("admin.token_file: the token is the one of docker/secrets"), "");
}

}  // namespace
}  // namespace hangup::system_test
