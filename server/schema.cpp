#include "server/schema.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "handlers/utf8.h"
#include "http/wire/number.h"
#include "server/json_reader.h"

namespace hangup::server {
namespace {

using nlohmann::json;

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? shown_name(key) : path + "." + shown_name(key);
}

std::string placed(const std::string& path, const std::string& what) {
  return path.empty() ? what : path + ": " + what;
}

std::string kind(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "an array";
    case json::value_t::string:
      return "a string";
    default:
      return value.dump();
  }
}

std::string range(const json& from, const json& to) {
  return from.dump() + ".." + to.dump();
}

std::string allowed_by(const json& node) {
  const auto& type = node.at("type");
  if (type == "object") {
    return "an object";
  }
  if (type == "integer" || type == "number") {
    return (type == "integer" ? "an integer " : "a number ") +
           range(node.at("minimum"), node.at("maximum"));
  }
  if (type == "boolean") {
    return "true or false";
  }
  if (type == "array") {
    return "an array of at most " + node.at("maxItems").dump();
  }
  if (node.contains("enum")) {
    return "one of " + listed(node.at("enum").get<std::vector<std::string>>());
  }
  const auto text =
      "a string of " + range(node.value("minLength", 0), node.at("maxLength")) + " characters";
  return node.contains("pattern") ? text + " matching " + node.at("pattern").get<std::string>()
                                  : text;
}

std::string unlike(const json& node, const std::string& found, const std::string& path) {
  const bool secret = node.value("writeOnly", false);
  return placed(
      path, "found " + (secret ? "what is not shown" : found) + ", allowed " + allowed_by(node));
}

void check(const json& node, json& value, const std::string& path, mistakes& wrong);

problem check_integer(const json& node, json& value, const std::string& path) {
  // To JSON Schema 1.0 and 1e3 are integers. Beyond 2^53 a double no longer says which one.
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (std::trunc(number) != number) {
      return unlike(node, kind(value), path);
    }
    if (std::abs(number) <= 9007199254740992.0) {
      value = static_cast<std::int64_t>(number);
    }
  }
  if (!value.is_number()) {
    return unlike(node, kind(value), path);
  }
  const auto& least = node.at("minimum");
  const auto& most = node.at("maximum");
  // A number that is not an int64 now is beyond it, and so beyond every range.
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max());
  if (!fits || value.get<std::int64_t>() < least.get<std::int64_t>() ||
      value.get<std::int64_t>() > most.get<std::int64_t>()) {
    return placed(path, "found " + value.dump() + ", allowed " + range(least, most));
  }
  return {};
}

problem check_number(const json& node, const json& value, const std::string& path) {
  const bool good = value.is_number() && value >= node.at("minimum") && value <= node.at("maximum");
  return good ? problem{} : unlike(node, kind(value), path);
}

void check_array(const json& node, json& value, const std::string& path, mistakes& wrong) {
  if (!value.is_array() || value.size() > node.at("maxItems").get<std::size_t>()) {
    wrong.add(unlike(node,
                     value.is_array() ? "an array of " + std::to_string(value.size()) : kind(value),
                     path));
    return;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    check(node.at("items"), value[i], path + "[" + std::to_string(i) + "]", wrong);
  }
}

// The patterns of the schema are few, and compiling one costs more than all else of a document.
const RE2& compiled(const std::string& pattern) {
  static thread_local std::map<std::string, RE2> known;
  return known.try_emplace(pattern, pattern).first->second;
}

problem check_string(const json& node, const json& value, const std::string& path) {
  if (!value.is_string()) {
    return unlike(node, kind(value), path);
  }
  const auto& text = value.get_ref<const std::string&>();
  if (const auto words = node.find("enum"); words != node.end()) {
    const bool known = std::find(words->begin(), words->end(), value) != words->end();
    return known ? problem{} : unlike(node, shown(text), path);
  }
  const auto length = handlers::characters(text);
  if (length < node.value("minLength", std::size_t{0}) ||
      length > node.at("maxLength").get<std::size_t>()) {
    return placed(path, "found a string of " + std::to_string(length) + " characters, allowed " +
                            allowed_by(node));
  }
  if (const auto pattern = node.find("pattern");
      pattern != node.end() && !RE2::PartialMatch(text, compiled(pattern->get<std::string>()))) {
    return unlike(node, shown(text), path);
  }
  return {};
}

problem check_scalar(const json& node, json& value, const std::string& path) {
  const auto& type = node.at("type");
  return type == "integer"    ? check_integer(node, value, path)
         : type == "number"   ? check_number(node, value, path)
         : type != "boolean"  ? check_string(node, value, path)
         : value.is_boolean() ? problem{}
                              : unlike(node, kind(value), path);
}

const json& properties_of(const json& node) {
  static const json none = json::object();
  const auto found = node.find("properties");
  return found == node.end() ? none : *found;
}

// What an object allows under a name; null: nothing.
const json* member(const json& node, const std::string& name) {
  if (node.at("type") != "object") {
    return nullptr;
  }
  const json& known = properties_of(node);
  if (const auto property = known.find(name); property != known.end()) {
    return &*property;
  }
  const auto& others = node.at("additionalProperties");
  return others.is_object() ? &others : nullptr;
}

bool is_required(const json& node, const std::string& key) {
  const auto names = node.value("required", json::array());
  return std::find(names.begin(), names.end(), key) != names.end();
}

// A key that is not allowed under this name has no value to check.
void check_member(const json& node, const std::string& key, json& value, const std::string& path,
                  mistakes& wrong) {
  const json& known = properties_of(node);
  const json* const allowed = member(node, key);
  if (allowed == nullptr) {
    wrong.add_made([&] {
      return placed(joined(path, key), "unknown key; " + did_you_mean(key, names_in(known)));
    });
    return;
  }
  if (const auto names = node.find("propertyNames"); names != node.end() && !known.contains(key)) {
    json name = key;
    mistakes of_name;
    check(*names, name, path + ": name", of_name);
    if (!of_name.empty()) {
      wrong.add_all(of_name);
      return;
    }
  }
  check(*allowed, value, joined(path, key), wrong);
}

void check_object(const json& node, json& value, const std::string& path, mistakes& wrong) {
  if (!value.is_object()) {
    wrong.add(unlike(node, kind(value), path));
    return;
  }
  for (auto& member : value.items()) {
    check_member(node, member.key(), member.value(), path, wrong);
  }
  for (const auto& property : properties_of(node).items()) {
    const auto& key = property.key();
    if (value.contains(key)) {
      continue;
    }
    if (is_required(node, key)) {
      wrong.add(placed(joined(path, key), "missing, allowed " + allowed_by(property.value())));
      continue;
    }
    auto& filled = value[key] = property.value().value("default", json::object());
    check(property.value(), filled, joined(path, key), wrong);
  }
}

void check(const json& node, json& value, const std::string& path, mistakes& wrong) {
  const auto& type = node.at("type");
  if (type == "object") {
    check_object(node, value, path, wrong);
  } else if (type == "array") {
    check_array(node, value, path, wrong);
  } else if (auto one = check_scalar(node, value, path)) {
    wrong.add(std::move(*one));
  }
}

// What check() relies on. Our own mistakes, so by exception.
void understand(const json& node, const std::string& path) {
  const auto insist = [&](bool good, const std::string& on) {
    if (!good) {
      throw std::invalid_argument("schema: " + placed(path, on));
    }
  };
  insist(node.is_object() && node.contains("type"), "no type");
  const json none;
  const auto in = [&](const char* keyword) -> const json& {
    const auto found = node.find(keyword);
    return found == node.end() ? none : *found;
  };
  std::vector<std::string> known{"$schema", "title", "description", "default", "type", "writeOnly"};
  if (in("type") == "object") {
    known.insert(known.end(), {"properties", "required", "additionalProperties", "propertyNames"});
    const auto& others = in("additionalProperties");
    insist(others.is_object() || others == false,
           "additionalProperties is neither false nor a schema");
    if (others.is_object()) {
      understand(others, joined(path, "*"));
    }
    if (node.contains("propertyNames")) {
      understand(in("propertyNames"), path + ": name");
      insist(in("propertyNames").at("type") == "string", "names that are no strings");
    }
    for (const auto& property : properties_of(node).items()) {
      understand(property.value(), joined(path, property.key()));
      insist(property.value().contains("default") || property.value().at("type") == "object" ||
                 is_required(node, property.key()),
             property.key() + " has no default and is not required");
    }
    for (const auto& name : node.value("required", json::array())) {
      insist(properties_of(node).contains(name), "requires what it does not have");
    }
  } else if (in("type") == "integer" || in("type") == "number") {
    known.insert(known.end(), {"minimum", "maximum"});
    insist(in("minimum").is_number_integer() && in("maximum").is_number_integer(),
           "an integer without a minimum and a maximum");
  } else if (in("type") == "array") {
    known.insert(known.end(), {"items", "maxItems"});
    insist(in("maxItems").is_number_unsigned(), "an array without a maxItems");
    understand(in("items"), path + "[]");
  } else if (in("type") != "boolean") {
    known.insert(known.end(), {"enum", "minLength", "maxLength", "pattern"});
    insist(in("type") == "string", "a type that is not understood");
    insist(in("enum").is_array() || in("maxLength").is_number_unsigned(),
           "a string without an enum or a maxLength");
  }
  for (const auto& keyword : names_in(node)) {
    insist(std::find(known.begin(), known.end(), keyword) != known.end(),
           "keyword \"" + keyword + "\" is not understood");
  }
  if (node.contains("default")) {
    json value = in("default");
    mistakes wrong;
    check(node, value, path, wrong);
    insist(wrong.empty(), "default: " + wrong.text());
  }
}

}  // namespace

schema::schema(nlohmann::json root) : root_(std::move(root)) {
  understand(root_, "");
  if (root_.at("type") != "object") {
    throw std::invalid_argument("schema: not of an object");
  }
}

mistakes schema::complete(nlohmann::json& document) const {
  mistakes wrong;
  check(root_, document, "", wrong);
  return wrong;
}

bool schema::allows(std::string_view key, nlohmann::json value) const {
  mistakes wrong;
  check(at(key), value, std::string(key), wrong);
  return wrong.empty();
}

mistakes schema::read_text(std::string_view key, std::string_view text,
                           nlohmann::json& value) const {
  const json& node = at(key);
  mistakes wrong;
  value = std::string(text);
  if (node.at("type") == "integer") {
    const auto number = http::whole_number<std::int64_t>(text);
    if (!number) {
      wrong.add(unlike(node, shown(text), ""));
      return wrong;
    }
    value = *number;
  } else if (node.at("type") == "object" || node.at("type") == "array") {
    if (const auto not_json = read_json(text, value)) {
      wrong.add(*not_json + ", allowed " + allowed_by(node));
      return wrong;
    }
  } else if (node.at("type") != "string") {
    value = json::parse(text, nullptr, false);
    if (value.is_discarded()) {
      wrong.add(unlike(node, shown(text), ""));
      return wrong;
    }
  }
  check(node, value, "", wrong);
  if (wrong.empty() &&
      !handlers::is_utf8(text)) {  // which a file must be as well: what is shown is JSON
    wrong.add("found what is not UTF-8, allowed " + allowed_by(node));
  }
  return wrong;
}

bool schema::has(std::string_view key) const {
  const json* node = &root_;
  for (auto rest = key; node != nullptr;) {
    const auto dot = std::min(rest.find('.'), rest.size());
    node = dot == 0 ? nullptr : member(*node, std::string(rest.substr(0, dot)));
    if (dot == rest.size()) {
      break;
    }
    rest.remove_prefix(dot + 1);
  }
  return node != nullptr;
}

std::optional<std::string> schema::nearest_key(std::string_view key) const {
  const json* node = &root_;
  std::string found;
  for (auto rest = key;;) {
    const auto dot = std::min(rest.find('.'), rest.size());
    std::string name(rest.substr(0, dot));
    if (name.empty() || member(*node, name) == nullptr) {
      const auto near = nearest(name, names_in(properties_of(*node)));
      if (!near) {
        return std::nullopt;
      }
      name = *near;
    }
    found.append(found.empty() ? "" : ".").append(name);
    node = member(*node, name);
    if (dot == rest.size()) {
      return found;
    }
    rest.remove_prefix(dot + 1);
  }
}

problem schema::knows(std::string_view key) const {
  const json* node = &root_;
  for (std::size_t from = 0;;) {
    const auto to = std::min(key.find('.', from), key.size());
    const std::string name(key.substr(from, to - from));
    const json* const next = name.empty() ? nullptr : member(*node, name);
    if (next == nullptr) {
      const auto known = names_in(properties_of(*node));
      return "unknown key " + shown(key) + "; " +
             (known.empty() ? shown(key.substr(0, from - 1)) + " is " + allowed_by(*node)
                            : did_you_mean(name, known));
    }
    if (to == key.size()) {
      return {};
    }
    node = next;
    from = to + 1;
  }
}

bool schema::is_secret(std::string_view key) const {
  return at(key).value("writeOnly", false);
}

std::string schema::allowed(std::string_view key) const {
  return allowed_by(at(key));
}

std::string schema::about(std::string_view key) const {
  const json& node = at(key);
  return node.at("description").get<std::string>() + " Allowed: " + allowed_by(node) +
         "; default: " + node.at("default").dump();
}

const json& schema::at(std::string_view key) const {
  const json* node = &root_;
  while (!key.empty()) {
    const auto dot = std::min(key.find('.'), key.size());
    const std::string name(key.substr(0, dot));
    const json* const next = member(*node, name);
    node = next != nullptr ? next : &node->at("properties").at(name);
    key.remove_prefix(std::min(dot + 1, key.size()));
  }
  return *node;
}

}  // namespace hangup::server
