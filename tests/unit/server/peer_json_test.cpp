// What is kept of the JSON of another replica, and what makes it none.
#include "server/peer_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hangup::server {
namespace {

using nlohmann::json;

std::string wrong_with(const std::string& text, peer_page of = peer_page::in_flight) {
  const auto read = read_peer_json(text, of);
  EXPECT_TRUE(read.wrong.empty() || read.members.empty()) << text;
  return read.wrong;
}

std::string with_one(const std::string& members) {
  return R"({"total": 1, "in_flight": [{"number": 7)" + members + "}]}";
}

std::string times(std::size_t count, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) {
    all += text;
  }
  return all;
}

TEST(the_json_of_a_peer, is_kept_where_it_is_that_of_a_page) {
  const json page = {{"total", 1},
                     {"in_flight",
                      {{{"number", 443},
                        {"id", "a"},
                        {"route", "/spin"},
                        {"method", "GET"},
                        {"target", "/spin?ms=1"},
                        {"state", "running"},
                        {"age_ms", 1.5},
                        {"client", "127.0.0.1:1"},
                        {"pool", nullptr},
                        {"cause", "client closed (FIN)"},
                        {"canceled_ms", 3},
                        {"late", true}}}}};
  const auto read = read_peer_json(page.dump(2), peer_page::in_flight);
  EXPECT_EQ(read.wrong, "");
  EXPECT_EQ(json::parse(read.members.dump()), page);

  const json ended = {{"lost", 0},
                      {"ended",
                       {{{"number", 1},
                         {"id", "a"},
                         {"route", "/spin"},
                         {"method", "GET"},
                         {"target", "/spin"},
                         {"client", "127.0.0.1:1"},
                         {"end", "operator"},
                         {"cause", nullptr},
                         {"by", {{"request", "b"}, {"client", "127.0.0.1:2"}}},
                         {"status", 503},
                         {"started_ns", 1732000000000000000},
                         {"context_ended_ns", nullptr},
                         {"work_stopped_ns", nullptr},
                         {"ended_ns", 1732000000000000001}}}}};
  EXPECT_EQ(json::parse(read_peer_json(ended.dump(), peer_page::ended).members.dump()), ended);
}

TEST(the_json_of_a_peer, that_is_of_no_page_is_passed_over) {
  const auto read = read_peer_json(
      R"({"replica": 5, "error": 7, "key": [1, {"number": 2}], "total": 1,
          "in_flight": [{"number": 7, "key": 3, "by": {"x": [[]]}, "more": [{"number": "x"}]}]})",
      peer_page::in_flight);
  EXPECT_EQ(read.wrong, "");
  EXPECT_EQ(read.members.dump(), R"({"total":1,"in_flight":[{"number":7}]})");
  EXPECT_EQ(read_peer_json(R"({"detail": "x", "status": {}})", peer_page::why_not).members.dump(),
            R"({"detail":"x"})");
}

TEST(the_json_of_a_peer, is_read_no_deeper_than_the_pages_are) {
  for (const std::size_t deep : {16U, 17U, 5'000U, 2'000'000U}) {
    const auto lists = R"({"x": )" + times(deep, "[") + times(deep, "]") + "}";
    EXPECT_EQ(wrong_with(lists), "it is nested deeper than 16 levels") << deep;
    const auto objects = times(deep, R"({"x":)") + "1" + times(deep, "}");
    EXPECT_EQ(wrong_with(objects),
              deep == 16 ? "total is missing" : "it is nested deeper than 16 levels")
        << deep;
    EXPECT_EQ(wrong_with(times(deep, "[")), "it is no object") << deep;
  }
}

TEST(the_json_of_a_peer, has_each_member_of_its_own_type) {
  EXPECT_EQ(wrong_with("5"), "it is no object");
  EXPECT_EQ(wrong_with("[]"), "it is no object");
  EXPECT_EQ(wrong_with("null"), "it is no object");
  EXPECT_EQ(wrong_with("{}"), "total is missing");
  EXPECT_EQ(wrong_with(R"({"total": 1})"), "in_flight is missing");
  for (const auto* const list : {"5", "null", "{}", "\"x\"", "[5]", "[[]]", "[null]"}) {
    EXPECT_EQ(wrong_with(R"({"total": 1, "in_flight": )" + std::string(list) + "}"),
              "in_flight is no list of objects")
        << list;
  }
  for (const auto* const number : {"\"1\"", "1.5", "-1", "null", "[]", "18446744073709551615"}) {
    EXPECT_EQ(wrong_with(R"({"in_flight": [], "total": )" + std::string(number) + "}"),
              "total is no whole number up to 2^53")
        << number;
  }
  EXPECT_EQ(wrong_with(R"({"total": 1, "in_flight": [{}]})"), "in_flight[].number is missing");
  EXPECT_EQ(wrong_with(with_one(R"(, "id": 5)")), "in_flight[].id is no text");
  EXPECT_EQ(wrong_with(with_one(R"(, "id": {})")), "in_flight[].id is no text");
  EXPECT_EQ(wrong_with(with_one(R"(, "age_ms": "x")")), "in_flight[].age_ms is no number");
  EXPECT_EQ(wrong_with(with_one(R"(, "late": 0)")), "in_flight[].late is neither true nor false");
  EXPECT_EQ(wrong_with(with_one(R"(, "number": 8)")), "in_flight[].number is given twice");
  EXPECT_EQ(
      wrong_with(R"({"lost": 0, "ended": [{"number": 1, "by": {"client": 1}}]})", peer_page::ended),
      "ended[].by.client is no text");
  EXPECT_EQ(wrong_with(R"({"lost": 0, "ended": [{"number": 1, "by": "me"}]})", peer_page::ended),
            "ended[].by is no object");
  EXPECT_EQ(wrong_with(R"({"stopping": 18446744073709551615})", peer_page::end_many),
            "stopping is no whole number up to 2^53");
  EXPECT_EQ(wrong_with(R"({"state": "stopping"})", peer_page::end_one), "number is missing");
}

TEST(the_json_of_a_peer, is_json) {
  for (const auto* const text :
       {"", "{", "<html>", "{\"total\": 1e999}", R"({"total": 1, "in_flight": []} 2)",
        "{\"x\": \"\xff\"}", "{'a': 1}"}) {
    EXPECT_EQ(wrong_with(text), "it is not JSON") << text;
  }
}

TEST(the_json_of_a_peer, has_no_list_that_is_longer_than_it_was_asked_for) {
  const auto list_of = [](std::size_t count) {
    return R"({"total": 1, "in_flight": [{"number": 1})" + times(count - 1, R"(,{"number": 2})") +
           "]}";
  };
  EXPECT_EQ(wrong_with(list_of(most_peer_entries)), "");
  EXPECT_EQ(wrong_with(list_of(most_peer_entries + 1)), "in_flight has more than 1000 entries");
}

}  // namespace
}  // namespace hangup::server
