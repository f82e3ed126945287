// Reports and their arguments, and rows as text.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "handlers/query/report.h"
#include "handlers/query/row_format.h"

namespace hangup::query {
namespace {

using given = std::multimap<std::string, std::string>;

report sales() {
  return {"sales",
          "",
          "SELECT $1, $2, $3",
          {{"year", integer_range{2016, 2025}, value(std::int64_t{2024})},
           {"share", real_range{0, 0.5}, {}},
           {"city", text_limit{8}, value(std::string(""))}}};
}

std::string problem_of(const given& g) {
  std::string problem;
  EXPECT_FALSE(read_arguments(sales(), g, {"report"}, problem));
  return problem;
}

TEST(report, arguments_are_read_in_the_order_of_their_declaration_with_defaults) {
  std::string problem;
  const auto all = read_arguments(
      sales(), {{"report", "sales"}, {"share", "0.25"}, {"city", "Oslo"}}, {"report"}, problem);
  ASSERT_TRUE(all) << problem;
  const arguments expected = {std::int64_t{2024}, 0.25, std::string("Oslo")};
  EXPECT_EQ(*all, expected);
}

TEST(report, what_is_wrong_with_an_argument_is_said_with_name_finding_and_range) {
  EXPECT_EQ(problem_of({{"share", "0"}, {"year", "2026"}}),
            "parameter \"year\": found \"2026\", allowed a whole number 2016..2025");
  EXPECT_EQ(problem_of({{"share", "0"}, {"year", "2020x"}}),
            "parameter \"year\": found \"2020x\", allowed a whole number 2016..2025");
  EXPECT_EQ(
      problem_of({{"share", "0"}, {"year", "99999999999999999999"}}),
      "parameter \"year\": found \"99999999999999999999\", allowed a whole number 2016..2025");
  EXPECT_EQ(problem_of({{"share", "nan"}}),
            "parameter \"share\": found \"nan\", allowed a number 0..0.5");
  EXPECT_EQ(problem_of({{"share", ""}}),
            "parameter \"share\": found \"\", allowed a number 0..0.5");
  EXPECT_EQ(problem_of({}), "parameter \"share\": found nothing, allowed a number 0..0.5");
  EXPECT_EQ(problem_of({{"share", "0"}, {"city", "Wuppertal"}}),
            "parameter \"city\": found \"Wuppertal\", allowed a text of at most 8 bytes of UTF-8");
  EXPECT_EQ(problem_of({{"share", "0"}, {"city", std::string("a\0b", 3)}}).substr(0, 17),
            "parameter \"city\":");
  EXPECT_NE(problem_of({{"share", "0"}, {"city", "\xff"}}), "");
  EXPECT_EQ(problem_of({{"share", "0"}, {"sql", "DROP TABLE x"}}),
            "parameter \"sql\" is not one of the report \"sales\", which has: year, share, city");
  EXPECT_EQ(problem_of({{"share", "0"}, {"share", "1"}}),
            "parameter \"share\": found 2 of it, allowed one");
}

TEST(report, what_an_engine_says_becomes_one_short_line) {
  EXPECT_EQ(one_line("ERROR:  no\nsuch\ttable\x1b[31m\x7f \xff"), "ERROR: no such table [31m");
  EXPECT_EQ(one_line("a\xc2\x9b"
                     "31m"),
            "a 31m")
      << "a C1 control is no letter";
  EXPECT_EQ(one_line(std::string(1000, 'x')).size(), 300U);
  EXPECT_EQ(one_line(""), "");
}

std::string rows(format f, const std::vector<std::string>& names,
                 const std::vector<std::vector<field>>& all) {
  row_format r(f);
  std::string text;
  r.columns(names, text);
  for (const auto& row : all) {
    EXPECT_TRUE(r.row(row, text));
  }
  return text;
}

constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
constexpr auto infinity = std::numeric_limits<double>::infinity();

TEST(row_format, a_row_is_a_line_of_json_that_keeps_the_types) {
  EXPECT_EQ(
      rows(format::ndjson, {"i", "r", "t", "n"},
           {{std::int64_t{-9223372036854775807 - 1}, 0.1, "a \"b\"\\\n\x01é", {}},
            {std::int64_t{0}, 1.0, "", {}},
            {std::int64_t{1}, 1e300, "x", {}}}),
      "{\"i\":-9223372036854775808,\"r\":0.1,\"t\":\"a \\\"b\\\"\\\\\\n\\u0001é\",\"n\":null}\n"
      "{\"i\":0,\"r\":1.0,\"t\":\"\",\"n\":null}\n"
      "{\"i\":1,\"r\":1e+300,\"t\":\"x\",\"n\":null}\n");
  EXPECT_EQ(rows(format::ndjson, {"a", "b", "c"}, {{nan, infinity, -infinity}}),
            "{\"a\":\"NaN\",\"b\":\"Infinity\",\"c\":\"-Infinity\"}\n");
}

TEST(row_format, bytes_that_are_not_utf8_are_replaced) {
  EXPECT_EQ(rows(format::ndjson, {"t"}, {{"a\xff\xc3(\xed\xa0\x80z"}}),
            "{\"t\":\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"}\n");
  EXPECT_EQ(rows(format::csv, {"t"}, {{"\xf0\x9f\x98"}}),
            "t\r\n\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\r\n");
}

TEST(row_format, a_second_column_of_a_name_gets_another) {
  EXPECT_EQ(rows(format::ndjson, {"id", "id", "id_2", "id"},
                 {{std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, std::int64_t{4}}}),
            "{\"id\":1,\"id_2\":2,\"id_2_2\":3,\"id_3\":4}\n");
}

TEST(row_format, csv_is_quoted_as_in_rfc_4180_and_tells_null_from_empty) {
  EXPECT_EQ(rows(format::csv, {"a", "b,c", "d"},
                 {{"plain", "with \"quotes\", a comma\r\nand a line", {}},
                  {"", " space", std::int64_t{7}},
                  {nan, -infinity, 2.0}}),
            "a,\"b,c\",d\r\n"
            "plain,\"with \"\"quotes\"\", a comma\r\nand a line\",\r\n"
            "\"\",\" space\",7\r\n"
            "NaN,-Infinity,2.0\r\n");
  EXPECT_EQ(rows(format::csv, {"a"}, {}), "a\r\n") << "the names are there without rows";
}

TEST(row_format, csv_has_no_control_characters_but_those_that_end_lines_and_tabs) {
  EXPECT_EQ(rows(format::csv, {"a\x1b", "b"},
                 {{std::string_view("x\0y", 3), "\x1b[2J\x7f"}, {"a\tb", "a\nb\rc"}}),
            "a\xef\xbf\xbd,b\r\n"
            "x\xef\xbf\xbdy,\xef\xbf\xbd[2J\xef\xbf\xbd\r\n"
            "a\tb,\"a\nb\rc\"\r\n");
  EXPECT_EQ(rows(format::ndjson, {"a"}, {{"\x1b\x7f"}}), "{\"a\":\"\\u001b\\u007f\"}\n");
}

TEST(row_format, a_row_that_is_too_large_is_refused_and_leaves_nothing) {
  row_format r(format::ndjson);
  std::string text;
  r.columns(std::vector<std::string>{"a", "b"}, text);
  const std::string half(row_format::most_bytes / 2 + 100, 'x');
  EXPECT_FALSE(r.row(std::vector<field>{half, half}, text));
  EXPECT_EQ(text, "");
  EXPECT_TRUE(r.row(std::vector<field>{half, "y"}, text));
}

TEST(row_format, csv_is_for_those_who_ask_for_it) {
  EXPECT_EQ(preferred(""), format::ndjson);
  EXPECT_EQ(preferred("*/*"), format::ndjson);
  EXPECT_EQ(preferred("text/*"), format::csv);
  EXPECT_EQ(preferred("application/x-ndjson;q=0, */*"), format::csv);
  EXPECT_EQ(preferred("text/csv"), format::csv);
  EXPECT_EQ(preferred("text/csv, */*"), format::csv);
  EXPECT_EQ(preferred("text/html, text/csv;q=0.9, */*;q=0.1"), format::csv);
  EXPECT_EQ(preferred("text/csv;q=0.5, application/x-ndjson"), format::ndjson);
  EXPECT_EQ(preferred("application/x-ndjson;q=0.2, text/csv ; q=0.3"), format::csv);
  EXPECT_EQ(preferred("text/csv;q=0"), format::ndjson);
  EXPECT_EQ(preferred("text/csv;q=0.001, */*;q=0"), format::csv);
  EXPECT_EQ(preferred("text/csv, application/x-ndjson"), format::ndjson);
  EXPECT_EQ(preferred("text/csv, application/*"), format::csv) << "the more exact name";
  EXPECT_EQ(preferred("text/csv;q=0.5, application/*;q=0.6, */*;q=0.1"), format::ndjson);
  EXPECT_EQ(preferred("*/*, application/*;q=0.1, text/csv;q=0.2"), format::csv);
}

TEST(row_format, of_a_header_is_read_as_the_standard_has_it) {
  EXPECT_EQ(preferred("text/CSV"), format::csv);
  EXPECT_EQ(preferred("TEXT/csv"), format::csv);
  EXPECT_EQ(preferred("text/csv;Q=0"), format::ndjson);
  EXPECT_EQ(preferred("text/csv; seq=0"), format::csv);
  EXPECT_EQ(preferred("text/csv;header=\"a,b\""), format::csv);
  EXPECT_EQ(preferred("text/csv;header=\"q=0;q=0\""), format::csv);
  EXPECT_EQ(preferred("text/html;a=\", text/csv\""), format::ndjson) << "within a quoted string";
  EXPECT_EQ(preferred("text%2Fcsv"), format::ndjson);
  EXPECT_EQ(preferred("text/csv, APPLICATION/X-NDJSON"), format::ndjson);
}

}  // namespace
}  // namespace hangup::query
