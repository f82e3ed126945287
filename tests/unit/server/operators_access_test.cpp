// Who may ask for the pages for operators.
#include "server/operators_access.h"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

#include "tests/support/temporary_directory.h"

namespace hangup::server {
namespace {

const std::string token = "0123456789abcdef0123456789abcdef";

class operators : public ::testing::Test {
 protected:
  std::string path() const { return folder / "token"; }
  void write(const std::string& text) const { std::ofstream(path()) << text; }
  config with_token() const {
    auto c = defaults();
    c.admin.token_file = path();
    return c;
  }

  const test::temporary_directory folder;
};

int status(const operators_access& of, const std::vector<http::field>& headers) {
  const auto why = of(http::request("GET", "/requests", headers));
  return why ? why->status : 200;
}

TEST_F(operators, are_asked_for_nothing_where_no_token_is_configured) {
  const operators_access all(defaults());
  EXPECT_EQ(status(all, {}), 200);
}

TEST_F(operators, send_the_token_and_nothing_else) {
  write(token + "\n");
  const operators_access all(with_token());
  EXPECT_EQ(status(all, {{"Authorization", "Bearer " + token}}), 200);
  EXPECT_EQ(status(all, {{"Authorization", "bearer   " + token}}), 200) << "schemes have no case";
  EXPECT_EQ(status(all, {}), 401);
  const auto longer = "Bearer " + token + "x";
  const auto shorter = "Bearer " + token.substr(1);
  const auto basic = "Basic " + token;
  const auto good = "Bearer " + token;
  EXPECT_EQ(status(all, {{"Authorization", longer}}), 401);
  EXPECT_EQ(status(all, {{"Authorization", shorter}}), 401);
  EXPECT_EQ(status(all, {{"Authorization", basic}}), 401);
  EXPECT_EQ(status(all, {{"Authorization", token}}), 401);
  EXPECT_EQ(status(all, {{"Authorization", "Bearer"}}), 401);
  EXPECT_EQ(status(all, {{"Authorization", "Bearer "}}), 401);
  EXPECT_EQ(status(all, {{"Authorization", good}, {"Authorization", good}}), 401);
}

TEST_F(operators, are_told_how_to_show_who_they_are) {
  write(token);
  const operators_access all(with_token());
  const auto none = all(http::request("GET", "/requests"));
  ASSERT_TRUE(none);
  EXPECT_NE(none->headers.find("WWW-Authenticate: Bearer realm="), std::string::npos);
  EXPECT_EQ(none->headers.find("invalid_token"), std::string::npos);
  const auto wrong = all(http::request("GET", "/requests", {{"Authorization", "Bearer x"}}));
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong->headers.find("error=\"invalid_token\""), std::string::npos);
  EXPECT_EQ(wrong->detail.find(token), std::string::npos);
}

TEST_F(operators, use_the_new_token_after_a_reload_and_the_old_one_if_there_is_none) {
  write(token);
  operators_access all(with_token());
  const auto other = std::string(40, 'z');
  const auto old_one = "Bearer " + token;
  const auto new_one = "Bearer " + other;
  write(other);
  EXPECT_EQ(status(all, {{"Authorization", old_one}}), 200);
  all.reload();
  EXPECT_EQ(status(all, {{"Authorization", old_one}}), 401);
  EXPECT_EQ(status(all, {{"Authorization", new_one}}), 200);
  write("short");
  EXPECT_THROW(all.reload(), std::invalid_argument);
  EXPECT_EQ(status(all, {{"Authorization", new_one}}), 200);
}

TEST_F(operators, have_no_token_that_is_easily_guessed_or_cannot_be_sent) {
  for (const auto& text : {std::string(), std::string(15, 'a'), std::string(1025, 'a'),
                           token + " " + token, token + "\n" + token, std::string(5000, 'a')}) {
    write(text);
    EXPECT_THROW(token_of(with_token().admin), std::invalid_argument) << text.size();
  }
  write(token + "\r\n");
  EXPECT_EQ(token_of(with_token().admin), token);
  auto c = with_token();
  c.admin.token_file = folder.path();
  try {
    static_cast<void>(token_of(c.admin));
    FAIL() << "a folder is no file";
  } catch (const std::invalid_argument& e) {
    EXPECT_TRUE(std::string(e.what()).starts_with("admin.token_file: found ")) << e.what();
  }
}

TEST_F(operators, ask_by_an_address_or_by_a_name_of_the_server) {
  auto c = defaults();
  c.listen.host = "Main.Server.";
  c.listen.more = {"My.Server:1234"};
  c.admin.listen = "admin.server.:0";
  c.admin.hosts = {"Known"};
  const operators_access all(c);
  for (const auto* host :
       {"127.0.0.1", "127.0.0.1:8080", "[::1]:80", "192.0.2.7", "localhost", "LOCALHOST.:8080",
        "a.localhost", "hangup", "hangup:8081", "my.server:1", "admin.server", "admin.server.:1",
        "main.server", "known:8080", "KNOWN.", "my_service:80"}) {
    EXPECT_EQ(status(all, {{"Host", host}}), 200) << host;
  }
  for (const auto* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "known.x", "hangup.evil.example.", "2130706433", "0x7f.1",
                           "evil%2eexample", "evil%2Eexample%2e", "main.server..", ""}) {
    EXPECT_EQ(status(all, {{"Host", host}}), 421) << host;
  }
}

int status_of_page(const operators_access& of, const std::string& target,
                   const std::vector<http::field>& headers) {
  const auto why = of(http::request("GET", target, headers));
  return why ? why->status : 200;
}

TEST_F(operators,
       pages_are_not_for_pages_of_another_origin_which_could_take_all_places_of_viewers) {
  const operators_access all(defaults());
  for (const auto* target : {"/requests/events", "/requests", "/metrics", "/", "/page/page"}) {
    for (const auto* site : {"cross-site", "same-site"}) {
      EXPECT_EQ(
          status_of_page(all, target, {{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "no-cors"}}),
          403)
          << target << " as an image of a page that is " << site;
    }
    EXPECT_EQ(
        status_of_page(all, target,
                       {{"Host", "localhost:8080"}, {"Origin", "http://evil.localhost:8080"}}),
        403)
        << target << " for EventSource of a browser that sends no Sec-Fetch-Site";
    EXPECT_EQ(status_of_page(all, target, {{"Sec-Fetch-Site", "same-origin"}}), 200) << target;
    EXPECT_EQ(status_of_page(all, target, {{"Sec-Fetch-Site", "none"}}), 200) << target;
    EXPECT_EQ(status_of_page(all, target, {}), 200) << target;
  }
  EXPECT_EQ(all.denied(denied_for::origin), 15U);
  EXPECT_EQ(all.denied(denied_for::host), 0U);
}

TEST_F(operators, pages_are_not_for_what_says_two_things_about_where_it_comes_from) {
  const operators_access all(defaults());
  const http::field host = {"Host", "localhost:8080"};
  const http::field own = {"Origin", "http://localhost:8080"};
  const http::field evil = {"Origin", "http://evil.example"};
  const http::field same = {"Sec-Fetch-Site", "same-origin"};
  const http::field cross = {"Sec-Fetch-Site", "cross-site"};
  EXPECT_EQ(status(all, {host, own}), 200);
  EXPECT_EQ(status(all, {host, {"Origin", "https://localhost:8080"}}), 200) << "by a proxy";
  EXPECT_EQ(status(all, {host, own, evil}), 403);
  EXPECT_EQ(status(all, {host, evil, own}), 403);
  EXPECT_EQ(status(all, {host, same, cross}), 403);
  EXPECT_EQ(status(all, {host, same, same}), 403);
  EXPECT_EQ(status(all, {host, {"Origin", "ftp://localhost:8080"}}), 403);
  EXPECT_EQ(status(all, {host, {"Origin", "chrome-extension://localhost:8080"}}), 403);
}

TEST_F(operators, page_is_opened_by_a_link_on_any_page_but_not_in_a_frame_of_it) {
  const operators_access all(defaults());
  const auto by = [](const char* mode, const char* dest) {
    return std::vector<http::field>{{"Sec-Fetch-Site", "cross-site"},
                                    {"Sec-Fetch-Mode", mode},
                                    {"Sec-Fetch-Dest", dest},
                                    {"Accept", "text/html,*/*;q=0.8"}};
  };
  EXPECT_EQ(status_of_page(all, "/", by("navigate", "document")), 200);
  EXPECT_EQ(status_of_page(all, "/", by("navigate", "iframe")), 403);
  EXPECT_EQ(status_of_page(all, "/", by("cors", "document")), 403);
  EXPECT_EQ(status_of_page(all, "/requests", by("navigate", "document")), 403);
  EXPECT_EQ(status_of_page(all, "/requests/events", by("navigate", "document")), 403);
}

TEST_F(operators, that_are_refused_are_counted_by_the_reason) {
  write(token);
  const operators_access all(with_token());
  EXPECT_EQ(status(all, {{"Host", "evil.example"}}), 421);
  EXPECT_EQ(status(all, {}), 401);
  EXPECT_EQ(status(all, {{"Authorization", "Bearer x"}}), 401);
  const auto good = "Bearer " + token;
  EXPECT_EQ(status(all, {{"Authorization", good}, {"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(status(all, {{"Authorization", good}}), 200);
  EXPECT_EQ(all.denied(denied_for::host), 1U);
  EXPECT_EQ(all.denied(denied_for::token), 2U);
  EXPECT_EQ(all.denied(denied_for::origin), 1U);
}

TEST(same_in_constant_time, says_whether_they_are_the_same) {
  EXPECT_TRUE(same_in_constant_time("", ""));
  EXPECT_TRUE(same_in_constant_time("abc", "abc"));
  EXPECT_FALSE(same_in_constant_time("abc", "abd"));
  EXPECT_FALSE(same_in_constant_time("abc", "abcd"));
  EXPECT_FALSE(same_in_constant_time(std::string("a\0b", 3), "a"));
}

}  // namespace
}  // namespace hangup::server
