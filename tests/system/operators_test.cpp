// The pages for operators: who may ask for them and where, what they list, and how they end
// requests.
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

using nlohmann::json;
using words = std::vector<std::string>;

const std::string token = "0123456789abcdef0123456789abcdef";

// Without a database.
words flags(const words& more, const std::string& config) {
  words all = {"--config", config};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

class operators : public ::testing::Test {
 protected:
  std::string config(json settings = json::object()) const {
    settings["databases"] = json::object();
    settings["search"] = {{"root", ""}};
    return folder.write("server.json", settings.dump());
  }
  std::string token_file(const std::string& text = token + "\n") const {
    return folder.write("token", text);
  }

  const test::temporary_directory folder;
};

// The port of the address for operators.
std::uint16_t admin_port(server& s, const std::string& host = "127.0.0.1") {
  const auto before = ", for operators on http://" + host + ":";
  const auto line = s.program.line_with(before);
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.find(before) + before.size())));
}

std::string asking(const std::string& method, const std::string& target,
                   const std::string& headers = {}, const std::string& host = "127.0.0.1") {
  return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n";
}

int status(std::uint16_t port, const std::string& request) {
  return client(port).ask(request).status;
}

json body_of(const answer& a) {
  return json::parse(a.body, nullptr, false);
}

// Requests in flight of this route, once there are so many.
json running(std::uint16_t port, const std::string& route, std::size_t count) {
  json found;
  EXPECT_TRUE(eventually([&] {
    found = body_of(client(port).ask(asking("GET", "/requests?route=" + route)))["in_flight"];
    return found.size() == count;
  })) << found;
  return found;
}

const std::string sim = "/query/sim?rows=100000&row_ms=50";

// --- where ---

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

// --- who ---

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

// --- ending requests ---

TEST_F(operators, end_one_request_and_its_client_is_told_why) {
  server s(flags({}, config()));
  client streams(s.port());
  ASSERT_TRUE(streams.send(asking("GET", sim, "X-Request-Id: same\r\n")));
  ASSERT_NE(streams.receive_until("\n{"), "") << "the first row";
  const auto number = running(s.port(), "/query/sim", 1)[0]["number"].get<std::uint64_t>();
  const auto target = "/requests/" + std::to_string(number) + "?reason=it+burns";
  const auto asked = client(s.port()).ask(asking("DELETE", target, "X-Request-Id: op-7\r\n"));
  EXPECT_EQ(asked.status, 202);
  EXPECT_EQ(body_of(asked), (json{{"number", number}, {"state", "stopping"}}));
  EXPECT_FALSE(streams.receive_rest().ends_with("0\r\n\r\n")) << "it is broken off";

  const auto gone = [&] { return status(s.port(), asking("DELETE", target)) == 404; };
  EXPECT_TRUE(eventually(gone)) << "it is over";
  const auto line = s.program.line_with("ended by an operator: it burns");
  EXPECT_NE(line.find(" operator: ended by an operator: it burns, asked by 127.0.0.1:"),
            std::string::npos)
      << line;
  EXPECT_NE(line.find(" in op-7, "), std::string::npos) << line;
  const auto page = s.get("/requests/ended?end=operator");
  ASSERT_EQ(page["ended"].size(), 1U) << page;
  const auto& e = page["ended"][0];
  EXPECT_EQ(e["number"], number);
  EXPECT_EQ(e["id"], "same");
  EXPECT_EQ(e["cause"], "ended by an operator: it burns");
  EXPECT_EQ(e["by"]["request"], "op-7");
  EXPECT_TRUE(e["by"]["client"].get<std::string>().starts_with("127.0.0.1:"));
  EXPECT_EQ(s.metric(R"(hangup_requests_total{route="/query/sim",end="operator"})"), 1.0);
}

TEST_F(operators, end_a_request_that_has_sent_nothing_with_a_503_that_says_why) {
  const server s(flags({}, config()));
  client waits(s.port());
  ASSERT_TRUE(waits.send(asking("GET", "/query/sim?rows=100&row_ms=10000&stream=0")));
  const auto number = running(s.port(), "/query/sim", 1)[0]["number"].get<std::uint64_t>();
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests/" + std::to_string(number) +
                                                  "?reason=%3Cb%3Etoo%20slow")),
            202);
  const auto told = waits.receive();
  EXPECT_EQ(told.status, 503);
  EXPECT_EQ(told.header("content-type"), "application/problem+json");
  EXPECT_EQ(told.header("retry-after"), "") << "nobody asks for it to be tried again";
  EXPECT_EQ(body_of(told)["detail"], "this request was ended by an operator: <b>too slow");
}

TEST_F(operators, get_the_same_answer_again_while_the_work_stops) {
  const server s(flags({}, config({{"spin", {{"allow_deaf", true}, {"max_deaf_ms", 60000}}}})));
  client deaf(s.port());
  ASSERT_TRUE(deaf.send(asking("GET", "/spin?ms=3000&look=0")));
  const auto number = running(s.port(), "/spin&state=running", 1)[0]["number"].get<std::uint64_t>();
  const auto target = "/requests/" + std::to_string(number);
  EXPECT_EQ(status(s.port(), asking("DELETE", target)), 202);
  EXPECT_EQ(status(s.port(), asking("DELETE", target)), 202) << "it stops";
  const auto page = s.get("/requests?state=stopping");
  ASSERT_EQ(page["in_flight"].size(), 1U) << page;
  EXPECT_EQ(page["in_flight"][0]["state"], "canceled, still running");
}

TEST_F(operators, tell_requests_with_the_same_id_apart) {
  const server s(flags({}, config()));
  client one(s.port());
  ASSERT_TRUE(one.send(asking("GET", sim, "X-Request-Id: twin\r\n")));
  running(s.port(), "/query/sim", 1);
  client other(s.port());
  ASSERT_TRUE(other.send(asking("GET", sim, "X-Request-Id: twin\r\n")));
  const auto both = running(s.port(), "/query/sim", 2);
  EXPECT_EQ(both[0]["id"], both[1]["id"]);
  ASSERT_LT(both[0]["number"], both[1]["number"]) << "the oldest is first";
  const auto second = both[1]["number"].get<std::uint64_t>();
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests/" + std::to_string(second))), 202);
  const auto left = running(s.port(), "/query/sim", 1);
  EXPECT_EQ(left[0]["number"], both[0]["number"]);
}

TEST_F(operators, end_no_request_by_a_number_that_is_written_in_another_way) {
  const server s(flags({}, config()));
  client waits(s.port());
  ASSERT_TRUE(waits.send(asking("GET", sim)));
  const auto number =
      std::to_string(running(s.port(), "/query/sim", 1)[0]["number"].get<std::uint64_t>());
  for (const auto& other : words{"0" + number, "00" + number, "+" + number, "-" + number,
                                 "%20" + number, number + "%20", "%2b" + number, "%0a" + number,
                                 number + ".0", number + "e0", "0x" + number, "%3" + number,
                                 number + "/", number + "%00", std::string(100, '0') + number}) {
    EXPECT_GE(status(s.port(), asking("DELETE", "/requests/" + other)), 400) << other;
  }
  EXPECT_EQ(running(s.port(), "/query/sim", 1)[0]["state"], "running");
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests/" + number)), 202);
}

TEST_F(operators, end_many_and_are_told_how_many) {
  const server s(flags({}, config()));
  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<client>(s.port()));
    ASSERT_TRUE(all.back()->send(asking("GET", sim)));
  }
  client other(s.port());
  ASSERT_TRUE(other.send(asking("GET", "/query/sim/task?rows=100000&row_ms=50")));
  running(s.port(), "/query/sim", 3);
  running(s.port(), "/query/sim/task", 1);
  const auto ended = [&](const std::string& query) {
    return body_of(client(s.port()).ask(asking("DELETE", "/requests" + query)));
  };
  EXPECT_EQ(ended("?route=/query/sim&older_than_ms=3600000"), (json{{"stopping", 0}}));
  EXPECT_EQ(ended("?route=/query/sim"), (json{{"stopping", 3}}));
  EXPECT_EQ(ended("?older_than_ms=0"), (json{{"stopping", 1}})) << "but not itself";
  running(s.port(), "/query/sim", 0);
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests")), 400) << "all of them, by mistake";
}

TEST_F(operators, are_told_what_is_wrong_with_what_they_ask) {
  const server s(flags({}, config()));
  for (const std::string target :
       {"/requests?limit=0", "/requests?state=asleep", "/requests?after=x", "/requests?route=",
        "/requests?limit=1&limit=2", "/requests/ended?end=happy", "/requests/ended?since=noon",
        "/requests/ended?since=99999999999999999999h", "/requests/ended?limit=1000000"}) {
    const auto a = client(s.port()).ask(asking("GET", target));
    EXPECT_EQ(a.status, 400) << target;
    EXPECT_TRUE(body_of(a)["detail"].get<std::string>().starts_with("parameter \"")) << a.body;
  }
  for (const auto& target :
       words{"/requests/1?reason=", "/requests/1?reason=%0A", "/requests?older_than_ms=x",
             "/requests/1?reason=" + std::string(201, 'x')}) {
    EXPECT_EQ(status(s.port(), asking("DELETE", target)), 400) << target;
  }
  for (const std::string target :
       {"/requests/0", "/requests/x", "/requests/99999999999999999999"}) {
    EXPECT_EQ(status(s.port(), asking("DELETE", target)), 404) << target;
  }
}

// --- history ---

TEST_F(operators, see_a_hang_up_after_thousands_of_probes) {
  const server s(flags({}, config({{"requests", {{"completed", 100}, {"not_completed", 100}}}})));
  {
    client leaves(s.port());
    ASSERT_TRUE(leaves.send(asking("GET", sim, "X-Request-Id: gone\r\n")));
    running(s.port(), "/query/sim", 1);
  }
  ASSERT_TRUE(s.ended("gone").is_object());
  client probe(s.port());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(probe.ask(asking("GET", "/healthz")).status, 200);
  }
  const auto page = s.get("/requests/ended?since=1h&route=/query/sim");
  ASSERT_EQ(page["ended"].size(), 1U) << page;
  EXPECT_EQ(page["ended"][0]["id"], "gone");
  EXPECT_LE(s.get("/requests/ended?limit=1000")["ended"].size(), 200U);
}

TEST_F(operators, see_a_hang_up_after_hundreds_of_requests_that_were_refused) {
  const server s(flags({}, config({{"requests", {{"completed", 100}, {"not_completed", 100}}}})));
  {
    client leaves(s.port());
    ASSERT_TRUE(leaves.send(asking("GET", sim, "X-Request-Id: gone\r\n")));
    running(s.port(), "/query/sim", 1);
  }
  ASSERT_TRUE(s.ended("gone").is_object());
  client scans(s.port());
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(scans.ask(asking("GET", "/admin.php")).status, 404);
  }
  const auto left = s.get("/requests/ended?route=/query/sim")["ended"];
  ASSERT_EQ(left.size(), 1U) << left;
  EXPECT_EQ(left[0]["id"], "gone");
  EXPECT_EQ(s.get("/requests/ended?end=bad_request&limit=1000")["ended"].size(), 100U);
}

TEST_F(operators, go_through_all_pages_by_the_link_to_the_next_one) {
  const server s(flags({}, config()));
  client c(s.port());
  for (int i = 0; i < 7; ++i) {
    c.ask(asking("GET", "/nothing", "X-Request-Id: n" + std::to_string(i) + "\r\n"));
  }
  std::string seen;
  std::string target = "/requests/ended?limit=3&end=bad_request&since=1h";
  int pages = 0;
  for (; !target.empty() && pages < 10; ++pages) {
    const auto a = c.ask(asking("GET", target));
    ASSERT_EQ(a.status, 200) << target;
    const auto page = body_of(a);
    for (const auto& e : page["ended"]) {
      seen += e["id"].get<std::string>() + " ";
    }
    const auto link = a.header("link");
    const auto end = link.find(">; rel=\"next\"");
    target = end == std::string::npos ? "" : link.substr(1, end - 1);
  }
  EXPECT_EQ(seen, "n6 n5 n4 n3 n2 n1 n0 ");
  EXPECT_EQ(pages, 3);

  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::make_unique<client>(s.port()));
    ASSERT_TRUE(all.back()->send(asking("GET", sim)));
  }
  running(s.port(), "/query/sim", 5);
  std::vector<std::uint64_t> numbers;
  target = "/requests?route=/query/sim&limit=2";
  for (pages = 0; !target.empty() && pages < 10; ++pages) {
    const auto a = c.ask(asking("GET", target));
    const auto page = body_of(a);
    for (const auto& v : page["in_flight"]) {
      numbers.push_back(v["number"]);
    }
    const auto link = a.header("link");
    const auto end = link.find(">; rel=\"next\"");
    target = end == std::string::npos ? "" : link.substr(1, end - 1);
  }
  EXPECT_EQ(numbers.size(), 5U);
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_EQ(pages, 3);
}

TEST_F(operators, get_csv_that_no_spreadsheet_takes_for_formulas) {
  const server s(flags({}, config()));
  client c(s.port());
  c.ask(asking("GET", "/nothing?a,\"b\"", "X-Request-Id: =1+1\r\n"));
  const auto a = c.ask(asking("GET", "/requests/ended?end=bad_request", "Accept: text/csv\r\n"));
  EXPECT_TRUE(a.header("content-type").starts_with("text/csv")) << a.header("content-type");
  EXPECT_TRUE(a.body.starts_with("number,id,route,method,target,client,end,")) << a.body;
  EXPECT_EQ(a.body.find(",=1+1"), std::string::npos) << a.body;
  const auto now = c.ask(asking("GET", "/requests", "Accept: text/csv\r\n"));
  for (const auto& one : {a, now}) {
    EXPECT_EQ(one.header("vary"), "Accept");
  }
  EXPECT_TRUE(now.body.starts_with("number,id,route,")) << now.body;
  EXPECT_NE(now.body.find(",/requests,GET,/requests,running,"), std::string::npos) << now.body;
}

// --- replicas ---

// Two replicas; the first knows both, and one that is gone.
class replicas : public operators {
 protected:
  replicas() : second(flags({}, config({{"admin", {{"token_file", token_file()}}}}))) {
    peers = {"127.0.0.1:" + std::to_string(second.port()), "127.0.0.1:1", "nowhere.invalid:8081"};
    first.emplace(flags(
        {},
        config(
            {{"admin",
              {{"token_file", folder / "token"}, {"peers", peers}, {"peer_timeout_ms", 20000}}}})));
  }
  answer ask(const std::string& method, const std::string& target) {
    client c(first->port());
    asked_from = "127.0.0.1:" + std::to_string(c.local_port());
    return c.ask(
        asking(method, target, "X-Request-Id: op-9\r\nAuthorization: Bearer " + token + "\r\n"));
  }

  server second;
  std::vector<std::string> peers;
  std::optional<server> first;
  std::string asked_from;
};

TEST_F(replicas, are_shown_together_and_what_does_not_answer_is_said) {
  client waits(second.port());
  ASSERT_TRUE(waits.send(asking("GET", sim, "X-Request-Id: far\r\n")));
  json page;
  ASSERT_TRUE(eventually([&] {
    page = body_of(ask("GET", "/replicas/requests?route=/query/sim"))["replicas"];
    return page.is_array() && page.size() == 3 && page[0]["in_flight"].size() == 1;
  })) << page;
  EXPECT_EQ(page[0]["replica"], peers[0]);
  EXPECT_EQ(page[0]["error"], nullptr);
  EXPECT_EQ(page[0]["in_flight"][0]["id"], "far");
  EXPECT_EQ(page[1]["replica"], peers[1]);
  EXPECT_EQ(page[1]["error"], "no connection");
  EXPECT_EQ(page[2]["replica"], peers[2]);
  EXPECT_EQ(page[2]["error"], "the name has no address");

  const auto key = page[0]["in_flight"][0]["key"].get<std::string>();
  const auto told = ask("DELETE", "/replicas/requests/" + key + "?reason=from+afar");
  EXPECT_EQ(told.status, 202) << told.body;
  const auto asker = asked_from;
  const auto e = [&] {
    json all;
    EXPECT_TRUE(eventually([&] {
      all = body_of(ask("GET", "/replicas/requests/ended?end=operator"))["replicas"][0]["ended"];
      return all.size() == 1;
    }));
    return all[0];
  }();
  EXPECT_EQ(e["cause"], "ended by an operator: from afar");
  EXPECT_EQ(e["by"]["request"], "op-9") << "the one that the operator has sent";
  const auto by = e["by"]["client"].get<std::string>();
  EXPECT_TRUE(by.starts_with(asker + " through 127.0.0.1:")) << by << ", not " << asker;
  EXPECT_EQ(e["key"], key);
  EXPECT_EQ(ask("DELETE", "/replicas/requests/" + key).status, 404) << "it is over";
}

TEST_F(replicas, end_many_on_all_of_them) {
  client waits(second.port());
  ASSERT_TRUE(waits.send(asking("GET", sim)));
  json told;
  ASSERT_TRUE(eventually([&] {
    told = body_of(ask("DELETE", "/replicas/requests?route=/query/sim"));
    return told["stopping"] == 1;
  })) << told;
  EXPECT_EQ(told["replicas"][0]["stopping"], 1);
  EXPECT_EQ(told["replicas"][1]["error"], "no connection");
}

TEST_F(replicas, are_asked_to_end_many_only_by_a_question_that_is_right) {
  for (const std::string wrong : {"", "?reason=x", "?older_than_ms=x", "?route=/spin&reason=%0a"}) {
    EXPECT_EQ(ask("DELETE", "/replicas/requests" + wrong).status, 400) << wrong;
  }
}

TEST_F(replicas, that_are_all_gone_end_nothing_and_that_is_said) {
  const server alone(flags({}, config({{"admin", {{"peers", {"127.0.0.1:1"}}}}})));
  const auto a = client(alone.port()).ask(asking("DELETE", "/replicas/requests?route=/spin"));
  EXPECT_EQ(a.status, 502);
  EXPECT_EQ(body_of(a)["detail"], "no replica has done it; 127.0.0.1:1: no connection");
}

TEST_F(replicas, are_those_that_are_configured_and_no_others) {
  EXPECT_EQ(ask("DELETE", "/replicas/requests/192_0_2_1_80-1").status, 404);
  EXPECT_EQ(ask("DELETE", "/replicas/requests/x").status, 404);
  EXPECT_EQ(ask("DELETE", "/replicas/requests/127_0_0_1_1-1").status, 502) << "it is gone";
  EXPECT_EQ(ask("GET", "/replicas/requests?limit=100000").status, 400);
  EXPECT_EQ(status(first->port(), asking("GET", "/replicas/requests")), 401);
  EXPECT_EQ(client(second.port())
                .ask(asking("GET", "/replicas/requests", "Authorization: Bearer " + token + "\r\n"))
                .status,
            404)
      << "it has no peers";
}

}  // namespace
}  // namespace hangup::system_test
