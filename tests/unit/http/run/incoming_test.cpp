#include "http/run/incoming.h"

#include <gtest/gtest.h>

#include "http/wire/header_list.h"

namespace hangup::http {
namespace {

std::unique_ptr<httplib::Request> made_of(const std::string& text) {
  request_head head;
  refusal why;
  EXPECT_EQ(read_head(text, {}, head, why), head_is::whole) << why.detail;
  return request_for_handler(head, {"192.0.2.1", 1234, "192.0.2.2", 80});
}

TEST(request_for_handler, has_header_values_as_they_were_sent) {
  const auto req = made_of(
      "GET / HTTP/1.1\r\nHost: test\r\nAccept: a/b%u000d%u000aX: y\r\nCookie: 100%25=%0d%0a\r\n"
      "X: 1\r\nx: 2\r\nX: 3\r\nREMOTE_ADDR: 203.0.113.9\r\n\r\n");
  EXPECT_EQ(req->get_header_value("Accept"), "a/b%u000d%u000aX: y");
  EXPECT_EQ(req->get_header_value("Cookie"), "100%25=%0d%0a");
  EXPECT_EQ(joined(req->headers, "X"), "1, 2, 3");
  EXPECT_EQ(req->headers.size(), 7U) << "nothing is added";
}

TEST(request_for_handler, has_the_addresses_where_no_client_can_write_them) {
  const auto req = made_of("GET / HTTP/1.1\r\nHost: test\r\nREMOTE_ADDR: 203.0.113.9\r\n\r\n");
  EXPECT_EQ(req->remote_addr, "192.0.2.1");
  EXPECT_EQ(req->remote_port, 1234);
  EXPECT_EQ(req->local_addr, "192.0.2.2");
  EXPECT_EQ(req->local_port, 80);
}

TEST(request_for_handler, has_the_query_decoded_once_and_the_target_as_sent) {
  const auto req = made_of("GET /a%62?c=%2541&d=%u0032&e HTTP/1.0\r\n\r\n");
  EXPECT_EQ(req->path, "/ab");
  EXPECT_EQ(req->target, "/a%62?c=%2541&d=%u0032&e");
  EXPECT_EQ(req->version, "HTTP/1.0");
  EXPECT_EQ(req->get_param_value("c"), "%41");
  EXPECT_EQ(req->get_param_value("d"), "%u0032");
  EXPECT_TRUE(req->has_param("e"));
}

TEST(request_for_handler, takes_whatever_the_limits_of_a_head_let_through) {
  const auto query = "a=" + std::string(2800, '=');
  const auto cookie = std::string(4900, '%');
  const auto line = std::string(8192 - 3, 'v');  // with "X: " as long as a line may be
  const auto req = made_of("GET /?" + query + " HTTP/1.1\r\nHost: test\r\nCookie: " + cookie +
                           "\r\nX: " + line + "\r\n\r\n");
  EXPECT_EQ(req->get_param_value("a"), std::string(2800, '='));
  EXPECT_EQ(req->get_header_value("Cookie"), cookie);
  EXPECT_EQ(req->get_header_value("X"), line);
}

}  // namespace
}  // namespace hangup::http
