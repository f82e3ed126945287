#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <vector>

#include "server/config_keys.h"
#include "server/schema.h"
#include "tests/docs/reference.h"

namespace hangup::docs {
namespace {

using nlohmann::ordered_json;

// Where a name of the operator's stands in a key.
constexpr std::string_view any_name = "NAME";

std::string allowed(const ordered_json& node) {
  const nlohmann::json around = {{"type", "object"},
                                 {"additionalProperties", false},
                                 {"required", {"it"}},
                                 {"properties", {{"it", node}}}};
  const auto text = server::schema(around).allowed("it");
  const std::string_view before_pattern = " matching ";
  const auto at = text.find(before_pattern);
  return at == std::string::npos ? cell(text)
                                 : cell(text.substr(0, at)) + std::string(before_pattern) +
                                       code(text.substr(at + before_pattern.size()));
}

// Calls `look` with each key and what the schema says of it, an object around others before those.
void each_key(const ordered_json& node, const std::string& key,
              const std::function<void(const std::string&, const ordered_json&)>& look) {
  if (!key.empty()) {
    look(key, node);
  }
  const auto below = [&](const std::string& name) { return key.empty() ? name : key + "." + name; };
  if (node.at("type") == "array") {
    each_key(node.at("items"), key + "[]", look);
  } else if (node.at("type") == "object") {
    const auto properties = node.value("properties", ordered_json::object());
    for (const auto& [name, of_it] : properties.items()) {
      each_key(of_it, below(name), look);
    }
    if (node.at("additionalProperties").is_object()) {
      each_key(node.at("additionalProperties"), below(std::string(any_name)), look);
    }
  }
}

// "pools.NAME.workers" -> "HANGUP_POOLS__NAME__WORKERS"
std::string variable_of(const std::string& key) {
  std::string name = "HANGUP_";
  for (const char c : key) {
    name.append(c == '.'
                    ? "__"
                    : std::string(1, c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c));
  }
  return name;
}

// The keys of the lines of --print-config in which this flag or variable has the say; none if the
// program does not take it so.
std::vector<std::string> set_by(const std::string& who, std::vector<const char*> arguments,
                                const std::string& variable = "") {
  arguments.insert(arguments.begin(), "hangup");
  arguments.push_back("--print-config");
  const std::array<const char*, 2> environment{variable.empty() ? nullptr : variable.c_str(),
                                               nullptr};
  const auto asked =
      server::read_flags(static_cast<int>(arguments.size()), arguments.data(), environment.data());
  std::vector<std::string> keys;
  if (asked.exit_code != 0) {
    return keys;
  }
  std::size_t from = 0;
  for (std::size_t to = 0; from < asked.message.size(); from = to + 1) {
    to = std::min(asked.message.find('\n', from), asked.message.size());
    const auto line = std::string_view(asked.message).substr(from, to - from);
    if (line.ends_with("# " + who)) {
      keys.emplace_back(line.substr(0, line.find(' ')));
    }
  }
  return keys;
}

// The flags that --help lists and that set a key, by key.
std::multimap<std::string, std::string> flags() {
  const std::array<const char*, 2> help{"hangup", "--help"};
  const auto text = server::read_flags(2, help.data()).message;
  std::multimap<std::string, std::string> all;
  const std::regex flag(R"((^|[\s,])(--[a-z-]+)\s)");
  for (std::sregex_iterator one(text.begin(), text.end(), flag), end; one != end; ++one) {
    const auto name = (*one)[2].str();
    for (const char* const value : {"1", "info", "127.0.0.1:0", ""}) {
      const auto keys = set_by(name, {name.c_str(), value});
      for (const auto& key : keys) {
        const auto known = all.equal_range(key);
        if (std::none_of(known.first, known.second,
                         [&](const auto& k) { return k.second == name; })) {
          all.emplace(key, name);
        }
      }
      if (!keys.empty()) {
        break;
      }
    }
  }
  return all;
}

std::string in_words(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// The variables that set a key, of which the program takes each: the one that every key has, and
// the short one of some. None for what stands in an array.
std::vector<std::string> variables(const std::string& key, const ordered_json& node) {
  if (key == "$schema" || key.find('[') != std::string::npos) {
    return {};
  }
  const auto full = variable_of(key);
  std::vector<std::string> all{full};
  if (key.find(any_name) != std::string::npos || !node.contains("default")) {
    return all;
  }
  auto value = in_words(node.at("default"));
  if (value == "0" && set_by(full, {}, full + "=" + value).empty()) {
    value = "1";  // 0 may stand for the value of another key, which then has the say
  }
  if (set_by(full, {}, full + "=" + value).empty()) {
    throw std::runtime_error(full + " does not set " + key);
  }
  const auto last = variable_of(key.substr(key.rfind('.') + 1));
  if (last != full && set_by(last, {}, last + "=" + value) == std::vector{key}) {
    all.push_back(last);
  }
  return all;
}

std::string default_of(const std::string& key, const ordered_json& node) {
  if (key.ends_with("[]")) {
    return "";
  }
  if (!node.contains("default")) {
    return node.at("type") == "object" ? "`{}`" : "must be given";
  }
  constexpr std::size_t longest = 300;
  const auto text = node.at("default").dump();
  return text.size() <= longest ? code(text) : "see [the schema](../config/server.schema.json)";
}

}  // namespace

std::string configuration() {
  const auto by_flag = flags();
  std::string page;
  each_key(server::config_keys().schema, "", [&](const std::string& key, const ordered_json& node) {
    if (!node.contains("description")) {
      throw std::runtime_error(key + " has no description");
    }
    const auto about = node.at("description").get<std::string>();
    const bool is_section = key.find('.') == std::string::npos && node.at("type") == "object";
    if (is_section) {
      page += "\n### " + key + "\n\n" + about + "\n\n";
      page += "| key | allowed | default | meaning | variable, flag |\n";
      page += "| --- | --- | --- | --- | --- |\n";
    }
    // An object is a row of its own where it has a default, or names that the operator chooses.
    const bool is_object = node.at("type") == "object";
    if (key == "$schema" ||
        (is_object && !node.contains("default") && !node.at("additionalProperties").is_object())) {
      return;
    }
    std::string who;
    for (const auto& variable : variables(key, node)) {
      who += (who.empty() ? "" : ", ") + code(variable);
    }
    for (auto [flag, end] = by_flag.equal_range(key); flag != end; ++flag) {
      who += ", " + code(flag->second);
    }
    const auto names =
        is_object && node.contains("propertyNames")
            ? ", NAME matching " + code(node.at("propertyNames").at("pattern").get<std::string>())
            : "";
    page += "| " + code(key) + " | " + allowed(node) + names + " | " + default_of(key, node) +
            " | " + (is_section ? "The whole section, as JSON." : cell(about)) +
            (node.value("writeOnly", false) ? " It is a secret, and never shown." : "") + " | " +
            who + " |\n";
  });
  return page.substr(1);
}

}  // namespace hangup::docs
