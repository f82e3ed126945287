// The request that a handler reads: one rule for what was sent.
#include "hangup/http/request.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "hangup/http/httplib_handler.h"

namespace hangup::http {
namespace {

using texts = std::vector<std::string_view>;

TEST(request, has_the_first_value_of_a_parameter_all_of_them_or_none) {
  const request req("GET", "/p?a=1&b=&a=2&c&a=&=x&&%61=3");
  EXPECT_EQ(req.parameter("a"), "1");
  EXPECT_EQ(req.parameter_values("a"), (texts{"1", "2", "", "3"}));
  EXPECT_EQ(req.count_parameter("a"), 4U);
  EXPECT_EQ(req.parameter("b"), "");
  EXPECT_EQ(req.parameter("c"), "");
  EXPECT_TRUE(req.has_parameter("c"));
  EXPECT_EQ(req.parameter("d"), std::nullopt);
  EXPECT_FALSE(req.has_parameter("A")) << "names are compared exactly";
  EXPECT_FALSE(req.has_parameter(""));
  EXPECT_EQ(req.parameter_values("d"), texts{});
  EXPECT_EQ(req.parameters().size(), 6U);
  EXPECT_EQ(req.path(), "/p");
}

TEST(request, decodes_a_parameter_once_and_leaves_what_is_no_escape) {
  const request req("GET", "/?plus=1+2%2B3&twice=%2541&nul=a%00b&%26=%3d&bad=%zz%4%u0032%");
  EXPECT_EQ(req.parameter("plus"), "1 2+3");
  EXPECT_EQ(req.parameter("twice"), "%41");
  EXPECT_EQ(req.parameter("nul"), std::string_view("a\0b", 3));
  EXPECT_EQ(req.parameter("&"), "=");
  EXPECT_EQ(req.parameter("bad"), "%zz%4%u0032%");
}

TEST(request, keeps_the_plus_and_the_encoded_slash_of_a_path) {
  const request req("GET", "/a+b%2Fc%20d?x");
  EXPECT_EQ(req.path(), "/a+b%2Fc d");
  EXPECT_EQ(req.target(), "/a+b%2Fc%20d?x");
}

TEST(request, finds_a_header_in_any_letter_case_and_joins_its_lines) {
  const request req("GET", "/", {{"Accept", "text/csv"}, {"X", " padded "}, {"accept", "*/*"}});
  EXPECT_EQ(req.header("ACCEPT"), "text/csv");
  EXPECT_EQ(req.header_list("Accept"), "text/csv, */*");
  EXPECT_EQ(req.header("x"), "padded");
  EXPECT_EQ(req.header("Host"), "localhost");
  EXPECT_EQ(req.header_list("none"), "");
  EXPECT_FALSE(req.has_header("none"));
}

TEST(request, that_a_server_would_refuse_cannot_be_made) {
  EXPECT_THROW(request("GET", "no path"), std::invalid_argument);
  EXPECT_THROW(request("BREW", "/"), std::invalid_argument);
  EXPECT_THROW(request("GET", "/%"), std::invalid_argument);
  EXPECT_THROW(request("GET", "/", {{"X", "a\r\nY: b\x01"}}), std::invalid_argument);
  EXPECT_THROW(request("GET", "/", {{"X", "a\r\n\r\nb"}}), std::invalid_argument);
  EXPECT_THROW(request("GET", "/", {{"no token", "a"}}), std::invalid_argument);
  const request good("PUT", "/", {{"Host", "a.test"}}, "the body");
  EXPECT_EQ(good.header_list("Host"), "a.test");
  EXPECT_EQ(good.body(), "the body");
}

TEST(request, for_a_test_may_have_the_parameter_of_its_route) {
  const request req("GET", "/jobs/a%20b/result", {}, {}, "a b");
  EXPECT_EQ(req.path_parameter(), "a b");
  EXPECT_EQ(req.path_parameter("id"), "a b");
  EXPECT_EQ(req.path_parameter("job"), std::nullopt);
  const request named("GET", "/jobs/7", {}, {}, "7", std::string("job"));
  EXPECT_EQ(named.path_parameter_name(), "job");
  EXPECT_EQ(named.path_parameter("job"), "7");
  EXPECT_EQ(named.path_parameter("id"), std::nullopt);
  EXPECT_EQ(request("GET", "/jobs").path_parameter("id"), std::nullopt);
  EXPECT_EQ(request("GET", "/jobs").path_parameter(""), std::nullopt);
  EXPECT_EQ(request("GET", "/jobs").path_parameter(), "");
  EXPECT_THROW(request("GET", "/jobs/7", {}, {}, "8"), std::invalid_argument);
}

TEST(handler, of_an_empty_function_is_empty) {
  EXPECT_FALSE(handler(httplib_handler()));
  EXPECT_FALSE(handler(native_handler()));
  EXPECT_FALSE(handler());
}

}  // namespace
}  // namespace hangup::http
