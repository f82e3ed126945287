// Lists in headers are read in one way, whatever strangers make of their quotes.
#include "http/wire/header_list.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace hangup::http {
namespace {

using texts = std::vector<std::string>;

texts elements(std::string_view list, list_of what = list_of::values) {
  texts all;
  for_each_element(
      list, [&](std::string_view element) { all.emplace_back(element); }, what);
  return all;
}

texts parts(std::string_view element) {
  texts all;
  for_each_part(element, [&](const list_part& p) {
    all.push_back(std::string(p.name) + "|" + std::string(p.value));
  });
  return all;
}

TEST(a_list, has_its_elements_without_blanks_and_without_empty_ones) {
  EXPECT_EQ(elements("a, b"), (texts{"a", "b"}));
  EXPECT_EQ(elements(" \ta\t,,b , ,"), (texts{"a", "b"}));
  EXPECT_EQ(elements("a b"), (texts{"a b"}));
  EXPECT_EQ(elements(""), texts{});
  EXPECT_EQ(elements(" , \t,"), texts{});
}

TEST(a_list, has_no_separator_within_a_quoted_string) {
  EXPECT_EQ(elements(R"(a="b, c", d)"), (texts{R"(a="b, c")", "d"}));
  EXPECT_EQ(elements(R"(a="b\", c", d)"), (texts{R"(a="b\", c")", "d"}));
  EXPECT_EQ(elements(R"(a="b\\", d)"), (texts{R"(a="b\\")", "d"}));
  EXPECT_EQ(elements("(a, b)"), (texts{"(a", "b)"})) << "a bracket is nothing there";
}

TEST(a_list, has_no_separator_within_a_comment_where_it_may_have_comments) {
  EXPECT_EQ(elements("1.1 a (x, (y, z)), 1.0 b", list_of::comments),
            (texts{"1.1 a (x, (y, z))", "1.0 b"}));
  EXPECT_EQ(elements(R"(a (\), b), c)", list_of::comments), (texts{R"(a (\), b))", "c"}));
  EXPECT_EQ(elements("a), b", list_of::comments), (texts{"a)", "b"}));
  EXPECT_EQ(elements(R"(a ", b")", list_of::comments), (texts{R"(a ")", R"(b")"}));
}

TEST(a_list, is_not_hidden_behind_what_is_never_closed) {
  EXPECT_EQ(elements(R"(", close)"), (texts{R"(")", "close"}));
  EXPECT_EQ(elements(R"("a, b", "c, d)"), (texts{R"("a, b")", R"("c)", "d"}));
  EXPECT_EQ(elements(R"("\", close)"), (texts{R"("\")", "close"}));
  EXPECT_EQ(elements("(, a (b, c), d", list_of::comments), (texts{"(", "a (b", "c)", "d"}));
  EXPECT_EQ(elements("\"\\"), (texts{"\"\\"}));
}

// 16 KiB of what makes a reader look ahead at every byte.
TEST(a_list, costs_what_its_length_costs) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string unit : {R"(\")", "\",", "(,", R"("\",)"}) {
    std::string list = "\"";
    while (list.size() < 16 * 1024) {
      list.append(unit);
    }
    for (int i = 0; i < 5; ++i) {
      elements(list);
      elements(list, list_of::comments);
      weight_in(list, "a");
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(an_element, has_what_it_is_first_and_then_its_parameters) {
  EXPECT_EQ(parts("text/csv"), (texts{"text/csv|"}));
  EXPECT_EQ(parts("wait=10"), (texts{"wait|10"}));
  EXPECT_EQ(parts("a ; b = c;; d=\"x;y\" ;e"), (texts{"a|", "b|c", "d|\"x;y\"", "e|"}));
  EXPECT_EQ(parts(";q=0"), (texts{"|", "q|0"}));
  EXPECT_EQ(parts("a=b=c"), (texts{"a|b=c"}));
  EXPECT_EQ(parts(""), (texts{"|"}));
}

TEST(a_value, loses_its_quotes_and_backslashes) {
  EXPECT_EQ(unquoted("10"), "10");
  EXPECT_EQ(unquoted(R"("10")"), "10");
  EXPECT_EQ(unquoted(R"("1\0 \"\\")"), R"(10 "\)");
  EXPECT_EQ(unquoted(R"("")"), "");
  for (const char* bare : {"", "\"", R"("\")", R"("a"b)", R"(a"b")", R"("a"b")"}) {
    EXPECT_EQ(unquoted(bare), bare) << "no quoted string";
  }
}

TEST(a_weight, is_the_parameter_q_in_any_letter_case) {
  EXPECT_EQ(weight_in("gzip", "gzip"), 1000);
  EXPECT_EQ(weight_in("GZip;Q=0.5", "gzip"), 500);
  EXPECT_EQ(weight_in("gzip ; q = 0.25", "gzip"), 250);
  EXPECT_EQ(weight_in("gzip;seq=0", "gzip"), 1000);
  EXPECT_EQ(weight_in("gzip;a=\"b;q=0\";q=0.1", "gzip"), 100);
  EXPECT_EQ(weight_in("a/b;x=\",a/c;q=0\", a/c;q=0.7", "a/c"), 700);
  EXPECT_EQ(weight_in("gzip;q=0", "gzip"), 0);
  EXPECT_EQ(weight_in("gzip;q=0.5;q=0.9", "gzip"), 500) << "the first";
  EXPECT_EQ(weight_in("br, *;q=0.1", "*"), 100);
}

TEST(a_type_in_accept, has_the_weight_of_the_most_exact_name) {
  const std::string_view list = "text/*;q=0.5, */*;q=0.1, Text/CSV;q=0, a/b;level=1;q=0.7";
  EXPECT_EQ(weight_of_type(list, "text/csv"), (type_weight{0, 2}));
  EXPECT_EQ(weight_of_type(list, "text/html"), (type_weight{500, 1}));
  EXPECT_EQ(weight_of_type(list, "image/png"), (type_weight{100, 0}));
  EXPECT_EQ(weight_of_type(list, "a/b"), (type_weight{700, 2}));
  EXPECT_EQ(weight_of_type("text/html", "image/png"), (type_weight{0, -1}));
  EXPECT_EQ(weight_of_type("", "image/png"), (type_weight{0, -1}));
}

TEST(a_type_in_accept, is_liked_more_by_weight_and_then_by_exactness) {
  EXPECT_GT(weight_of_type("a/b;q=0.2", "a/b"), weight_of_type("a/c;q=0.1", "a/c"));
  EXPECT_GT(weight_of_type("*/*", "a/b"), weight_of_type("a/c;q=0.9", "a/c"));
  EXPECT_GT(weight_of_type("a/b, */*", "a/b"), weight_of_type("a/b, */*", "a/c"));
}

TEST(a_weight, is_absent_for_what_is_not_named) {
  EXPECT_EQ(weight_in("", "gzip"), std::nullopt);
  EXPECT_EQ(weight_in("gzip2, x-gzip, *", "gzip"), std::nullopt);
  EXPECT_EQ(weight_in(";q=1", "q"), std::nullopt);
  EXPECT_EQ(weight_in("a;gzip;q=1", "gzip"), std::nullopt);
}

TEST(a_weight, is_the_highest_of_several_elements_of_a_name) {
  EXPECT_EQ(weight_in("a/b;level=1;q=0.2, a/b;level=2;q=0.8, a/b;q=0", "a/b"), 800);
}

TEST(a_weight, is_read_as_a_number) {
  const std::vector<std::pair<std::string, int>> all = {
      {"0", 0},     {"1", 1000},   {"0.", 0},       {"1.000", 1000}, {"0.001", 1},
      {"0.5", 500}, {"00.5", 500}, {"0.9999", 999}, {"7", 1000},     {"2.5", 1000},
      {"", 0},      {"x", 0},      {"-1", 0},       {".5", 0},       {"0.5x", 0},
      {"1e3", 0},   {"0.5.5", 0},  {"+1", 0},       {"\"1\"", 0},
  };
  for (const auto& [text, weight] : all) {
    EXPECT_EQ(weight_in("a;q=" + text, "a"), weight) << text;
  }
}

}  // namespace
}  // namespace hangup::http
