// Lists as CSV.
#include "server/csv_list.h"

#include <gtest/gtest.h>

namespace hangup::server {
namespace {

using json = nlohmann::ordered_json;

std::string csv_of(const std::vector<std::string>& columns, const std::vector<json>& entries) {
  std::string text;
  http::body_writer out([&](std::string_view piece) {
    text.append(piece);
    return true;
  });
  csv_list page(out, columns);
  for (const auto& e : entries) {
    EXPECT_FALSE(page.add(background(), e));
  }
  EXPECT_FALSE(page.finish(background()));
  return text;
}

TEST(csv_list, has_a_line_of_names_and_an_empty_field_for_what_is_missing) {
  EXPECT_EQ(csv_of({"a", "b", "c"}, {}), "a,b,c\r\n");
  EXPECT_EQ(csv_of({"a", "b", "c"}, {{{"a", 1}, {"c", "x"}}, {{"b", nullptr}, {"a", 2.5}}}),
            "a,b,c\r\n1,,x\r\n2.5,,\r\n");
}

TEST(csv_list, quotes_what_would_end_a_field_or_a_line) {
  EXPECT_EQ(csv_of({"a"}, {{{"a", "x,\"y\""}}}), "a\r\n\"x,\"\"y\"\"\"\r\n");
  const auto lines = csv_of({"a"}, {{{"a", "x\r\ny\x1b[31m"}}});
  EXPECT_EQ(lines, "a\r\nx\\x0d\\x0ay\\x1b[31m\r\n") << "nothing of it moves a terminal's cursor";
}

TEST(csv_list, leaves_no_text_that_a_spreadsheet_takes_for_a_formula) {
  for (const std::string begin : {"=", "+", "-", "@"}) {
    EXPECT_EQ(csv_of({"a"}, {{{"a", begin + "1"}}}), "a\r\n'" + begin + "1\r\n");
  }
  EXPECT_EQ(csv_of({"a"}, {{{"a", -1}}}), "a\r\n-1\r\n") << "a number is no formula";
  EXPECT_EQ(csv_of({"a"}, {{{"a", "1=1"}}}), "a\r\n1=1\r\n");
}

TEST(csv_list, is_sent_in_pieces_and_ends_with_its_client) {
  std::size_t pieces = 0;
  http::body_writer out([&](std::string_view) { return ++pieces < 2; });
  csv_list page(out, {"a"});
  std::error_code ec;
  for (int i = 0; i < 100'000 && !ec; ++i) {
    ec = page.add(background(), {{"a", "some text"}});
  }
  EXPECT_EQ(ec, std::errc::broken_pipe);
  EXPECT_EQ(pieces, 2U);
}

TEST(csv, is_wanted_by_who_names_it_and_does_not_prefer_json) {
  const auto wanted = [](const char* accept) {
    return wants_csv(http::request("GET", "/", {{"Accept", accept}}));
  };
  EXPECT_TRUE(wanted("text/csv"));
  EXPECT_TRUE(wanted("application/json;q=0.5, text/csv"));
  EXPECT_TRUE(wanted("text/*")) << "JSON is not acceptable";
  EXPECT_TRUE(wanted("text/csv, */*")) << "the more exact name";
  EXPECT_TRUE(wanted("application/json;q=0, */*"));
  EXPECT_FALSE(wanted("*/*"));
  EXPECT_FALSE(wanted("text/csv;q=0.1, */*"));
  EXPECT_FALSE(wanted("text/csv;q=0.5, application/*"));
  EXPECT_FALSE(wanted("text/csv, application/json"));
  EXPECT_FALSE(wanted("application/json, text/csv;q=0.5"));
  EXPECT_FALSE(wanted("text/csv;q=0"));
  EXPECT_FALSE(wants_csv(http::request("GET", "/")));
}

}  // namespace
}  // namespace hangup::server
