#include "server/keys.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/config_keys.h"
#include "server/schema.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using nlohmann::ordered_json;

enum class colour { red, green };

struct part {
  int number = 0;
  bool operator==(const part&) const = default;
};

struct every_kind {
  std::uint16_t port = 0;
  std::int64_t change = 0;
  double ratio = 0;
  bool is_on = false;
  std::chrono::milliseconds wait{};
  std::chrono::seconds keep{};
  std::string path;
  colour paint{};
  std::optional<colour> over;
  std::vector<std::string> names;
  std::vector<part> parts;
  std::map<std::string, part> by_name;
  part one;
  std::string length;
  bool operator==(const every_kind&) const = default;
};

form<part> part_keys() {
  return object<part>({{"number", &part::number, integer(0, 9), required, "A number."}});
}

form<colour> colours() {
  return one_of<colour>({{"red", colour::red}, {"green", colour::green}});
}

std::string length_of(const std::string& stated) {
  return std::to_string(stated.size());
}

form<every_kind> keys_of_every_kind() {
  using t = every_kind;
  return object<t>({
      {"$schema", text(0, 9), "", "For editors."},
      {"port", &t::port, integer(0, 65535), 80, "A port."},
      {"change", &t::change, integer(-5, 5), -1, "A change."},
      {"ratio", &t::ratio, number(0, 2), 0.5, "A ratio."},
      {"is_on", &t::is_on, boolean(), true, "Whether it is on."},
      {"wait_ms", &t::wait, integer(0, 1000), 20, "A time in milliseconds."},
      {"keep_s", &t::keep, integer(0, 1000), 30, "A time in seconds."},
      {"path", &t::path, text(1, 9, "^/"), "/a", "A path."},
      {"paint", &t::paint, colours(), "green", "A colour."},
      {"over", &t::over, one_of_or("none", colours()), "none", "Another colour."},
      {"names", &t::names, array_of(2, "One name.", chosen_name(4)), ordered_json::array(),
       "Some names."},
      {"parts", &t::parts, array_of(3, "One part.", part_keys()), ordered_json::array(),
       "Some parts."},
      {"by_name", &t::by_name, map_of(chosen_name(4), "One part.", part_keys()),
       ordered_json{{"a", {{"number", 4}}}}, "More parts."},
      {"one", &t::one, part_keys(), ordered_json{{"number", 7}}, "A part."},
      {"length", &t::length, made_of(secret(text(0, 9)), length_of), "abc", "A text."},
  });
}

every_kind read_every_kind(const std::string& text) {
  auto document = json::parse(text);
  EXPECT_EQ(schema(json(keys_of_every_kind().schema)).complete(document).text(), "");
  every_kind w;
  keys_of_every_kind().read(document, w);
  return w;
}

std::string wrong_in(const std::string& text) {
  auto document = json::parse(text);
  return schema(json(keys_of_every_kind().schema)).complete(document).text();
}

// What is wrong with a table of one key.
template <class... Line>
std::string mistake_of(Line&&... line) {
  try {
    const auto made = object<every_kind>({key<every_kind>(std::forward<Line>(line)...)});
    const schema checked{json(made.schema)};
    return "";
  } catch (const std::invalid_argument& mistake) {
    return mistake.what();
  }
}

TEST(keys, what_is_left_out_has_the_default_of_the_table) {
  EXPECT_EQ(read_every_kind("{}"), (every_kind{80,
                                               -1,
                                               0.5,
                                               true,
                                               20ms,
                                               30s,
                                               "/a",
                                               colour::green,
                                               std::nullopt,
                                               {},
                                               {},
                                               {{"a", {4}}},
                                               {7},
                                               "3"}));
}

TEST(keys, a_value_is_read_into_the_member_of_its_key_and_as_its_type) {
  EXPECT_EQ(read_every_kind(R"({"port": 65535, "change": -5, "ratio": 2, "is_on": false,
                           "wait_ms": 1000, "keep_s": 2, "path": "/x", "paint": "red",
                           "over": "green", "names": ["b", "a"], "parts": [{"number": 1}],
                           "by_name": {"x": {"number": 2}, "y": {"number": 3}},
                           "one": {"number": 0}, "length": ""})"),
            (every_kind{65535,
                        -5,
                        2,
                        false,
                        1s,
                        2s,
                        "/x",
                        colour::red,
                        colour::green,
                        {"b", "a"},
                        {{1}},
                        {{"x", {2}}, {"y", {3}}},
                        {0},
                        "0"}));
}

TEST(keys, a_member_that_has_a_value_already_is_replaced_as_a_whole) {
  auto document = json::parse("{}");
  ASSERT_TRUE(schema(json(keys_of_every_kind().schema)).complete(document).empty());
  every_kind w;
  w.over = colour::red;
  w.names = {"x"};
  w.parts = {{1}, {2}};
  w.by_name = {{"old", {1}}};
  keys_of_every_kind().read(document, w);
  EXPECT_EQ(w, read_every_kind("{}"));
}

TEST(keys, an_array_of_texts_has_at_most_so_many_and_each_has_its_pattern) {
  EXPECT_EQ(wrong_in(R"({"names": ["a", "b"]})"), "");
  EXPECT_EQ(wrong_in(R"({"names": ["a", "b", "c"]})"),
            "names: found an array of 3, allowed an array of at most 2");
  EXPECT_EQ(
      wrong_in(R"({"names": ["a", "B"]})"),
      "names[1]: found \"B\", allowed a string of 1..4 characters matching ^[a-z0-9_-]{1,4}$");
  EXPECT_EQ(wrong_in(R"({"names": [1]})"),
            "names[0]: found 1, allowed a string of 1..4 characters matching ^[a-z0-9_-]{1,4}$");
}

TEST(keys, the_schema_says_what_the_table_says) {
  const auto keys = object<every_kind>({
      {"path", &every_kind::path, secret(text(0, 9, "^/")), "/", "A path."},
      {"one", &every_kind::one, part_keys(), "A part."},
      {"over", &every_kind::over, one_of_or("none", colours()), required, "A colour."},
      {"names", &every_kind::names, array_of(2, "One name.", chosen_name(4)), ordered_json::array(),
       "Some names."},
      {"by_name", &every_kind::by_name, map_of(chosen_name(4), "One part.", part_keys()), "Parts."},
  });
  EXPECT_EQ(keys.schema, ordered_json::parse(R"({
    "type": "object",
    "additionalProperties": false,
    "required": ["over"],
    "properties": {
      "path": {"type": "string", "description": "A path.", "default": "/", "maxLength": 9,
               "pattern": "^/", "writeOnly": true},
      "one": {"type": "object", "description": "A part.", "additionalProperties": false,
              "required": ["number"], "properties": {
                "number": {"type": "integer", "description": "A number.", "minimum": 0,
                           "maximum": 9}}},
      "over": {"type": "string", "description": "A colour.", "enum": ["none", "red", "green"]},
      "names": {"type": "array", "description": "Some names.", "default": [], "maxItems": 2,
                "items": {"type": "string", "description": "One name.", "minLength": 1,
                          "maxLength": 4, "pattern": "^[a-z0-9_-]{1,4}$"}},
      "by_name": {"type": "object", "description": "Parts.",
                  "propertyNames": {"type": "string", "minLength": 1, "maxLength": 4,
                                    "pattern": "^[a-z0-9_-]{1,4}$"},
                  "additionalProperties": {"type": "object", "description": "One part.",
                    "additionalProperties": false, "required": ["number"], "properties": {
                      "number": {"type": "integer", "description": "A number.", "minimum": 0,
                                 "maximum": 9}}}}
    }})"));
}

TEST(keys, a_range_that_its_member_does_not_hold_is_refused) {
  EXPECT_EQ(mistake_of("port", &every_kind::port, integer(0, 65535), 1, "A port."), "");
  EXPECT_EQ(mistake_of("change", &every_kind::change, integer(-1, 1), 1, "A change."), "");
  const auto refused = [](const integer& range) {
    EXPECT_THROW(static_cast<void>(form<std::uint16_t>(range)), std::invalid_argument);
  };
  refused(integer(0, 65536));
  refused(integer(-1, 10));
}

TEST(keys, a_time_has_the_unit_of_its_member_at_the_end_of_its_name) {
  const auto in_ms = [](const char* name) {
    return mistake_of(name, &every_kind::wait, integer(0, 9), 1, "A time.");
  };
  const auto in_s = [](const char* name) {
    return mistake_of(name, &every_kind::keep, integer(0, 9), 1, "A time.");
  };
  EXPECT_EQ(in_ms("x_ms"), "");
  EXPECT_EQ(in_s("x_s"), "");
  EXPECT_EQ(in_s("x_seconds"), "");
  for (const auto* const other : {"x", "x_s", "x_seconds"}) {
    EXPECT_EQ(in_ms(other),
              std::string("table of settings: ") + other + " does not end in its unit");
  }
  for (const auto* const other : {"x", "x_ms"}) {
    EXPECT_EQ(in_s(other),
              std::string("table of settings: ") + other + " does not end in its unit");
  }
}

TEST(keys, a_default_that_is_not_allowed_is_refused) {
  EXPECT_EQ(mistake_of("port", &every_kind::port, integer(1, 9), 10, "A port."),
            "schema: port: default: port: found 10, allowed 1..9");
  EXPECT_EQ(mistake_of("paint", &every_kind::paint, colours(), "blue", "A colour."),
            "schema: paint: default: paint: found \"blue\", allowed one of \"red\", \"green\"");
}

TEST(keys, a_key_without_a_meaning_or_without_a_default_or_that_is_there_twice_is_refused) {
  EXPECT_EQ(mistake_of("port", &every_kind::port, integer(1, 9), 1, ""),
            "table of settings: port has no meaning");
  EXPECT_EQ(mistake_of("port", &every_kind::port, integer(1, 9), "A port."),
            "schema: port has no default and is not required");
  const key<every_kind> port("port", &every_kind::port, integer(1, 9), 1, "A port.");
  EXPECT_THROW(object<every_kind>({port, port}), std::invalid_argument);
}

}  // namespace
}  // namespace hangup::server
