// Errors are application/problem+json, whatever is in their texts.
#include "hangup/http/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "hangup/http/httplib_handler.h"

namespace hangup::http {
namespace {

using nlohmann::json;

TEST(problem, says_what_rfc_9457_asks_for) {
  const auto body = problem_body(404, "there is nothing at this path", "id-1");
  const auto j = json::parse(body);
  EXPECT_EQ(j.size(), 5U);
  EXPECT_EQ(j.at("type"), "about:blank");
  EXPECT_EQ(j.at("title"), "Not Found");
  EXPECT_EQ(j.at("status"), 404);
  EXPECT_EQ(j.at("detail"), "there is nothing at this path");
  EXPECT_EQ(j.at("request_id"), "id-1");
  EXPECT_EQ(body.back(), '\n');
}

TEST(problem, without_a_request_has_no_id) {
  EXPECT_FALSE(json::parse(problem_body(400, "x", "")).contains("request_id"));
}

TEST(problem, stays_json_whatever_is_in_the_detail) {
  for (const std::string detail : {"a \"quote\"", "a\\b\r\n\t\x01", "caf\xc3\xa9", "<script>"}) {
    EXPECT_EQ(json::parse(problem_body(400, detail, "")).at("detail"), detail);
  }
  for (const std::string broken : {"\xff\xfe", "caf\xe9", "\xc3"}) {
    const auto j = json::parse(problem_body(400, broken, ""));
    EXPECT_NE(j.at("detail").get<std::string>().find("\xef\xbf\xbd"), std::string::npos);
  }
}

TEST(problem, has_nothing_in_it_that_a_terminal_obeys) {
  const auto body = problem_body(400,
                                 "\x1b[2J\x7f\xc2\x9b"
                                 "2J\xe2\x80\xae\xe2\x80\xa8\x9b",
                                 "");
  for (const char c : body.substr(0, body.size() - 1)) {
    EXPECT_TRUE(c >= ' ' && c <= '~') << body;
  }
}

TEST(problem, makes_a_response_of_cpp_httplib_of_it) {
  httplib::Response res;
  set_problem(res, 503, "no room", "id-2");
  EXPECT_EQ(res.status, 503);
  EXPECT_EQ(res.get_header_value("Content-Type"), "application/problem+json");
  EXPECT_EQ(res.get_header_value_count("Content-Type"), 1U);
  EXPECT_EQ(res.body, problem_body(503, "no room", "id-2"));
  set_problem(res, 504, "too late", "id-2");
  EXPECT_EQ(res.get_header_value_count("Content-Type"), 1U) << "the last one counts";
  EXPECT_EQ(json::parse(res.body).at("status"), 504);
}

TEST(problem, has_a_title_and_a_detail_for_every_status_that_is_sent) {
  for (const int status :
       {400, 403, 404, 405, 408, 413, 414, 415, 416, 417, 431, 500, 501, 502, 503, 504, 505}) {
    EXPECT_NE(status_text(status), "Unknown") << status;
    EXPECT_FALSE(usual_detail(status).empty()) << status;
  }
  EXPECT_EQ(status_text(299), "Unknown");
  for (const int status : {401, 403, 404, 409, 410, 429}) {  // as handlers set them without a body
    EXPECT_NE(usual_detail(status), usual_detail(400)) << status << " was understood";
  }
}

}  // namespace
}  // namespace hangup::http
