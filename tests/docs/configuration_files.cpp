#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "server/config_keys.h"
#include "tests/docs/reference.h"

namespace hangup::docs {
namespace {

using nlohmann::ordered_json;

std::string on_one_line(const ordered_json& value) {
  if (!value.is_structured()) {
    return value.dump();
  }
  std::string members;
  for (const auto& member : value.items()) {
    members.append(members.empty() ? "" : ", ")
        .append(value.is_object() ? ordered_json(member.key()).dump() + ": " : "")
        .append(on_one_line(member.value()));
  }
  return value.is_object() ? "{" + members + "}" : "[" + members + "]";
}

// Sections and their keys stand on lines of their own; below them, what fits stands on one line.
// `column` is where the value begins.
std::string laid_out(const ordered_json& value, std::size_t depth, std::size_t column) {
  constexpr std::size_t last_column = 120;
  constexpr std::size_t depth_of_keys = 2;
  constexpr std::size_t indent = 2;
  auto line = on_one_line(value);
  if (!value.is_structured() || value.empty() ||
      (depth >= depth_of_keys && column + line.size() < last_column)) {
    return line;
  }
  const std::string margin(indent * (depth + 1), ' ');
  std::string members;
  for (const auto& member : value.items()) {
    const auto name = value.is_object() ? ordered_json(member.key()).dump() + ": " : "";
    members.append(members.empty() ? "\n" : ",\n").append(margin).append(name);
    members.append(laid_out(member.value(), depth + 1, margin.size() + name.size()));
  }
  members.append("\n").append(margin, 0, indent * depth);
  return value.is_object() ? "{" + members + "}" : "[" + members + "]";
}

// What a key is if nothing is said of it.
ordered_json value_of(const ordered_json& schema) {
  if (schema.contains("default")) {
    return schema.at("default");
  }
  auto all = ordered_json::object();
  for (const auto& property : schema.at("properties").items()) {
    all[property.key()] = value_of(property.value());
  }
  return all;
}

// A section that has a default may say less than its keys; the file states them all.
ordered_json with_all_keys(ordered_json stated, const ordered_json& schema) {
  if (schema.contains("properties")) {
    for (const auto& property : schema.at("properties").items()) {
      if (!stated.contains(property.key())) {
        stated[property.key()] = value_of(property.value());
      }
    }
  }
  return stated;
}

}  // namespace

std::string schema_file() {
  return laid_out(server::config_keys().schema, 0, 0) + "\n";
}

std::string configuration_file() {
  auto file = ordered_json::object();
  for (const auto& section : server::config_keys().schema.at("properties").items()) {
    file[section.key()] = with_all_keys(value_of(section.value()), section.value());
  }
  return laid_out(file, 0, 0) + "\n";
}

}  // namespace hangup::docs
