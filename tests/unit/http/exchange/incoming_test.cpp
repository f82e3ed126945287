// What a handler gets of a head that was vetted.
#include "http/exchange/incoming.h"

#include <gtest/gtest.h>

#include "hangup/http/detail/httplib_call.h"
#include "http/wire/header_list.h"

namespace hangup::http {
namespace {

const peer ends{"192.0.2.1", 1234, "192.0.2.2", 80};

kept_request made_of(const std::string& text, const std::string& segment = "") {
  request_head head;
  refusal why;
  EXPECT_EQ(read_head(text, {}, head, why), head_is::whole) << why.detail;
  const auto at = head.path.find(segment);
  return request_for_handler(head, std::string_view(head.path).substr(at, segment.size()), ends);
}

TEST(request_for_handler, has_header_values_as_they_were_sent) {
  const auto req = made_of(
      "GET / HTTP/1.1\r\nHost: test\r\nAccept: a/b%u000d%u000aX: y\r\nCookie: 100%25=%0d%0a\r\n"
      "X: 1\r\nx: 2\r\nX: 3\r\nREMOTE_ADDR: 203.0.113.9\r\nEmpty:\r\n\r\n");
  EXPECT_EQ(req->header("Accept"), "a/b%u000d%u000aX: y");
  EXPECT_EQ(req->header("COOKIE"), "100%25=%0d%0a");
  EXPECT_EQ(req->header_list("X"), "1, 2, 3");
  EXPECT_EQ(req->count_header("x"), 3U);
  EXPECT_EQ(req->header("empty"), "");
  EXPECT_EQ(req->header("none"), std::nullopt);
  EXPECT_EQ(req->headers().size(), 8U) << "nothing is added";
}

TEST(request_for_handler, has_the_addresses_where_no_client_can_write_them) {
  const auto req = made_of("GET / HTTP/1.1\r\nHost: test\r\nREMOTE_ADDR: 203.0.113.9\r\n\r\n");
  EXPECT_EQ(req->remote_address(), "192.0.2.1");
  EXPECT_EQ(req->remote_port(), 1234);
  EXPECT_EQ(req->local_address(), "192.0.2.2");
  EXPECT_EQ(req->local_port(), 80);
}

TEST(request_for_handler, has_the_query_decoded_once_and_the_target_as_sent) {
  const auto req = made_of("GET /a%62?c=%2541&d=%u0032&e HTTP/1.0\r\n\r\n", "b");
  EXPECT_EQ(req->path(), "/ab");
  EXPECT_EQ(req->path_parameter(), "b");
  EXPECT_EQ(req->target(), "/a%62?c=%2541&d=%u0032&e");
  EXPECT_TRUE(req->is_http_1_0());
  EXPECT_EQ(req->parameter("c"), "%41");
  EXPECT_EQ(req->parameter("d"), "%u0032");
  EXPECT_EQ(req->parameter("e"), "");
}

TEST(request_for_handler, takes_whatever_the_limits_of_a_head_let_through) {
  const auto query = "a=" + std::string(2800, '=');
  const auto cookie = std::string(4900, '%');
  const auto line = std::string(8192 - 3, 'v');  // with "X: " as long as a line may be
  const auto req = made_of("GET /?" + query + " HTTP/1.1\r\nHost: test\r\nCookie: " + cookie +
                           "\r\nX: " + line + "\r\n\r\n");
  EXPECT_EQ(req->parameter("a"), std::string(2800, '='));
  EXPECT_EQ(req->header("Cookie"), cookie);
  EXPECT_EQ(req->header("X"), line);
}

TEST(request_for_handler, has_as_host_what_the_target_says_in_absolute_form) {
  const auto req = made_of("GET http://a.test/x HTTP/1.1\r\nHost: b.test\r\n\r\n");
  EXPECT_EQ(req->header("Host"), "a.test");
  EXPECT_EQ(req->path(), "/x");
  const auto without = made_of("GET http://a.test/x HTTP/1.0\r\nX: y\r\n\r\n");
  EXPECT_EQ(without->header("Host"), "a.test");
  EXPECT_EQ(without->headers().size(), 2U) << "the one that was sent, and the host";
  EXPECT_EQ(without->headers()[1].name, "Host");
}

TEST(request_for_handler, has_nothing_of_the_request_before_it) {
  const request* first = nullptr;
  {
    const auto req = made_of("POST /a/b?x=%41&y=1 HTTP/1.1\r\nHost: test\r\nA: 1\r\n\r\n", "b");
    request_access::body(*req).append("a body");
    first = req.get();
  }
  const auto req = made_of("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(req.get(), first) << "its memory is used again";
  EXPECT_EQ(req->body(), "");
  EXPECT_EQ(req->path_parameter(), "");
  EXPECT_TRUE(req->headers().empty() && req->parameters().empty());
}

TEST(request_for_handler, is_the_same_to_a_handler_of_cpp_httplib) {
  const auto req = made_of(
      "POST /a%62?b=1+2&b=%2541&c HTTP/1.1\r\nHost: test\r\nX: 1\r\nx: 2\r\nX: 3\r\n"
      "REMOTE_ADDR: 203.0.113.9\r\n\r\n");
  request_access::body(*req).append("a body");
  httplib::Request same;
  detail::fill(same, *req);
  EXPECT_EQ(same.method, req->method());
  EXPECT_EQ(same.target, req->target());
  EXPECT_EQ(same.path, req->path());
  EXPECT_EQ(same.version, "HTTP/1.1");
  EXPECT_EQ(same.body, "a body");
  EXPECT_EQ(same.headers.size(), 5U) << "nothing is added";
  EXPECT_EQ(detail::joined(same.headers, "X"), "1, 2, 3");
  EXPECT_EQ(same.params.size(), 3U);
  EXPECT_EQ(same.get_param_value("b", 0), "1 2");
  EXPECT_EQ(same.get_param_value("b", 1), "%41");
  EXPECT_TRUE(same.has_param("c"));
  EXPECT_EQ(same.remote_addr, "192.0.2.1");
  EXPECT_EQ(same.local_port, 80);
}

}  // namespace
}  // namespace hangup::http
