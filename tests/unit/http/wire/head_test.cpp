// What passes read_head() has one meaning only, and what does not is refused with the right status.
#include "http/wire/head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hangup::http {
namespace {

const std::string host = "Host: test\r\n";

std::string sent(const std::string& line, const std::string& headers = {}) {
  return line + "\r\n" + host + headers + "\r\n";
}
std::string with(const std::string& headers) {
  return sent("GET /path HTTP/1.1", headers);
}

// The views of a head point into the bytes: these live as long as the object.
struct read {
  explicit read(std::string text, head_limits limits = {}) : bytes(std::move(text)) {
    is = read_head(bytes, limits, head, why);
  }
  read(const read&) = delete;
  std::string bytes;
  request_head head;
  refusal why;
  head_is is;
};

struct refused_case {
  const char* what;
  int status;
  std::string bytes;
};

std::vector<refused_case> all_refused() {
  return {
      {"an empty request line", 400, "\r\n\r\n"},
      {"one word", 400, sent("GET")},
      {"two words", 400, sent("GET /path")},
      {"two spaces before the target", 400, sent("GET  /path HTTP/1.1")},
      {"two spaces before the version", 400, sent("GET /path  HTTP/1.1")},
      {"a space at the start", 400, sent(" GET /path HTTP/1.1")},
      {"a space at the end", 400, sent("GET /path HTTP/1.1 ")},
      {"a tab for a space", 400, sent("GET\t/path HTTP/1.1")},
      {"a method that is no token", 400, sent("G(T /path HTTP/1.1")},
      {"a method in lower case", 501, sent("get /path HTTP/1.1")},
      {"CONNECT", 501, sent("CONNECT test:80 HTTP/1.1")},
      {"TRACE", 501, sent("TRACE / HTTP/1.1")},
      {"HTTP/2.0", 505, sent("GET / HTTP/2.0")},
      {"HTTP/2.1", 505, sent("GET / HTTP/2.1")},
      {"HTTP/0.9", 505, sent("GET / HTTP/0.9")},
      {"a version of letters", 400, sent("GET / HTTP/x.y")},
      {"a version with a comma", 400, sent("GET / HTTP/1,1")},
      {"a version in lower case", 400, sent("GET / http/1.1")},
      {"a short version", 400, sent("GET / HTTP/1")},
      {"a long version", 400, sent("GET / HTTP/1.10")},
      {"an empty target", 400, sent("GET  HTTP/1.1")},
      {"a target that is no path", 400, sent("GET path HTTP/1.1")},
      {"a fragment", 400, sent("GET /path#there HTTP/1.1")},
      {"a control in the target", 400, sent("GET /pa\x01th HTTP/1.1")},
      {"DEL in the target", 400, sent("GET /pa\x7fth HTTP/1.1")},
      {"* for a GET", 400, sent("GET * HTTP/1.1")},
      {"an authority", 400, sent("GET test:80 HTTP/1.1")},
      {"another scheme", 400, sent("GET ftp://test/ HTTP/1.1")},
      {"half a percent-encoding", 400, sent("GET /a%4 HTTP/1.1")},
      {"a percent at the end", 400, sent("GET /a% HTTP/1.1")},
      {"a percent-encoding that is no hex", 400, sent("GET /a%4g HTTP/1.1")},
      {"an encoded NUL", 400, sent("GET /a%00b HTTP/1.1")},
      {"LF only", 400, "GET / HTTP/1.1\nHost: test\n\n"},
      {"LF after a header", 400, "GET / HTTP/1.1\r\nHost: test\n\r\n"},
      {"LF for the empty line", 400, "GET / HTTP/1.1\r\nHost: test\r\n\n"},
      {"a header without a colon", 400, with("nothing\r\n")},
      {"a header without a name", 400, with(": x\r\n")},
      {"a space before the colon", 400, with("X : y\r\n")},
      {"a space before the name", 400, with(" X: y\r\n")},
      {"a folded header", 400, with("X: y\r\n\tz\r\n")},
      {"a name that is no token", 400, with("X@Y: z\r\n")},
      {"CR in a value", 400, with("X: a\rb\r\n")},
      {"NUL in a value", 400, with(std::string("X: a\0b\r\n", 8))},
      {"DEL in a value", 400, with("X: a\x7f\r\n")},
      {"no Host", 400, "GET / HTTP/1.1\r\n\r\n"},
      {"a Host that is none", 400, "GET / HTTP/1.1\r\nHost: user@test\r\n\r\n"},
      {"a Host that is none in HTTP/1.0", 400, "GET / HTTP/1.0\r\nHost: a b\r\n\r\n"},
      {"a Host that is none behind a whole URL", 400,
       "GET http://test/ HTTP/1.1\r\nHost: a, b\r\n\r\n"},
      {"a whole URL and no Host", 400, "GET http://test/ HTTP/1.1\r\n\r\n"},
      {"a URL without a host", 400, sent("GET http:///path HTTP/1.1")},
      {"a URL with a port only", 400, sent("GET http://:80/path HTTP/1.1")},
      {"a URL with nothing", 400, sent("GET http:// HTTP/1.1")},
      {"a URL with a query only", 400, sent("GET https://?a HTTP/1.1")},
      {"a URL with a user", 400, sent("GET http://user@test/ HTTP/1.1")},
      {"a URL with a password", 400, sent("GET http://user:pass@test/ HTTP/1.1")},
      {"a URL with a bad port", 400, sent("GET http://test:65536/ HTTP/1.1")},
      {"a URL with a bad address", 400, sent("GET http://[::1/ HTTP/1.1")},
      {"two Hosts", 400, with("host: other\r\n")},
      {"two Hosts in HTTP/1.0", 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"an empty Content-Length", 400, with("Content-Length:\r\n")},
      {"a Content-Length with plus", 400, with("Content-Length: +5\r\n")},
      {"a Content-Length with minus", 400, with("Content-Length: -5\r\n")},
      {"a Content-Length in hex", 400, with("Content-Length: 0x5\r\n")},
      {"a Content-Length with words", 400, with("Content-Length: 5 bytes\r\n")},
      {"a list of Content-Lengths", 400, with("Content-Length: 5, 5\r\n")},
      {"a Content-Length that wraps", 400, with("Content-Length: 18446744073709551616\r\n")},
      {"two Content-Lengths", 400, with("Content-Length: 5\r\ncontent-length: 5\r\n")},
      {"both framings", 400, with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
      {"both framings the other way", 400,
       with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n")},
      {"chunked twice", 400, with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {"chunked in HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"another coding", 501, with("Transfer-Encoding: gzip\r\n")},
      {"a list of codings", 501, with("Transfer-Encoding: gzip, chunked\r\n")},
      {"a coding with a parameter", 501, with("Transfer-Encoding: chunked;a=b\r\n")},
      {"an empty coding", 501, with("Transfer-Encoding:\r\n")},
      {"an encoded body", 415, with("Content-Encoding: gzip\r\n")},
      {"a list of encodings", 415, with("Content-Encoding: identity, br\r\n")},
      {"another expectation", 417, with("Expect: the-best\r\n")},
      {"no expectation", 417, with("Expect:\r\n")},
  };
}

TEST(head, that_breaks_a_rule_is_refused_with_its_status) {
  for (const auto& c : all_refused()) {
    const read r(c.bytes);
    EXPECT_EQ(r.is, head_is::refused) << c.what;
    EXPECT_EQ(r.why.status, c.status) << c.what;
    EXPECT_FALSE(r.why.detail.empty()) << c.what;
  }
}

// However it arrives: it is incomplete until it is refused, and once refused it stays so, alike.
TEST(head, that_breaks_a_rule_is_refused_alike_at_every_split) {
  for (const auto& c : all_refused()) {
    const read all(c.bytes);
    bool refused = false;
    for (std::size_t n = 0; n <= c.bytes.size(); ++n) {
      const read part(c.bytes.substr(0, n));
      ASSERT_NE(part.is, head_is::whole) << c.what << " at " << n;
      ASSERT_FALSE(refused && part.is != head_is::refused) << c.what << " at " << n;
      if (part.is == head_is::refused) {
        refused = true;
        ASSERT_EQ(part.why.status, all.why.status) << c.what << " at " << n;
        ASSERT_EQ(part.why.detail, all.why.detail) << c.what << " at " << n;
      }
    }
    EXPECT_TRUE(refused) << c.what;
  }
}

TEST(head, is_incomplete_until_its_last_byte_and_takes_none_of_what_follows) {
  const auto text = sent("POST /a%20b?x=y HTTP/1.1",
                         "Content-Length: 5\r\nX-Request-Id: id-1\r\nExpect: 100-continue\r\n");
  for (std::size_t n = 0; n < text.size(); ++n) {
    ASSERT_EQ(read(text.substr(0, n)).is, head_is::incomplete) << n;
  }
  const read r(text + "hello" + text);
  ASSERT_EQ(r.is, head_is::whole);
  EXPECT_EQ(r.head.size, text.size());
  EXPECT_EQ(r.head.method, "POST");
  EXPECT_EQ(r.head.target, "/a%20b?x=y");
  EXPECT_EQ(r.head.path, "/a b");
  EXPECT_EQ(r.head.query, "x=y");
  EXPECT_EQ(r.head.content_length, 5U);
  EXPECT_TRUE(r.head.has_body());
  EXPECT_TRUE(r.head.expects_continue);
  EXPECT_TRUE(r.head.http_1_1);
  EXPECT_TRUE(r.head.keep_alive);
  EXPECT_EQ(r.head.request_id, "id-1");
  ASSERT_EQ(r.head.headers.size(), 4U);
  EXPECT_EQ(r.head.header("host"), "test");
  EXPECT_EQ(r.head.header("HOST"), "test");
  EXPECT_EQ(r.head.header("absent"), "");
}

TEST(head, targets_of_all_forms_are_read) {
  const std::vector<std::vector<std::string>> cases = {
      // target, path, query
      {"/", "/", ""},
      {"/?", "/", ""},
      {"/a?b?c=d", "/a", "b?c=d"},
      {"/%41%e4", "/A\xe4", ""},
      {"/requests%2fended", "/requests%2Fended", ""},
      {"/%2F%2e%2e%2f", "/%2F..%2F", ""},
      {"//a///b", "//a///b", ""},
      {"/%5c", "/\\", ""},
      {"/%25%34%31", "/%41", ""},
      {"/\xc3\xa4?q=\xc3\xa4", "/\xc3\xa4", "q=\xc3\xa4"},
      {"/a?%zz", "/a", "%zz"},
      {"/../a/./b", "/../a/./b", ""},
      {"http://test", "/", ""},
      {"http://test/a?b", "/a", "b"},
      {"HTTPS://test:443/a", "/a", ""},
      {"hTTp://[::1]:80//a/../b", "//a/../b", ""},
      {"http://test?b=c", "/", "b=c"},
  };
  for (const auto& c : cases) {
    const read r(sent("GET " + c[0] + " HTTP/1.1"));
    ASSERT_EQ(r.is, head_is::whole) << c[0] << ": " << r.why.detail;
    EXPECT_EQ(r.head.path, c[1]) << c[0];
    EXPECT_EQ(r.head.query, c[2]) << c[0];
  }
  for (const char* server : {"*", "http://test", "https://test:443"}) {
    const read star(sent("OPTIONS " + std::string(server) + " HTTP/1.1"));
    EXPECT_EQ(star.is, head_is::whole);
    EXPECT_EQ(star.head.path, "*") << server;
  }
  EXPECT_EQ(read(sent("OPTIONS http://test/ HTTP/1.1")).head.path, "/");
}

TEST(head, says_whether_its_path_was_encoded) {
  EXPECT_FALSE(read(sent("GET /a?%41 HTTP/1.1")).head.encoded);
  EXPECT_FALSE(read(sent("GET http://%41/a HTTP/1.1")).head.encoded);
  EXPECT_TRUE(read(sent("GET /%61 HTTP/1.1")).head.encoded);
  EXPECT_TRUE(read(sent("GET http://test/%2F HTTP/1.1")).head.encoded);
}

TEST(head, of_an_absolute_target_is_for_the_host_that_it_names) {
  const read r("GET http://one:81/a HTTP/1.1\r\nX: y\r\nhost: other\r\n\r\n");
  ASSERT_EQ(r.is, head_is::whole) << r.why.detail;
  EXPECT_EQ(r.head.header("Host"), "one:81");
  EXPECT_EQ(r.head.headers.size(), 2U);
  const read empty("GET http://one/a HTTP/1.1\r\nHost:\r\n\r\n");
  ASSERT_EQ(empty.is, head_is::whole) << empty.why.detail;
  EXPECT_EQ(empty.head.header("Host"), "one");
  const read old("GET http://one/a HTTP/1.0\r\n\r\n");
  ASSERT_EQ(old.is, head_is::whole) << old.why.detail;
  EXPECT_EQ(old.head.header("Host"), "one");
}

TEST(head, may_have_an_empty_host) {
  EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: \r\n\r\n").is, head_is::whole);
}

TEST(head, of_a_later_version_1_is_one_of_version_1_1) {
  for (const char* version : {"HTTP/1.2", "HTTP/1.9"}) {
    const read r(sent("POST / " + std::string(version), "Transfer-Encoding: chunked\r\n"));
    ASSERT_EQ(r.is, head_is::whole) << version;
    EXPECT_TRUE(r.head.http_1_1);
    EXPECT_TRUE(r.head.keep_alive);
  }
  EXPECT_EQ(read("GET / HTTP/1.2\r\n\r\n").why.status, 400) << "no Host";
}

TEST(head, with_an_encoded_body_is_refused_with_what_is_accepted) {
  EXPECT_EQ(read(with("Content-Encoding: gzip\r\n")).why.headers, "Accept-Encoding: identity\r\n");
  EXPECT_EQ(read(with("Content-Encoding: Identity\r\n")).is, head_is::whole);
}

TEST(head, all_methods_that_are_served_are_accepted) {
  for (const char* m : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    EXPECT_EQ(read(sent(std::string(m) + " / HTTP/1.1")).is, head_is::whole) << m;
  }
}

TEST(head, keep_alive_follows_version_and_connection) {
  const auto kept = [](const std::string& version, const std::string& connection) {
    return read(sent("GET / " + version, connection)).head.keep_alive;
  };
  EXPECT_TRUE(kept("HTTP/1.1", ""));
  EXPECT_FALSE(kept("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(kept("HTTP/1.1", "Connection: x, CLOSE ,y\r\n"));
  EXPECT_FALSE(kept("HTTP/1.1", "Connection: close\r\nConnection: keep-alive\r\n"));
  EXPECT_FALSE(kept("HTTP/1.1", "Connection: keep-alive, close\r\n"));
  EXPECT_TRUE(kept("HTTP/1.1", "Connection: closed, , upgrade\r\n"));
  EXPECT_FALSE(kept("HTTP/1.1", "Connection: \", close\r\n"));
  EXPECT_FALSE(kept("HTTP/1.0", ""));
  EXPECT_TRUE(kept("HTTP/1.0", "Connection: keep-alive\r\n"));
}

TEST(head, http_1_0_needs_no_host_and_is_never_asked_to_continue) {
  const read r("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(r.is, head_is::whole);
  EXPECT_FALSE(r.head.http_1_1);
  EXPECT_FALSE(r.head.expects_continue);
}

TEST(head, values_are_trimmed_and_may_be_empty_or_not_ascii) {
  const read r(with("A: \t x y \t\r\nB:\r\nC:\xe4\xf6\r\nContent-Length:  007 \r\n"));
  ASSERT_EQ(r.is, head_is::whole) << r.why.detail;
  EXPECT_EQ(r.head.header("a"), "x y");
  EXPECT_EQ(r.head.header("b"), "");
  EXPECT_EQ(r.head.header("c"), "\xe4\xf6");
  EXPECT_EQ(r.head.content_length, 7U);
}

TEST(head, chunked_is_read_in_any_case) {
  const read r(with("transfer-encoding: Chunked\r\n"));
  EXPECT_EQ(r.is, head_is::whole);
  EXPECT_TRUE(r.head.chunked);
  EXPECT_TRUE(r.head.has_body());
  EXPECT_FALSE(read(with("")).head.has_body());
  EXPECT_FALSE(read(with("Content-Length: 0\r\n")).head.has_body());
}

TEST(head, a_request_id_is_kept_only_if_it_is_sane) {
  const auto id = [](const std::string& value) {
    return std::string(read(with("X-Request-Id: " + value + "\r\n")).head.request_id);
  };
  EXPECT_EQ(id("aZ09-._~+/=:"), "aZ09-._~+/=:");
  EXPECT_EQ(id(std::string(128, 'x')), std::string(128, 'x'));
  for (const auto& bad : {std::string(129, 'x'), std::string("a b"), std::string("a\"b"),
                          std::string("a%0d"), std::string("\xc3\xa4"), std::string("<x>")}) {
    EXPECT_EQ(id(bad), "") << bad;
  }
}

TEST(head_limits, of_a_line_are_exact) {
  const auto line = [](std::size_t size) {
    const std::string start = "GET /";
    const std::string end = " HTTP/1.1";
    return start + std::string(size - start.size() - end.size(), 'a') + end;
  };
  EXPECT_EQ(read(sent(line(8192))).is, head_is::whole);
  EXPECT_EQ(read(sent(line(8193))).why.status, 414);
  const auto header = [](std::size_t size) { return "X: " + std::string(size - 3, 'y') + "\r\n"; };
  EXPECT_EQ(read(with(header(8192))).is, head_is::whole);
  EXPECT_EQ(read(with(header(8193))).why.status, 431);
}

TEST(head_limits, that_are_reached_are_named_with_what_is_allowed) {
  head_limits few;
  few.bytes = 60;
  few.headers = 2;
  const auto detail = [](const read& r) { return r.why.detail; };
  EXPECT_EQ(detail(read("GET /" + std::string(9000, 'a'))),
            "the request line is longer than the 8192 bytes allowed, without its CRLF");
  EXPECT_EQ(
      detail(read(with("X: " + std::string(8190, 'y') + "\r\n"))),
      "a header line is longer than the 8192 bytes allowed, with its name and without its CRLF");
  EXPECT_EQ(detail(read(with("X: " + std::string(60, 'y') + "\r\n"), few)),
            "the head is larger than the 60 bytes allowed");
  EXPECT_EQ(detail(read(with("X: y\r\nX: y\r\n"), few)),
            "there are more header lines than the 2 allowed");
}

TEST(head_limits, of_a_line_hold_before_it_ends) {
  EXPECT_EQ(read("GET /" + std::string(8189, 'a')).is, head_is::incomplete);
  EXPECT_EQ(read("GET /" + std::string(8190, 'a')).why.status, 414);
  const std::string start = "GET / HTTP/1.1\r\nX: ";
  EXPECT_EQ(read(start + std::string(8191, 'a')).is, head_is::incomplete);
  EXPECT_EQ(read(start + std::string(8192, 'a')).why.status, 431);
}

TEST(head_limits, of_headers_are_exact) {
  const auto many = [](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) {
      text += "X: y\r\n";
    }
    return text;
  };
  EXPECT_EQ(read(with(many(99))).is, head_is::whole) << "with Host";
  EXPECT_EQ(read(with(many(100))).why.status, 431);
  head_limits few;
  few.headers = 1;
  EXPECT_EQ(read(with(""), few).is, head_is::whole);
  EXPECT_EQ(read(with("X: y\r\n"), few).why.status, 431);
}

TEST(head_limits, of_the_whole_head_are_exact) {
  const auto text = with("X: " + std::string(200, 'y') + "\r\n");
  head_limits limits;
  limits.bytes = text.size();
  EXPECT_EQ(read(text, limits).is, head_is::whole);
  EXPECT_EQ(read(text + "the body does not count", limits).is, head_is::whole);
  limits.bytes = text.size() - 1;
  EXPECT_EQ(read(text, limits).why.status, 431);
  EXPECT_EQ(read(text.substr(0, text.size() - 1), limits).is, head_is::incomplete);
}

TEST(leading_empty_lines, are_counted_whole) {
  EXPECT_EQ(leading_empty_lines(""), 0U);
  EXPECT_EQ(leading_empty_lines("\r"), 0U);
  EXPECT_EQ(leading_empty_lines("\n"), 0U);
  EXPECT_EQ(leading_empty_lines("\r\nGET"), 2U);
  EXPECT_EQ(leading_empty_lines("\r\n\r\n\r"), 4U);
  EXPECT_EQ(leading_empty_lines("GET\r\n"), 0U);
}

}  // namespace
}  // namespace hangup::http
