#include "http/wire/query_string.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace hangup::http {
namespace {

using parameters = std::vector<std::pair<std::string, std::string>>;

parameters read(std::string_view query) {
  parameters all;
  for_each_parameter(query, [&](std::string name, std::string value) {
    all.emplace_back(std::move(name), std::move(value));
    return true;
  });
  return all;
}

TEST(query_string, is_names_and_values_in_their_order) {
  EXPECT_EQ(read("a=1&b=2&a=3"), (parameters{{"a", "1"}, {"b", "2"}, {"a", "3"}}));
  EXPECT_EQ(read(""), parameters{});
  EXPECT_EQ(read("a"), (parameters{{"a", ""}}));
  EXPECT_EQ(read("a="), (parameters{{"a", ""}}));
  EXPECT_EQ(read("=1&&a=1&"), (parameters{{"a", "1"}})) << "what has no name is left out";
}

TEST(query_string, separates_at_the_first_equals_sign_only) {
  EXPECT_EQ(read("a=b=c"), (parameters{{"a", "b=c"}}));
  EXPECT_EQ(read("q=a?b"), (parameters{{"q", "a?b"}}));
  EXPECT_EQ(read("a=" + std::string(2800, '=')), (parameters{{"a", std::string(2800, '=')}}));
}

TEST(query_string, is_decoded_once_after_it_has_been_taken_apart) {
  EXPECT_EQ(read("a%26b=c%3Dd"), (parameters{{"a&b", "c=d"}}));
  EXPECT_EQ(read("a=%2541"), (parameters{{"a", "%41"}}));
  EXPECT_EQ(read("a=1+2%2B3"), (parameters{{"a", "1 2+3"}}));
  EXPECT_EQ(read("a=%C3%A4%00"), (parameters{{"a", std::string("\xC3\xA4\0", 3)}}));
}

TEST(query_string, leaves_what_is_no_escape_as_it_was_sent) {
  for (const auto* text : {"%u0032", "%", "%4", "%zz", "100%", "%-1", "% 1", "%%"}) {
    EXPECT_EQ(form_decoded(text), text);
  }
  EXPECT_EQ(form_decoded("%%41"), "%A");
}

TEST(query_string, ends_when_who_reads_it_has_had_enough) {
  int seen = 0;
  EXPECT_FALSE(for_each_parameter(
      "a&b&c&d", [&](const std::string&, const std::string&) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace hangup::http
