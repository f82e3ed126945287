// The bodies of the answers that the server makes itself.
#include "http/run/error_answer.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "hangup/http/request.h"

namespace hangup::http {
namespace {

struct made {
  explicit made(const options& how, const server_error& e) : res(background(), req) {
    res.set("X", "stays");
    res.body("text/html", "what the handler had begun");
    answer_error(res, how, e);
  }
  request req{"GET", "/a"};
  reply res;
};

TEST(an_error, is_a_problem_unless_the_program_makes_something_else) {
  const made usual({}, {.status = 404, .detail = "gone"});
  EXPECT_EQ(usual.res.status(), 404);
  EXPECT_EQ(usual.res.header("Content-Type"), "application/problem+json");
  EXPECT_NE(usual.res.body().find("\"gone\""), std::string_view::npos);
  EXPECT_EQ(usual.res.header("X"), "stays");

  const options own{.make_error = [](const server_error& e) {
    return error_page{"text/plain", std::to_string(e.status) + std::string(e.detail)};
  }};
  const made page(own, {.status = 404, .detail = "gone"});
  EXPECT_EQ(page.res.status(), 404);
  EXPECT_EQ(page.res.header("Content-Type"), "text/plain");
  EXPECT_EQ(page.res.body(), "404gone");
}

TEST(an_error, is_a_problem_if_the_program_throws) {
  const options broken{.make_error = [](const server_error&) -> std::optional<error_page> {
    throw std::runtime_error("a secret");
  }};
  const made problem(broken, {.status = 503, .detail = "full"});
  EXPECT_EQ(problem.res.status(), 503);
  EXPECT_EQ(problem.res.header("Content-Type"), "application/problem+json");
  const auto whole = whole_error(broken, {.status = 503, .detail = "full"}, nullptr);
  EXPECT_NE(whole.find("application/problem+json"), std::string::npos);
  EXPECT_EQ(whole.find("secret"), std::string::npos);
}

TEST(an_error, is_only_what_is_one) {
  int asked = 0;
  const options counting{.make_error = [&asked](const server_error&) {
    ++asked;
    return error_page{"text/plain", "page"};
  }};
  EXPECT_EQ(whole_error(counting, {.status = 204}, nullptr).find("page"), std::string::npos);
  EXPECT_EQ(whole_error(counting, {.status = 303}, nullptr).find("page"), std::string::npos);
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(whole_error(counting, {.status = 400}, nullptr).ends_with("\r\n\r\npage"));
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace hangup::http
