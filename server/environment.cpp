#include "server/environment.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "server/json_reader.h"
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
  return key.ends_with(from_file) && config_schema().has(named) ? named : "";
}

bool has_a_value(const std::string& key) {
  return config_schema().has(key) && config_schema().allowed(key) != "an object";
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
  constexpr std::array<std::string_view, 6> names = {"HOME",   "BIN",     "BINARY",
                                                     "SOURCE", "VERSION", "SEED"};
  constexpr std::array<std::string_view, 3> beginnings = {"TEST_", "BENCH_", "SOAK_"};
  return std::find(names.begin(), names.end(), name) != names.end() ||
         std::any_of(beginnings.begin(), beginnings.end(),
                     [name](auto beginning) { return name.starts_with(beginning); });
}

// What is short for a key.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> short_names = {
    {{"HOST", "listen.host"}, {"PORT", "listen.port"}}};

std::string capitals(std::string_view name) {
  std::string all(name);
  std::transform(all.begin(), all.end(), all.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return all;
}

// "listen.port" -> "HANGUP_LISTEN__PORT"
std::string variable_of(std::string_view key) {
  std::string name(prefix);
  for (const char c : capitals(key)) {
    name += c == '.' ? "__" : std::string(1, c);
  }
  return name;
}

std::string with_single_underscores(std::string name) {
  for (auto at = name.find("__"); at != std::string::npos; at = name.find("__", at)) {
    name.erase(at, 1);
  }
  return name;
}

// The variables that there are by default, without the prefix: the short names, the sections, and
// each key.
class known_variables {
 public:
  known_variables() {
    auto defaults = nlohmann::json::object();
    static_cast<void>(config_schema().complete(defaults));
    for (const auto* const name : {"CONFIG", "HOST", "PORT"}) {
      add(name);
    }
    for (const auto& section : names_in(defaults)) {
      if (defaults[section].is_object()) {
        sections_.push_back(variable_of(section).substr(prefix.size()));
        add(sections_.back());
      }
    }
    for (const auto& key : keys_of(defaults)) {
      if (key.find('.') != std::string::npos) {
        add(variable_of(key).substr(prefix.size()));
      }
    }
  }

  bool is_section(std::string_view name) const {
    return std::find(sections_.begin(), sections_.end(), name) != sections_.end();
  }

  // Those that a name may have been meant to be, which is in capitals: what is as a whole near to
  // it, or begins with it, or what it begins with, or whose last part is near to it ("WORKERS" of
  // POOLS__CPU__WORKERS).
  std::vector<std::string> meant_by(const std::string& name) const {
    constexpr std::size_t long_enough = 3;  // to be the beginning of a word
    const auto flat = with_single_underscores(name);
    const bool is_key =
        name.find("__") != std::string::npos;  // the schema knows what is near to it
    if (const auto near = is_key ? std::nullopt : nearest(flat, flat_)) {
      return those([&](std::size_t i) { return flat_[i] == *near; });
    }
    if (flat.size() >= long_enough) {
      if (auto longer = those([&](std::size_t i) { return flat_[i].starts_with(flat); });
          !longer.empty()) {
        return longer;
      }
    }
    if (is_key) {
      return {};
    }
    if (auto shorter = those([&](std::size_t i) {
          return flat.starts_with(flat_[i] + "_") && !is_section(names_[i]);
        });
        !shorter.empty()) {
      return shorter;
    }
    constexpr std::size_t of_a_part = 5;  // letters, to be told from other words with one wrong
    const auto part = name.size() < of_a_part ? std::optional(name) : nearest(name, last_parts_);
    return part ? those([&](std::size_t i) { return last_parts_[i] == *part; })
                : std::vector<std::string>();
  }

 private:
  void add(const std::string& name) {
    names_.push_back(name);
    flat_.push_back(with_single_underscores(name));
    const auto last = name.rfind("__");
    last_parts_.push_back(last == std::string::npos ? "" : name.substr(last + 2));
  }

  // With the prefix.
  template <class Is>
  std::vector<std::string> those(const Is& is) const {
    constexpr std::size_t shown_at_most = 4;
    std::vector<std::string> found;
    for (std::size_t i = 0; i < names_.size() && found.size() < shown_at_most; ++i) {
      if (is(i)) {
        found.push_back(std::string(prefix) + names_[i]);
      }
    }
    return found;
  }

  std::vector<std::string> sections_;
  std::vector<std::string> names_;
  std::vector<std::string> flat_;        // of each name
  std::vector<std::string> last_parts_;  // of each name
};

const known_variables& variables() {
  static const known_variables known;
  return known;
}

std::string first_part(std::string_view name) {
  return capitals(name.substr(0, name.find("__")));
}

std::string did_you_mean_one_of(const std::vector<std::string>& variables) {
  return (variables.size() == 1 ? "did you mean " : "did you mean one of ") + listed(variables) +
         "?";
}

// What is wrong with a name that is not known, and which one may have been meant.
std::string not_known(std::string_view name) {
  const auto key = key_of(name);
  if (name.find("__") != std::string_view::npos) {
    const auto unknown = "unknown key " + shown(key) + "; ";
    if (const auto meant = config_schema().nearest_key(key)) {
      return unknown + did_you_mean_one_of({variable_of(*meant)});
    }
    const auto meant = variables().meant_by(capitals(name));
    return meant.empty() ? *config_schema().knows(key) : unknown + did_you_mean_one_of(meant);
  }
  if (const auto meant = meant_by(capitals(name)); !meant.empty()) {
    return "unknown key; " + did_you_mean_one_of({std::string(prefix) + meant});
  }
  const auto meant = variables().meant_by(capitals(name));
  return "unknown variable; " +
         (meant.empty() ? "allowed: HANGUP_CONFIG, HANGUP_HOST, HANGUP_PORT, and each key as "
                          "--print-config shows it, such as HANGUP_LISTEN__PORT for listen.port"
                        : did_you_mean_one_of(meant));
}

// The text of a file that a variable names; what is wrong with it otherwise.
problem read_contents(const std::string& path, std::string& text) {
  if (path.empty()) {
    return "found nothing, allowed the path of a file";
  }
  if (const auto why = read_text_file(path, max_secret_bytes, text)) {
    return shown(path) + " cannot be read: " + *why;
  }
  text.erase(text.find_last_not_of("\r\n") + 1);
  if (text.empty()) {
    return shown(path) + " is empty";
  }
  if (is_wide_text(text)) {
    return shown(path) + " is UTF-16, allowed UTF-8";
  }
  if (text.find('\0') != std::string::npos) {
    return shown(path) + " has a NUL in it";
  }
  return {};
}

// None if it is not ours, or wrong.
std::optional<setting> setting_of(const std::string& by, std::string_view text, mistakes& wrong) {
  const auto name = std::string_view(by).substr(prefix.size());
  const auto key = key_of(name);
  if (config_schema().has(key)) {
    return setting{by, key, std::string(text)};
  }
  if (const auto named = named_by(key); !named.empty()) {
    if (named == "tls.key" || named == "tls.certificate") {
      wrong.add(shown_name(by) + ": " + variable_of(named) +
                " is already the path of the file, allowed that name");
      return std::nullopt;
    }
    std::string value;
    if (const auto why = read_contents(std::string(text), value)) {
      wrong.add(shown_name(by) + ": " + *why);
      return std::nullopt;
    }
    // An object is said to be wrong by its place and its keys.
    return setting{by, named, std::move(value), has_a_value(named), std::string(text)};
  }
  const bool is_ours =
      name.find("__") != std::string_view::npos && variables().is_section(first_part(name));
  if (!is_ours && (is_of_a_script(name) || is_of_an_orchestrator(by, text))) {
    return std::nullopt;
  }
  for (const auto& [short_name, meant] : short_names) {
    if (name == short_name) {
      return setting{by, std::string(meant), std::string(text)};
    }
  }
  wrong.add_made([&] { return shown_name(by) + ": " + not_known(name); });
  return std::nullopt;
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
    if (auto ours = setting_of(name, text, found.wrong)) {
      all.push_back(std::move(*ours));
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
