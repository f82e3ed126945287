#include "server/schema.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <regex>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace hangup::server {
namespace {

using nlohmann::json;

constexpr std::size_t shown_bytes = 64;

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? shown_name(key) : path + "." + shown_name(key);
}

std::string placed(const std::string& path, const std::string& what) {
  return path.empty() ? what : path + ": " + what;
}

// Letters put in, left out or changed, or two that have changed places.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, row[j - 1] + 1, last[j] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row.back();
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

problem unlike(const json& node, const std::string& found, const std::string& path) {
  return placed(path, "found " + found + ", allowed " + allowed_by(node));
}

problem check(const json& node, json& value, const std::string& path);

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

problem check_array(const json& node, json& value, const std::string& path) {
  if (!value.is_array() || value.size() > node.at("maxItems").get<std::size_t>()) {
    return unlike(
        node, value.is_array() ? "an array of " + std::to_string(value.size()) : kind(value), path);
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (auto wrong = check(node.at("items"), value[i], path + "[" + std::to_string(i) + "]")) {
      return wrong;
    }
  }
  return {};
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
  const auto length = characters(text);
  if (length < node.value("minLength", std::size_t{0}) ||
      length > node.at("maxLength").get<std::size_t>()) {
    return unlike(node, "a string of " + std::to_string(length) + " characters", path);
  }
  // After the length: std::regex recurses for every character.
  if (const auto pattern = node.find("pattern"); pattern != node.end()) {
    if (!std::regex_search(text, std::regex(pattern->get<std::string>()))) {
      return unlike(node, shown(text), path);
    }
  }
  return {};
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

std::vector<std::string> names_in(const json& object) {
  std::vector<std::string> names;
  for (const auto& member : object.items()) {
    names.push_back(member.key());
  }
  return names;
}

problem check_member(const json& node, const std::string& key, json& value,
                     const std::string& path) {
  const json& known = properties_of(node);
  const json* const allowed = member(node, key);
  if (allowed == nullptr) {
    return placed(joined(path, key), "unknown key; " + did_you_mean(key, names_in(known)));
  }
  if (const auto names = node.find("propertyNames"); names != node.end() && !known.contains(key)) {
    json name = key;
    if (auto wrong = check(*names, name, path + ": name")) {
      return wrong;
    }
  }
  return check(*allowed, value, joined(path, key));
}

problem check_object(const json& node, json& value, const std::string& path) {
  if (!value.is_object()) {
    return unlike(node, kind(value), path);
  }
  for (auto& member : value.items()) {
    if (auto wrong = check_member(node, member.key(), member.value(), path)) {
      return wrong;
    }
  }
  for (const auto& property : properties_of(node).items()) {
    const auto& key = property.key();
    if (value.contains(key)) {
      continue;
    }
    if (is_required(node, key)) {
      return placed(joined(path, key), "missing, allowed " + allowed_by(property.value()));
    }
    auto& filled = value[key] = property.value().value("default", json::object());
    if (auto wrong = check(property.value(), filled, joined(path, key))) {
      return wrong;
    }
  }
  return {};
}

problem check(const json& node, json& value, const std::string& path) {
  const auto& type = node.at("type");
  return type == "object"     ? check_object(node, value, path)
         : type == "integer"  ? check_integer(node, value, path)
         : type == "number"   ? check_number(node, value, path)
         : type == "array"    ? check_array(node, value, path)
         : type != "boolean"  ? check_string(node, value, path)
         : value.is_boolean() ? problem{}
                              : unlike(node, kind(value), path);
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
    const auto wrong = check(node, value, path);
    insist(!wrong, "default: " + wrong.value_or(""));
  }
}

}  // namespace

schema::schema(nlohmann::json root) : root_(std::move(root)) {
  understand(root_, "");
  if (root_.at("type") != "object") {
    throw std::invalid_argument("schema: not of an object");
  }
}

problem schema::complete(nlohmann::json& document) const {
  return check(root_, document, "");
}

problem schema::read_text(std::string_view key, std::string_view text,
                          nlohmann::json& value) const {
  const json& node = at(key);
  value = std::string(text);
  if (node.at("type") == "integer") {
    std::int64_t number = 0;
    const auto end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || rest != end) {
      return unlike(node, shown(text), "");
    }
    value = number;
  } else if (node.at("type") != "string") {
    value = json::parse(text, nullptr, false);
    if (value.is_discarded()) {
      return unlike(node, shown(text), "");
    }
  }
  return check(node, value, "");
}

problem schema::knows(std::string_view key) const {
  const json* node = &root_;
  for (std::string_view rest = key; !rest.empty();) {
    const auto dot = std::min(rest.find('.'), rest.size());
    const std::string name(rest.substr(0, dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    const json* next = member(*node, name);
    if (next == nullptr) {
      return "unknown key " + shown(key) + "; " +
             did_you_mean(name, names_in(properties_of(*node)));
    }
    node = next;
  }
  return {};
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

std::size_t characters(std::string_view utf8) noexcept {
  return utf8.size() -
         static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), continues_a_character));
}

std::string shown(std::string_view text) {
  auto end = std::min(text.size(), shown_bytes);
  while (end < text.size() && end > shown_bytes - 4 && continues_a_character(text[end])) {
    --end;
  }
  return json(std::string(text.substr(0, end)))
             .dump(-1, ' ', true, json::error_handler_t::replace) +
         (end < text.size() ? "..." : "");
}

std::string shown_name(std::string_view name) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-$";
  const bool is_plain = !name.empty() && name.size() <= shown_bytes &&
                        name.find_first_not_of(plain) == std::string_view::npos;
  return is_plain ? std::string(name) : shown(name);
}

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) {
    all += (all.empty() ? "" : ", ") + shown(name);
  }
  return all;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  word = word.substr(0, shown_bytes);
  const auto distance = [&](const std::string& name) { return edit_distance(word, name); };
  const auto nearest = std::min_element(
      known.begin(), known.end(), [&](auto& a, auto& b) { return distance(a) < distance(b); });
  // Farther than a third of it, and it is another word.
  if (nearest != known.end() && distance(*nearest) <= std::max<std::size_t>(2, word.size() / 3)) {
    return "did you mean " + shown(*nearest) + "?";
  }
  return "allowed: " + listed(known);
}

}  // namespace hangup::server
