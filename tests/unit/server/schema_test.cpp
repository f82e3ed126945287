#include "server/schema.h"

#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>

#include "server/config_keys.h"

namespace hangup::server {
namespace {

using nlohmann::json;

// Tests run in the root of the source tree.
std::string shipped_text() {
  std::ifstream file("config/server.schema.json");
  EXPECT_TRUE(file) << "config/server.schema.json is not in the current directory";
  return {std::istreambuf_iterator<char>(file), {}};
}

// Calls `each` for every schema in the schema, the root first.
void for_each_node(json& node, const std::string& path,
                   const std::function<void(json&, const std::string&)>& each) {
  each(node, path);
  if (node.contains("properties")) {
    for (auto& property : node["properties"].items()) {
      for_each_node(property.value(), path + "." + property.key(), each);
    }
  }
  for (const auto* keyword : {"additionalProperties", "propertyNames"}) {
    if (node.contains(keyword) && node[keyword].is_object()) {
      for_each_node(node[keyword], path + "." + keyword, each);
    }
  }
}

// A schema of one key, "k".
schema of(const std::string& key_schema, const std::string& more = "") {
  return schema(
      json::parse(R"({"type": "object", "additionalProperties": false, "properties": {"k": )" +
                  key_schema + "}" + more + "}"));
}

std::string problem_with(const schema& s, const std::string& document) {
  auto value = json::parse(document);
  return s.complete(value).text();
}

const char* const number = R"({"type": "integer", "minimum": 1, "maximum": 9, "default": 5})";
const char* const word = R"({"type": "string", "enum": ["text", "json"], "default": "text"})";
const char* const text = R"({"type": "string", "minLength": 2, "maxLength": 4, "default": "abc"})";
const char* const map = R"({"type": "object", "default": {}, "propertyNames": {"type": "string",
  "minLength": 1, "maxLength": 4, "pattern": "^[a-z]+$"}, "additionalProperties": {"type": "object",
  "additionalProperties": false, "required": ["n"], "properties": {"n": {"type": "integer",
  "minimum": 0, "maximum": 1}}}})";

TEST(schema, the_shipped_one_is_made_of_the_keys) {
  EXPECT_EQ(nlohmann::ordered_json::parse(shipped_text()), config_keys().schema)
      << "run scripts/reference";
}

TEST(schema, every_keyword_of_the_shipped_one_is_understood) {
  EXPECT_NO_THROW(schema(json::parse(shipped_text())));
}

TEST(schema, a_keyword_that_is_not_understood_is_refused_wherever_it_stands) {
  auto shipped = json::parse(shipped_text());
  auto nodes = 0;
  for_each_node(shipped, "", [&](json& node, const std::string& path) {
    ++nodes;
    node["multipleOf"] = 1;
    EXPECT_THROW(schema{shipped}, std::invalid_argument) << path;
    node.erase("multipleOf");
  });
  EXPECT_GT(nodes, 40);
  EXPECT_NO_THROW(schema{shipped});
}

TEST(schema, every_key_of_the_shipped_one_has_a_description_in_whole_sentences) {
  auto shipped = json::parse(shipped_text());
  for_each_node(shipped, "", [](json& node, const std::string& path) {
    if (path.ends_with(".propertyNames")) {
      return;
    }
    const auto description = node.value("description", "");
    EXPECT_GT(description.size(), 8u) << path;
    EXPECT_TRUE(description.ends_with('.')) << path;
    for (auto at = std::size_t{0}; at != std::string::npos && at < description.size();) {
      const auto first = static_cast<unsigned char>(description[at]);
      EXPECT_TRUE(std::isupper(first) != 0 || std::isdigit(first) != 0)
          << path << ": " << description.substr(at);
      const auto end = description.find(". ", at);
      at = end == std::string::npos ? end : end + 2;
    }
  });
}

TEST(schema, a_time_or_a_size_says_its_unit_in_its_name_and_in_its_description) {
  auto shipped = json::parse(shipped_text());
  for_each_node(shipped, "", [](json& node, const std::string& path) {
    const auto description = node.value("description", "");
    const auto says = [&](const char* unit) { return description.find(unit) != std::string::npos; };
    EXPECT_EQ(path.ends_with("_ms"), says("in milliseconds")) << path;
    EXPECT_EQ(path.ends_with("_s") || path.ends_with("_seconds"), says("in seconds")) << path;
    EXPECT_TRUE(!path.ends_with("_bytes") || says("bytes")) << path;
  });
}

TEST(schema, the_authors_mistakes_are_refused) {
  const auto refused = [](const std::string& key_schema, const std::string& more = "") {
    EXPECT_THROW(of(key_schema, more), std::invalid_argument) << key_schema << more;
  };
  refused(R"({"default": 1})");                                                    // no type
  refused(R"({"type": "null", "default": null})");                                 // unknown
  refused(R"({"type": "boolean", "default": 1})");                                 // wrong one
  refused(R"({"type": "array", "items": {"type": "boolean"}, "default": []})");    // endless
  refused(R"({"type": "array", "maxItems": 3, "default": []})");                   // of nothing
  refused(R"({"type": "number", "minimum": 0, "default": 1})");                    // half a range
  refused(R"({"type": ["integer", "string"], "default": 1})");                     // two
  refused(R"({"type": "integer", "minimum": 1, "default": 1})");                   // half a range
  refused(R"({"type": "integer", "minimum": 1.5, "maximum": 2, "default": 2})");   // no integer
  refused(R"({"type": "integer", "minimum": 1, "maximum": 9})");                   // no default
  refused(R"({"type": "integer", "minimum": 1, "maximum": 9, "default": 10})");    // wrong one
  refused(R"({"type": "string", "default": "x"})");                                // no length
  refused(R"({"type": "string", "maxLength": 3, "minimum": 3, "default": "x"})");  // not for it
  refused(R"({"type": "string", "enum": ["a", "b"], "default": "c"})");            // wrong one
  refused(R"({"type": "object", "properties": {}})");                              // open
  refused(R"({"type": "object", "additionalProperties": true})");                  // open
  refused(
      R"({"type": "object", "additionalProperties": false, "required": ["x"]})");  // no such key
  refused(R"({"type": "object", "additionalProperties": {"type": "integer"}})");   // inside
  refused(number, R"(, "propertyNames": {"type": "integer", "minimum": 0, "maximum": 1})");
  EXPECT_THROW(schema(json::parse(number)), std::invalid_argument);
  EXPECT_THROW(schema(json::parse("true")), std::invalid_argument);
}

TEST(schema, what_is_left_out_has_its_default_and_what_is_there_stays) {
  auto document = json::parse("{}");
  EXPECT_EQ(of(number).complete(document).text(), "");
  EXPECT_EQ(document, json::parse(R"({"k": 5})"));
  document = json::parse(R"({"k": 9})");
  EXPECT_EQ(of(number).complete(document).text(), "");
  EXPECT_EQ(document, json::parse(R"({"k": 9})"));
}

TEST(schema, an_object_that_is_left_out_has_the_defaults_of_its_keys) {
  const auto s = of(R"({"type": "object", "additionalProperties": false, "properties": {"n": )" +
                    std::string(number) + "}}");
  auto document = json::parse("{}");
  EXPECT_EQ(s.complete(document).text(), "");
  EXPECT_EQ(document, json::parse(R"({"k": {"n": 5}})"));
}

TEST(schema, an_integer_is_in_its_range) {
  const auto s = of(number);
  EXPECT_EQ(problem_with(s, R"({"k": 1})"), "");
  EXPECT_EQ(problem_with(s, R"({"k": 9})"), "");
  EXPECT_EQ(problem_with(s, R"({"k": 0})"), "k: found 0, allowed 1..9");
  EXPECT_EQ(problem_with(s, R"({"k": 10})"), "k: found 10, allowed 1..9");
  EXPECT_EQ(problem_with(s, R"({"k": -1})"), "k: found -1, allowed 1..9");
}

TEST(schema, an_integer_that_fits_no_machine_word_is_out_of_range) {
  const auto s = of(number);
  // 2^63 and 2^64 - 8: negative, or in the range, to whoever reads them into the wrong type.
  for (const std::string huge : {"9223372036854775808", "18446744073709551608"}) {
    EXPECT_EQ(problem_with(s, R"({"k": )" + huge + "}"), "k: found " + huge + ", allowed 1..9");
  }
  EXPECT_EQ(problem_with(s, R"({"k": -9223372036854775808})"),
            "k: found -9223372036854775808, allowed 1..9");
  EXPECT_EQ(problem_with(s, R"({"k": 99999999999999999999})"), "k: found 1e+20, allowed 1..9");
}

TEST(schema, a_number_without_a_fraction_is_an_integer_however_it_is_written) {
  auto document = json::parse(R"({"k": 0.3e1})");
  EXPECT_EQ(of(number).complete(document).text(), "");
  EXPECT_TRUE(document["k"].is_number_integer());
  EXPECT_EQ(document["k"], 3);
  EXPECT_EQ(problem_with(of(number), R"({"k": 1.5})"), "k: found 1.5, allowed an integer 1..9");
}

TEST(schema, a_value_of_another_type_is_refused_with_what_it_is) {
  const auto found = [](const std::string& what) { return "k: found " + what + ", allowed "; };
  for (const auto& [value, what] : {std::pair("null", "null"),
                                    {"true", "true"},
                                    {"[]", "an array"},
                                    {"{}", "an object"},
                                    {"\"5\"", "a string"}}) {
    EXPECT_EQ(problem_with(of(number), std::string(R"({"k": )") + value + "}"),
              found(what) + "an integer 1..9");
  }
  EXPECT_EQ(problem_with(of(text), R"({"k": 5})"), found("5") + "a string of 2..4 characters");
  EXPECT_EQ(problem_with(of(word), R"({"k": 5})"), found("5") + R"(one of "text", "json")");
  EXPECT_EQ(problem_with(of(map), R"({"k": 5})"), found("5") + "an object");
  EXPECT_EQ(problem_with(of(number), "[]"), "found an array, allowed an object");
}

TEST(schema, a_word_is_one_of_those_listed) {
  EXPECT_EQ(problem_with(of(word), R"({"k": "json"})"), "");
  EXPECT_EQ(problem_with(of(word), R"({"k": "JSON"})"),
            R"(k: found "JSON", allowed one of "text", "json")");
}

TEST(schema, the_length_of_a_text_is_counted_in_characters) {
  const auto s = of(text);
  EXPECT_EQ(problem_with(s, R"({"k": "ab"})"), "");
  EXPECT_EQ(problem_with(s, R"({"k": "äöüß"})"), "");
  EXPECT_EQ(problem_with(s, R"({"k": "ä"})"),
            "k: found a string of 1 characters, allowed a string of 2..4 characters");
  EXPECT_EQ(problem_with(s, R"({"k": "abcde"})"),
            "k: found a string of 5 characters, allowed a string of 2..4 characters");
}

TEST(schema, the_names_in_a_map_are_checked_and_so_is_what_they_name) {
  const auto s = of(map);
  EXPECT_EQ(problem_with(s, R"({"k": {"ab": {"n": 1}, "c": {"n": 0}}})"), "");
  EXPECT_EQ(problem_with(s, R"({"k": {"A": {"n": 1}}})"),
            R"(k: name: found "A", allowed a string of 1..4 characters matching ^[a-z]+$)");
  EXPECT_EQ(problem_with(s, R"({"k": {"abcde": {"n": 1}}})"),
            "k: name: found a string of 5 characters, allowed a string of 1..4 characters matching "
            "^[a-z]+$");
  EXPECT_EQ(problem_with(s, R"({"k": {"ab": {"n": 2}}})"), "k.ab.n: found 2, allowed 0..1");
  EXPECT_EQ(problem_with(s, R"({"k": {"ab": {}}})"), "k.ab.n: missing, allowed an integer 0..1");
}

TEST(schema, an_unknown_key_is_refused_before_a_missing_one) {
  EXPECT_EQ(problem_with(of(map), R"({"k": {"ab": {"m": 1}}})"),
            "k.ab.m: unknown key; did you mean \"n\"?\nk.ab.n: missing, allowed an integer 0..1");
}

TEST(schema, every_mistake_is_told_and_what_is_right_is_completed) {
  auto document = json::parse(R"({"log": {"level": "loud", "queue": 0}, "http": {"x": 1},
                                  "listen": {"port": 1}})");
  EXPECT_EQ(config_schema().complete(document).text().substr(0, 18), "http.x: unknown ke");
  EXPECT_EQ(config_schema().complete(document).count(), 3U);
  EXPECT_EQ(document["listen"],
            json::parse(R"({"host": "127.0.0.1", "port": 1, "path": "", "mode": "0660",
                            "more": [], "backlog": 1024})"));
  EXPECT_FALSE(config_schema().allows("log", document["log"]));
  EXPECT_TRUE(config_schema().allows("listen", document["listen"]));
}

TEST(schema, of_very_many_mistakes_the_first_are_told_and_the_rest_counted) {
  auto document = json::object();
  for (int i = 0; i < 100'000; ++i) {
    document["k" + std::to_string(i)] = 1;
  }
  const auto wrong = config_schema().complete(document);
  EXPECT_EQ(wrong.count(), 100'000U);
  EXPECT_EQ(wrong.lines().size(), mistakes::most);
  EXPECT_TRUE(wrong.text().ends_with("\nand 99980 more"));
}

TEST(schema, what_a_stranger_wrote_is_escaped_and_shortened) {
  EXPECT_EQ(problem_with(of(word), R"({"k": "\u001b[2J\n\"ä"})"),
            R"(k: found "\u001b[2J\n\"\u00e4", allowed one of "text", "json")");
  EXPECT_EQ(problem_with(of(word), R"({"k": ")" + std::string(1000, 'x') + "\"}"),
            "k: found \"" + std::string(64, 'x') + R"("..., allowed one of "text", "json")");
  EXPECT_EQ(problem_with(of(word), R"({"a\nb": 1})"), R"("a\nb": unknown key; allowed: "k")");
  EXPECT_EQ(problem_with(of(word), R"({"a.b": 1})"), R"("a.b": unknown key; allowed: "k")");
  EXPECT_EQ(problem_with(of(word), "{\"" + std::string(100'000, 'x') + "\": 1}"),
            "\"" + std::string(64, 'x') + R"("...: unknown key; allowed: "k")");
}

TEST(schema, a_text_is_never_cut_within_a_character) {
  EXPECT_EQ(shown(std::string(63, 'x') + "ä"), "\"" + std::string(63, 'x') + "\"...");
  EXPECT_EQ(shown(std::string(62, 'x') + "ä"), "\"" + std::string(62, 'x') + "\\u00e4\"");
  EXPECT_EQ(shown("a\xff"), R"("a\ufffd")");
  EXPECT_EQ(shown(std::string(100, '\xbf')).substr(0, 7), R"("\ufffd)");
  EXPECT_EQ(shown(""), R"("")");
}

TEST(schema, a_list_of_names_ends_after_20) {
  std::vector<std::string> names(20, "a");
  EXPECT_TRUE(listed(names).ends_with(R"("a", "a")"));
  names.resize(30'000, "b");
  EXPECT_TRUE(listed(names).ends_with(R"("a", "a" and 29980 more)")) << listed(names);
}

TEST(schema, the_nearest_known_word_is_proposed_and_none_if_all_are_far) {
  EXPECT_EQ(did_you_mean("prot", {"host", "port"}), R"(did you mean "port"?)");
  EXPECT_EQ(did_you_mean("worker", {"queue", "workers"}), R"(did you mean "workers"?)");
  EXPECT_EQ(did_you_mean("idletimeoutms", {"idle_timeout_ms", "body_timeout_ms"}),
            R"(did you mean "idle_timeout_ms"?)");
  EXPECT_EQ(did_you_mean("threads", {"host", "port"}), R"(allowed: "host", "port")");
  EXPECT_EQ(did_you_mean("", {"listen"}), R"(allowed: "listen")");
  EXPECT_EQ(did_you_mean("x", {}), "allowed: ");
  EXPECT_EQ(did_you_mean("foo", {"log"}), R"(allowed: "log")");
}

TEST(schema, a_value_from_a_command_line_is_read_as_what_its_key_is) {
  json value;
  EXPECT_EQ(of(number).read_text("k", "7", value).text(), "");
  EXPECT_EQ(value, 7);
  EXPECT_EQ(of(text).read_text("k", "7.5", value).text(), "");
  EXPECT_EQ(value, "7.5");
  EXPECT_EQ(of(number).read_text("k", "10", value).text(), "found 10, allowed 1..9");
  for (const auto* wrong : {"", " 7", "7 ", "+7", "7x", "0x7", "7.0", "99999999999999999999"}) {
    EXPECT_EQ(of(number).read_text("k", wrong, value).text(),
              "found " + shown(wrong) + ", allowed an integer 1..9");
  }
  EXPECT_EQ(of(word).read_text("k", "a\xff", value).text(),
            R"(found "a\ufffd", allowed one of "text", "json")");
}

TEST(schema, a_key_that_it_does_not_have_is_the_callers_mistake) {
  EXPECT_THROW(of(number).allowed("q"), json::out_of_range);
  EXPECT_THROW(of(number).allowed("k.q"), json::out_of_range);
}

TEST(schema, help_says_what_a_key_means_what_is_allowed_and_the_default) {
  EXPECT_EQ(
      config_schema().about("listen.port"),
      "TCP port of listen.host; 0 chooses a free one. Allowed: an integer 0..65535; default: 8080");
}

}  // namespace
}  // namespace hangup::server
