#include "server/environment.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "server/schema.h"
#include "server/text_file.h"

namespace hangup::server {
namespace {

constexpr std::string_view prefix = "HANGUP_";
constexpr std::string_view from_file = "_file";
constexpr std::size_t max_secret_bytes = 64 * 1024;

// "LISTEN__PORT" -> "listen.port"
std::string key_of(std::string_view name) {
  std::string key;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i, 2) == "__") {
      key.push_back('.');
      ++i;
    } else {
      const char c = name[i];
      key.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
  }
  return key;
}

// The key whose value a file has: "log.level" for "log.level_file"; "" if there is none.
std::string named_by(const std::string& key) {
  const auto named = key.substr(0, key.size() - std::min(from_file.size(), key.size()));
  return key.ends_with(from_file) && !config_schema().knows(named) ? named : "";
}

bool has_a_value(const std::string& key) {
  return !config_schema().knows(key) && config_schema().allowed(key) != "an object";
}

// "LISTEN_PORT" -> "LISTEN__PORT": some of its underscores were meant to be two. "" if not.
std::string meant_by(std::string_view name) {
  constexpr auto most = 6;  // of 2^n ways; more there are in no key
  const auto count = std::count(name.begin(), name.end(), '_');
  for (unsigned ways = 1; count <= most && ways < 1U << count; ++ways) {
    std::string doubled;
    unsigned at = 0;
    for (const char c : name) {
      doubled.append(c == '_' && (ways >> at++ & 1U) != 0 ? 2 : 1, c);
    }
    const auto key = key_of(doubled);
    if (has_a_value(key) || has_a_value(named_by(key))) {
      return doubled;
    }
  }
  return "";
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "_TCP", "_TCP_ADDR" behind the number of a port.
bool names_a_part_of_a_port(std::string_view behind) {
  for (const std::string_view protocol : {"_TCP", "_UDP", "_SCTP"}) {
    if (behind.starts_with(protocol)) {
      behind.remove_prefix(protocol.size());
      return behind.empty() || behind == "_PROTO" || behind == "_PORT" || behind == "_ADDR" ||
             behind == "_START" || behind == "_END";
    }
  }
  return false;
}

// Is it a variable of an orchestrator? See the header.
bool is_of_an_orchestrator(std::string_view by, std::string_view text) {
  constexpr std::string_view port = "_PORT_";
  for (auto at = by.find(port); at != std::string_view::npos; at = by.find(port, at + 1)) {
    const auto behind = by.substr(at + port.size());
    const auto end = std::min(behind.find('_'), behind.size());
    if (is_number(behind.substr(0, end)) && names_a_part_of_a_port(behind.substr(end))) {
      return true;
    }
  }
  return by.ends_with("_SERVICE_HOST") || by.ends_with("_SERVICE_PORT") ||
         by.find("_SERVICE_PORT_") != std::string_view::npos ||
         (by.ends_with("_PORT") && text.find("://") != std::string_view::npos) ||
         (by.ends_with("_NAME") && text.starts_with('/')) ||
         by.find("_ENV_") != std::string_view::npos;
}

// Is it for scripts around the server? See the header.
bool is_of_a_script(std::string_view name) {
  constexpr std::array<std::string_view, 9> names = {"HOME",   "BIN", "BINARY",  "DIR", "ROOT",
                                                     "SOURCE", "URL", "VERSION", "SEED"};
  constexpr std::array<std::string_view, 3> beginnings = {"TEST_", "BENCH_", "SOAK_"};
  return std::find(names.begin(), names.end(), name) != names.end() ||
         std::any_of(beginnings.begin(), beginnings.end(),
                     [name](auto beginning) { return name.starts_with(beginning); });
}

// What is short for a key.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> short_names = {
    {{"HOST", "listen.host"}, {"PORT", "listen.port"}}};

// "listen.port" -> "HANGUP_LISTEN__PORT"
std::string variable_of(std::string_view key) {
  std::string name(prefix);
  for (const char c : key) {
    name += c == '.' ? "__" : std::string(1, c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  }
  return name;
}

// The variables of all keys that there are by default.
std::vector<std::string> known_variables() {
  auto defaults = nlohmann::json::object();
  static_cast<void>(config_schema().complete(defaults));
  std::vector<std::string> names = {"HANGUP_CONFIG", "HANGUP_HOST", "HANGUP_PORT"};
  for (const auto& key : keys_of(defaults)) {
    if (key != "$schema") {
      names.push_back(variable_of(key));
    }
  }
  return names;
}

// What a variable that is not known may have been meant to be: it is near to one as a whole, or to
// the last part of some ("WORKERS" of HANGUP_POOLS__CPU__WORKERS).
std::string unknown_variable(std::string_view name) {
  constexpr std::size_t shown_at_most = 4;
  std::vector<std::string> names;
  std::vector<std::string> last_parts;
  for (const auto& variable : known_variables()) {
    names.push_back(variable.substr(prefix.size()));
    const auto last = names.back().rfind("__");
    last_parts.push_back(last == std::string::npos ? "" : names.back().substr(last + 2));
  }
  if (const auto near = nearest(name, names)) {
    return "did you mean " + shown(std::string(prefix) + *near) + "?";
  }
  constexpr std::size_t long_enough = 5;  // to be told from other words with a letter wrong
  const auto part =
      name.size() < long_enough ? std::optional(std::string(name)) : nearest(name, last_parts);
  std::vector<std::string> meant;
  for (std::size_t i = 0; part && i < names.size() && meant.size() < shown_at_most; ++i) {
    if (last_parts[i] == *part) {
      meant.push_back(std::string(prefix) + names[i]);
    }
  }
  return meant.size() == 1 ? "did you mean " + listed(meant) + "?"
         : !meant.empty()  ? "did you mean one of " + listed(meant) + "?"
                           : "allowed: HANGUP_CONFIG, HANGUP_HOST, HANGUP_PORT, and each key as "
                             "--print-config shows it, such as HANGUP_LISTEN__PORT for listen.port";
}

std::string contents(const std::string& path) {
  if (path.empty()) {
    throw config_error("found nothing, allowed the path of a file");
  }
  std::string text;
  if (const auto why = read_text_file(path, max_secret_bytes, text)) {
    throw config_error(shown(path) + " cannot be read: " + *why);
  }
  text.erase(text.find_last_not_of("\r\n") + 1);
  if (text.empty()) {
    throw config_error(shown(path) + " is empty");
  }
  if (is_wide_text(text)) {
    throw config_error(shown(path) + " is UTF-16, allowed UTF-8");
  }
  if (text.find('\0') != std::string::npos) {
    throw config_error(shown(path) + " has a NUL in it");
  }
  return text;
}

// None if it is not ours.
std::optional<setting> setting_of(const std::string& by, std::string_view text) {
  const auto name = std::string_view(by).substr(prefix.size());
  const auto key = key_of(name);
  const auto unknown = config_schema().knows(key);
  if (!unknown) {
    return setting{by, key, std::string(text)};
  }
  if (const auto named = named_by(key); !named.empty()) {
    if (named == "tls.key" || named == "tls.certificate") {
      throw config_error(variable_of(named) +
                         " is already the path of the file, allowed that name");
    }
    // An object is said to be wrong by its place and its keys.
    return setting{by, named, contents(std::string(text)), has_a_value(named), std::string(text)};
  }
  if (is_of_a_script(name) || is_of_an_orchestrator(by, text)) {
    return std::nullopt;
  }
  for (const auto& [short_name, meant] : short_names) {
    if (name == short_name) {
      return setting{by, std::string(meant), std::string(text)};
    }
  }
  if (name.find("__") != std::string_view::npos) {
    throw config_error(*unknown);
  }
  if (const auto meant = meant_by(name); !meant.empty()) {
    throw config_error("unknown key; did you mean " + shown(std::string(prefix) + meant) + "?");
  }
  throw config_error("unknown variable; " + unknown_variable(name));
}

}  // namespace

environment read_environment(const char* const* variables) {
  environment found;
  auto& all = found.settings;
  for (; variables != nullptr && *variables != nullptr; ++variables) {
    const std::string_view line = *variables;
    const auto sign = line.find('=');
    const std::string name(line.substr(0, sign));
    if (sign == std::string_view::npos || !name.starts_with(prefix)) {
      continue;
    }
    const auto text = line.substr(sign + 1);
    if (name == "HANGUP_CONFIG") {
      found.config = text;
      continue;
    }
    try {
      if (auto ours = setting_of(name, text)) {
        all.push_back(std::move(*ours));
      }
    } catch (const config_error& wrong) {
      found.wrong.add(shown_name(name) + ": " + wrong.what());
    }
  }
  // What is around comes before what is in it, which goes over it.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.key, a.by) < std::tie(b.key, b.by);
  });
  for (auto twice = all.begin(); twice != all.end();) {
    twice = std::adjacent_find(twice, all.end(),
                               [](const auto& a, const auto& b) { return a.key == b.key; });
    if (twice != all.end()) {
      found.wrong.add(shown_name(twice->by) + ": found " + shown_name(std::next(twice)->by) +
                      " as well, allowed one of them");
      ++twice;
    }
  }
  return found;
}

}  // namespace hangup::server
