// Attacks on the head of a request: bytes that do not belong there, targets that are none,
// protocols that are not spoken here.
#include "tests/wire/attack.h"

namespace hangup::wire {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

std::string line(const std::string& request_line) {
  return request_line + "\r\nHost: test\r\n\r\n" + hidden();
}

std::string header(const std::string& bytes) {
  return get("/fast", bytes + "\r\n") + hidden();
}

std::string with_nul(std::string text) {
  std::replace(text.begin(), text.end(), '@', '\0');
  return text;
}

// A ClientHello as TLS 1.3 sends it, without and with a byte that is a line feed.
std::string client_hello(bool line_feed) {
  std::string text("\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03", 11);
  for (int i = 0; i < 32; ++i) {
    text.push_back(static_cast<char>(0x20 + i * 5));
  }
  text += std::string(" \x13\x01\x13\x02\x13\x03\x00\xff\x01\x00", 11);
  text += line_feed ? "\n" : "x";
  return text + std::string(150, '\x7e');
}

std::vector<attack> heads() {
  return {
      {"a_NUL_in_the_method", 400, line(with_nul("G@ET /fast HTTP/1.1"))},
      {"a_NUL_in_the_target", 400, line(with_nul("GET /fa@st HTTP/1.1"))},
      {"a_NUL_in_the_version", 400, line(with_nul("GET /fast HTTP/1.1@"))},
      {"a_NUL_in_a_name", 400, header(with_nul("X@Y: z"))},
      {"a_NUL_in_a_value", 400, header(with_nul("X: y@z"))},
      {"an_escape_in_the_method", 400, line("G\x1b[2JET /fast HTTP/1.1")},
      {"an_escape_in_the_target", 400, line("GET /fa\x1b[2Jst HTTP/1.1")},
      {"an_escape_in_a_name", 400, header("X\x1b: y")},
      {"an_escape_in_a_value", 400, header("X: \x1b[2J")},
      {"a_DEL_in_the_target", 400, line("GET /fa\x7fst HTTP/1.1")},
      {"a_DEL_in_a_value", 400, header("X: \x7f")},
      {"a_tab_in_the_request_line", 400, line("GET\t/fast\tHTTP/1.1")},
      {"two_spaces_in_the_request_line", 400, line("GET  /fast HTTP/1.1")},
      {"a_space_at_its_end", 400, line("GET /fast HTTP/1.1 ")},
      {"a_space_at_its_begin", 400, line(" GET /fast HTTP/1.1")},
      {"a_space_in_the_target", 400, line("GET /fast /x HTTP/1.1")},
      {"a_fragment_in_the_target", 400, line("GET /fast#x HTTP/1.1")},
      {"a_bare_CR_in_the_request_line", 400, line("GET /fast\r HTTP/1.1")},
      {"a_bare_CR_instead_of_a_line_end", 400, "GET /fast HTTP/1.1\rHost: test\r\r" + hidden()},
      {"a_bare_LF_at_the_end_of_the_head", 400,
       "GET /fast HTTP/1.1\r\nHost: test\r\n\n" + hidden()},
      {"a_bare_LF_between_headers", 400, header("X: y\nX: z")},
      {"a_folded_header", 400, header("X: y\r\n\tz")},
      {"a_first_header_that_is_folded", 400,
       "GET /fast HTTP/1.1\r\n Host: test\r\n\r\n" + hidden()},
      {"a_space_before_a_colon", 400, header("X : y")},
      {"a_tab_before_a_colon", 400, header("X\t: y")},
      {"a_header_without_a_name", 400, header(": y")},
      {"a_header_without_a_colon", 400, header("X y")},
      {"a_name_that_is_not_ASCII", 400, header("X\xc3\xa4: y")},
      {"a_name_in_brackets", 400, header("[X]: y")},
      {"an_encoded_NUL_in_the_path", 400, line("GET /fast%00.txt HTTP/1.1")},
      {"half_an_encoding_in_the_path", 400, line("GET /fast%2 HTTP/1.1")},
      {"a_target_without_a_slash", 400, line("GET fast HTTP/1.1")},
      {"a_target_of_another_scheme", 400, line("GET ftp://test/fast HTTP/1.1")},
      {"a_target_of_authority_form", 400, line("GET test:80 HTTP/1.1")},
      {"CONNECT", 501, line("CONNECT test:80 HTTP/1.1")},
      {"TRACE", 501, line("TRACE /fast HTTP/1.1")},
      {"an_asterisk_for_GET", 400, line("GET * HTTP/1.1")},
      {"a_method_in_lower_case", 501, line("get /fast HTTP/1.1")},
      {"a_method_of_8000_letters", 501, line(std::string(8'000, 'A') + " /fast HTTP/1.1")},
      {"no_host", 400, "GET /fast HTTP/1.1\r\n\r\n" + hidden()},
      {"a_host_twice", 400, header("Host: other")},
      {"a_host_with_a_user", 400, "GET /fast HTTP/1.1\r\nHost: a@test\r\n\r\n" + hidden()},
      {"two_hosts_in_one", 400, "GET /fast HTTP/1.1\r\nHost: test, other\r\n\r\n" + hidden()},
      {"a_host_with_a_path", 400, "GET /fast HTTP/1.1\r\nHost: test/a\r\n\r\n" + hidden()},
      {"a_host_with_a_port_that_is_none", 400,
       "GET /fast HTTP/1.1\r\nHost: test:99999\r\n\r\n" + hidden()},
      {"a_host_that_is_none_behind_a_target_that_has_one", 400,
       "GET http://test/fast HTTP/1.1\r\nHost: a b\r\n\r\n" + hidden()},
      {"a_target_without_a_host", 400, line("GET http:///fast HTTP/1.1")},
      {"a_target_with_a_user", 400, line("GET http://a:b@test/fast HTTP/1.1")},
      {"a_target_with_a_port_that_is_none", 400, line("GET http://test:x/fast HTTP/1.1")},
      {"HTTP_0_9", 400, "GET /fast\r\n" + hidden()},
      {"HTTP_0_9_with_a_version", 505, line("GET /fast HTTP/0.9")},
      {"HTTP_2_1", 505, line("GET /fast HTTP/2.1")},
      {"HTTP_in_lower_case", 400, line("GET /fast http/1.1")},
      {"HTTP_with_a_long_version", 400, line("GET /fast HTTP/1.10")},
      {"the_preface_of_HTTP_2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden()},
      {"a_handshake_of_TLS", 400, client_hello(true) + hidden()},
      {"a_line_of_SMTP", 400, "EHLO test\r\n" + hidden()},
      {"a_header_of_a_proxy", 400, "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + hidden()},
      {"a_request_line_of_8_KiB_and_a_byte", 414,
       line("GET /" + std::string(8'193 - 14, 'a') + " HTTP/1.1")},
      {"a_request_line_of_1_MB", 414, line("GET /" + std::string(1'000'000, 'a') + " HTTP/1.1")},
      {"a_request_line_without_an_end", 414, std::string(1'000'000, 'a')},
      {"a_header_of_1_MB", 431, header("X: " + std::string(1'000'000, 'y'))},
      {"a_name_of_1_MB", 431, header(std::string(1'000'000, 'X') + ": y")},
      {"a_hundred_and_one_headers", 431, header(repeated("X: y\r\n", 100) + "X: y")},
      {"100000_empty_headers", 431, header(repeated("X:\r\n", 100'000))},
      {"a_head_of_16_KiB_and_more", 431,
       header("X: " + std::string(8'000, 'y') + "\r\nY: " + std::string(8'000, 'y') +
              "\r\nZ: " + std::string(1'000, 'y'))},
  };
}

class head : public testing::TestWithParam<attack> {};

TEST_P(head, that_is_none_is_refused_and_nothing_of_it_is_served) {
  live_server server;
  expect_refused(server, GetParam());
  EXPECT_EQ(server.at.count("/fast"), 1) << "that of the other client";
}

INSTANTIATE_TEST_SUITE_P(attacks, head, testing::ValuesIn(heads()), name_of);

// Bytes without a line end are waited for no longer than any head, by nobody.
TEST(head, of_a_TLS_handshake_without_a_line_feed_in_it_is_over_when_its_time_is) {
  setup how;
  how.how.head_timeout = 200ms;
  live_server server(how);
  client c = server.connect();
  ASSERT_TRUE(c.send(client_hello(false)));
  EXPECT_EQ(c.receive().status, 408);
  EXPECT_TRUE(c.sees_the_end());
}

TEST(target, of_absolute_form_is_taken_for_its_path_and_not_for_another_server) {
  live_server server;
  client c = server.connect();
  for (const auto* target :
       {"http://elsewhere/fast", "HTTP://[::1]:1/fast", "https://elsewhere:443/fast"}) {
    EXPECT_EQ(c.ask(get(target)).body, "fast\n") << target;
  }
  EXPECT_EQ(c.ask(get("http://elsewhere")).status, 404);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(a_host, that_a_handler_sees_is_the_one_that_the_target_names) {
  setup how;
  how.more.push_back([](live_server& s) {
    s.server.handle(
        {.method = "GET",
         .path = "/host",
         .answer = [](const context&, const httplib::Request& req, httplib::Response& res) {
           res.set_content(std::to_string(req.get_header_value_count("Host")) + " " +
                               req.get_header_value("Host"),
                           "text/plain");
         }});
  });
  live_server server(how);
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/host")).body, "1 localhost");
  EXPECT_EQ(c.ask(get("http://elsewhere:81/host")).body, "1 elsewhere:81");
  EXPECT_EQ(c.ask("GET /host HTTP/1.1\r\nHost:\r\n\r\n").body, "1 ");
  EXPECT_EQ(c.ask("GET http://[::1]/host HTTP/1.1\r\nHost:\r\n\r\n").body, "1 [::1]");
}

TEST(options, say_which_methods_there_are) {
  live_server server;
  client c = server.connect();
  const auto options = [&c](const std::string& target) {
    return c.ask("OPTIONS " + target + " HTTP/1.1\r\nHost: test\r\n\r\n");
  };
  for (const auto* target : {"*", "/fast", "http://test", "/echo"}) {
    const auto a = options(target);
    EXPECT_EQ(a.status, 204) << target;
    EXPECT_EQ(a.header("content-length"), "") << "RFC 9110 8.6";
    EXPECT_EQ(a.header("content-type"), "");
    EXPECT_NE(a.header("x-request-id"), "");
    EXPECT_NE(a.header("allow").find("OPTIONS"), std::string::npos) << a.header("allow");
  }
  EXPECT_EQ(options("/fast").header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(options("/echo").header("allow"), "POST, PUT, OPTIONS");
  EXPECT_EQ(options("*").header("allow").find("GET, HEAD"), 0U);
  EXPECT_EQ(options("/nothing").status, 404);
  EXPECT_EQ(c.ask(get("/fast")).body, "fast\n") << "nothing is left of them";
  EXPECT_EQ(server.connections(), 1U);
  ASSERT_TRUE(server.seen.await_ended(9));
  EXPECT_EQ(server.seen.nth(0).end, request_end::completed);
  EXPECT_EQ(server.seen.nth(0).status, 204);
}

// A rule of a proxy for /one/fast sees these as other paths, and so do we.
TEST(path, is_not_reached_by_another_way_of_writing_it) {
  live_server server;
  client c = server.connect();
  for (const auto* path :
       {"/one%2ffast", "/one%2Ffast", "//one/fast", "/one//fast", "/./one/fast", "/x/../one/fast",
        "/%2e%2e/one/fast", "/one/%2e/fast", "/one/fast/", "/one%5cfast", "/one/fast%20",
        "/one/fast;x", "/ONE/fast", "/one%252ffast", "/%2fone/fast"}) {
    EXPECT_EQ(c.ask(get(path)).status, 404) << path;
  }
  EXPECT_EQ(server.at.count("/one/fast"), 0);
  EXPECT_EQ(c.ask(get("/one/f%61st")).status, 200) << "RFC 3986 2.3: an a";
}

TEST(http_1_2, is_served_as_1_1) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send("GET /fast HTTP/1.2\r\nHost: test\r\n\r\n" + get("/fast")));
  EXPECT_EQ(c.receive().body, "fast\n");
  EXPECT_EQ(c.receive().body, "fast\n") << "the connection is kept";
}

// Not answered by a file, a redirect or a crash; not by std::regex either, which recurses.
TEST(path, of_8000_bytes_is_a_404) {
  live_server server;
  client c = server.connect();
  const std::vector<std::string> paths = {
      "/" + std::string(8'000, 'a'),      "/" + std::string(8'000, '/'),
      "/" + repeated("%41", 2'600),       "/" + repeated("../", 2'600),
      "/fast" + repeated("%2f..", 1'600), "/" + repeated("%2e%2e%2f", 800),
      "/" + repeated("(a*)*", 1'600),     "/" + std::string(8'000, '\xff'),
      "/fast/" + std::string(7'000, '.'), "/fast" + std::string(8'000, ';'),
  };
  for (int round = 0; round < 20; ++round) {
    for (const auto& p : paths) {
      ASSERT_EQ(c.ask(get(p)).status, 404) << p.substr(0, 20);
    }
  }
  EXPECT_EQ(server.connections(), 1U) << "one connection for all of them";
}

TEST(query, of_8000_bytes_is_read_and_no_more_than_that) {
  live_server server;
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/fast?" + std::string(8'000, 'a'))).status, 200);
  EXPECT_EQ(c.ask(get("/fast?" + repeated("a=b&", 2'000))).status, 200);
  EXPECT_EQ(c.ask(get("/fast?" + repeated("%", 8'000))).status, 200);
  EXPECT_EQ(c.ask(get("/fast?" + std::string(8'000, '='))).status, 200);
  EXPECT_EQ(c.ask(get("/fast?" + std::string(8'000, '?'))).status, 200);
  client other = server.connect();
  const auto a = other.ask(get("/fast?" + std::string(8'200, 'a')));
  EXPECT_EQ(a.status, 414);
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_TRUE(other.sees_the_end());
}

// An answer has the headers that we wrote, whatever stands encoded in the request.
TEST(an_encoded_line_break, makes_no_header_wherever_it_stands) {
  live_server server;
  client c = server.connect();
  const std::string evil = "%0d%0aX-Evil:%20yes%0D%0A%0D%0A";
  const std::vector<std::string> requests = {
      get("/fast" + evil),
      get("/query?a=" + evil),
      get("/query?" + evil + "=b"),
      get("/fast", "X-Request-Id: " + evil + "\r\n"),
      get("/nothing", "X-Request-Id: a\tb" + evil + "\r\n"),
      get("/pool/bad", "X: " + evil + "\r\nReferer: /" + evil + "\r\n"),
      "DELETE /fast" + evil + " HTTP/1.1\r\nHost: test\r\nX: " + evil + "\r\n\r\n",
      get("/pool/rows?n=1&" + evil, "Accept: " + evil + "\r\nRange: " + evil + "\r\n"),
  };
  for (const auto& r : requests) {
    const auto a = c.ask(r);
    EXPECT_TRUE(a.whole) << r;
    EXPECT_EQ(a.header("x-evil"), "") << r;
    for (const auto& [name, value] : a.headers) {
      EXPECT_EQ(value.find("vil"), std::string::npos) << name << ": " << value;
    }
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST(an_address, that_a_header_claims_is_not_taken_for_the_clients) {
  live_server server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait",
                         "X-Forwarded-For: 10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\n"
                         "Forwarded: for=10.0.0.1\r\nRemote-Addr: 10.0.0.1\r\n")));
  ASSERT_TRUE(server.at.await("/wait"));
  ASSERT_EQ(server.server.in_flight().size(), 1U);
  EXPECT_EQ(server.server.in_flight().front().client,
            "127.0.0.1:" + std::to_string(c.local_port()));
}

}  // namespace
}  // namespace hangup::wire
