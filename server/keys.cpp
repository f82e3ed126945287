#include "server/keys.h"

#include <stdexcept>

namespace hangup::server {
namespace {

using nlohmann::ordered_json;

void insist(bool good, const std::string& on) {
  if (!good) {
    throw std::invalid_argument("table of settings: " + on);
  }
}

}  // namespace

ordered_json described(std::string_view name, const ordered_json& schema, std::string_view meaning,
                       std::optional<ordered_json> otherwise) {
  insist(!meaning.empty(), std::string(name) + " has no meaning");
  ordered_json all{{"type", schema.at("type")}, {"description", meaning}};
  if (otherwise) {
    all["default"] = std::move(*otherwise);
  }
  all.update(schema);
  return all;
}

ordered_json schema_of_integer(std::int64_t least, std::int64_t most, bool fits) {
  insist(fits, std::to_string(least) + ".." + std::to_string(most) + " does not fit into a member");
  return {{"type", "integer"}, {"minimum", least}, {"maximum", most}};
}

ordered_json schema_of_words(const std::vector<std::string>& words) {
  return {{"type", "string"}, {"enum", words}};
}

ordered_json schema_of_array(std::size_t most, ordered_json each) {
  return {{"type", "array"}, {"maxItems", most}, {"items", std::move(each)}};
}

ordered_json schema_of_map(ordered_json names, ordered_json each) {
  return {{"type", "object"},
          {"propertyNames", std::move(names)},
          {"additionalProperties", std::move(each)}};
}

ordered_json schema_of_object(const std::vector<property>& properties) {
  auto needed = ordered_json::array();
  auto known = ordered_json::object();
  for (const auto& one : properties) {
    insist(!known.contains(one.name), one.name + " is there twice");
    known[one.name] = one.schema;
    if (one.is_required) {
      needed.push_back(one.name);
    }
  }
  ordered_json schema{{"type", "object"}, {"additionalProperties", false}};
  if (!needed.empty()) {
    schema["required"] = std::move(needed);
  }
  schema["properties"] = std::move(known);
  return schema;
}

void check_unit(std::string_view name, bool is_milliseconds) {
  insist(
      is_milliseconds ? name.ends_with("_ms") : name.ends_with("_s") || name.ends_with("_seconds"),
      std::string(name) + " does not end in its unit");
}

form<double> number(std::int64_t least, std::int64_t most) {
  return {{{"type", "number"}, {"minimum", least}, {"maximum", most}},
          [](const auto& from, double& to) { from.get_to(to); }};
}

form<bool> boolean() {
  return {{{"type", "boolean"}}, [](const auto& from, bool& to) { from.get_to(to); }};
}

form<std::string> text(std::size_t least, std::size_t most, std::string_view pattern) {
  ordered_json schema{{"type", "string"}};
  if (least != 0) {
    schema["minLength"] = least;
  }
  schema["maxLength"] = most;
  if (!pattern.empty()) {
    schema["pattern"] = pattern;
  }
  return {std::move(schema), [](const auto& from, std::string& to) { from.get_to(to); }};
}

form<std::string> chosen_name(std::size_t most) {
  return text(1, most, "^[a-z0-9_-]{1," + std::to_string(most) + "}$");
}

form<std::string> one_of(const std::vector<std::string>& words) {
  return {schema_of_words(words), [](const auto& from, std::string& to) { from.get_to(to); }};
}

}  // namespace hangup::server
