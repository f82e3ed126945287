// Paths with a segment that the client chooses.
#include "hangup/http/path_pattern.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "hangup/http/route.h"
#include "tests/unit/http/route_to.h"

namespace hangup::http {
namespace {

TEST(path_pattern, gives_the_segment_in_the_place_of_the_braces) {
  const path_pattern last("/jobs/{id}");
  EXPECT_EQ(last.match("/jobs/7"), "7");
  EXPECT_EQ(last.match("/jobs/AZaz09-_"), "AZaz09-_");
  const path_pattern inside("/jobs/{id}/result");
  EXPECT_EQ(inside.match("/jobs/7/result"), "7");
  EXPECT_EQ(inside.match("/jobs/result/result"), "result");
  EXPECT_EQ(path_pattern("/{id}").match("/x"), "x");
}

TEST(path_pattern, fits_no_segment_that_is_not_one_or_not_sane) {
  const path_pattern last("/jobs/{id}");
  const path_pattern inside("/jobs/{id}/result");
  using namespace std::string_view_literals;
  for (const auto path : {""sv,
                          "/"sv,
                          "/jobs"sv,
                          "/jobs/"sv,
                          "/jobs//"sv,
                          "/jobs/a/"sv,
                          "/jobs/a/b"sv,
                          "/jobs//a"sv,
                          "/Jobs/a"sv,
                          "jobs/a"sv,
                          "/jobs/."sv,
                          "/jobs/.."sv,
                          "/jobs/a.b"sv,
                          "/jobs/a b"sv,
                          "/jobs/a%20b"sv,
                          "/jobs/{id}"sv,
                          "/jobs/a\0b"sv,
                          "/jobs/\0"sv,
                          "/jobs/a\n"sv,
                          "/jobs/\xc3\xa4"sv,
                          "/jobs/a%2Fb"sv,
                          "/jobs/a?b"sv,
                          "/jobs/a\\b"sv,
                          "/jobs/a:b"sv}) {
    EXPECT_EQ(last.match(path), std::nullopt) << path;
    EXPECT_EQ(inside.match(path), std::nullopt) << path;
  }
  for (const auto path : {"/jobs/result"sv, "/jobs//result"sv, "/jobs/a/results"sv,
                          "/jobs/a/b/result"sv, "/jobs/a/result/"sv, "/jobs/a/Result"sv}) {
    EXPECT_EQ(inside.match(path), std::nullopt) << path;
  }
}

TEST(path_pattern, bounds_the_length_of_the_segment) {
  const path_pattern p("/jobs/{id}");
  const std::string longest(path_pattern::longest, 'a');
  EXPECT_EQ(p.match("/jobs/" + longest), longest);
  EXPECT_EQ(p.match("/jobs/" + longest + "a"), std::nullopt);
}

TEST(path_pattern, that_is_none_is_refused) {
  for (const auto* text :
       {"/jobs", "", "{id}", "jobs/{id}", "/jobs/{}", "/jobs/{id", "/jobs/id}", "/jobs/}id{",
        "/jobs/{id}x", "/jobs/x{id}", "/jobs/{id}/{part}", "/jobs/{id}}", "/jobs/{{id}}",
        "/jobs/{7}", "/jobs/{i d}", "/jobs/{*}"}) {
    EXPECT_THROW(path_pattern{text}, std::invalid_argument) << text;
  }
}

TEST(path_pattern, says_the_name_of_its_segment) {
  EXPECT_EQ(path_pattern::name_in("/jobs/{id}"), "id");
  EXPECT_EQ(path_pattern::name_in("/users/{userId2}/jobs"), "userId2");
  for (const auto* none : {"", "/jobs", "/jobs/{", "/jobs/}", "}{"}) {
    EXPECT_EQ(path_pattern::name_in(none), "") << none;
  }
  EXPECT_NO_THROW(path_pattern("/users/{userId2}/jobs"));
}

TEST(routes, with_a_pattern_are_found_where_no_whole_path_fits) {
  route_table table;
  table.add(to("GET", "/jobs/{id}"));
  table.add(to("DELETE", "/jobs/{id}"));
  table.add(to("GET", "/jobs/{id}/result"));
  table.add(to("GET", "/jobs/mine"));
  EXPECT_EQ(table.find("GET", "/jobs/7").to->path, "/jobs/{id}");
  EXPECT_EQ(table.find("HEAD", "/jobs/7").to, table.find("GET", "/jobs/8").to);
  EXPECT_EQ(table.find("DELETE", "/jobs/7").to->method, "DELETE");
  EXPECT_EQ(table.find("GET", "/jobs/7/result").to->path, "/jobs/{id}/result");
  EXPECT_EQ(table.find("GET", "/jobs/mine").to->path, "/jobs/mine");
  EXPECT_EQ(table.find("GET", "/jobs/7").segment, "7");
  EXPECT_EQ(table.find("GET", "/jobs/7").name, "id");
  EXPECT_EQ(table.find("GET", "/jobs/mine").name, "");
  EXPECT_EQ(table.find("DELETE", "/jobs/mine").allow, "GET, HEAD, OPTIONS");
  EXPECT_EQ(table.find("PUT", "/jobs/7").to, nullptr);
  EXPECT_EQ(table.find("PUT", "/jobs/7").allow, "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(table.find("GET", "/jobs/7/8").to, nullptr);
  EXPECT_EQ(table.find("GET", "/jobs/7/8").allow, "");
}

TEST(routes, with_a_pattern_that_cannot_be_are_refused) {
  route_table table;
  table.add(to("GET", "/jobs/{id}"));
  EXPECT_THROW(table.add(to("GET", "/jobs/{id}")), std::invalid_argument);
  EXPECT_THROW(table.add(to("GET", "/jobs/{name}")), std::invalid_argument) << "the same paths";
  EXPECT_THROW(table.add(to("GET", "/jobs/{id}x")), std::invalid_argument);
  EXPECT_EQ(table.all().size(), 2U);
}

}  // namespace
}  // namespace hangup::http
