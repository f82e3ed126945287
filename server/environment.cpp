#include "server/environment.h"

#include <algorithm>
#include <optional>
#include <system_error>
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

std::string contents(const std::string& path) {
  if (path.empty()) {
    throw config_error("found nothing, allowed the path of a file");
  }
  std::string text;
  const auto ec = read_text_file(path, max_secret_bytes, text);
  if (ec) {
    throw config_error(shown(path) + " cannot be read: " +
                       (ec == std::errc::file_too_large
                            ? "it has more than " + std::to_string(max_secret_bytes) + " bytes"
                        : ec == std::errc::timed_out ? "nobody writes to it"
                                                     : ec.message()));
  }
  text.erase(text.find_last_not_of("\r\n") + 1);
  if (text.empty()) {
    throw config_error(shown(path) + " is empty");
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
    // An object is said to be wrong by its place and its keys.
    return setting{by, named, contents(std::string(text)), has_a_value(named), std::string(text)};
  }
  if (name.find("__") != std::string_view::npos) {
    throw config_error(*unknown);
  }
  if (const auto meant = meant_by(name); !meant.empty()) {
    throw config_error("unknown key; did you mean " + shown(std::string(prefix) + meant) + "?");
  }
  return std::nullopt;
}

}  // namespace

std::vector<setting> settings_of(const char* const* environment) {
  std::vector<setting> all;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view line = *environment;
    const auto sign = line.find('=');
    const std::string name(line.substr(0, sign));
    if (sign == std::string_view::npos || !name.starts_with(prefix)) {
      continue;
    }
    try {
      if (auto ours = setting_of(name, line.substr(sign + 1))) {
        all.push_back(std::move(*ours));
      }
    } catch (const config_error& wrong) {
      throw config_error(shown_name(name) + ": " + wrong.what());
    }
  }
  // What is around comes before what is in it, which goes over it.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.key, a.by) < std::tie(b.key, b.by);
  });
  const auto twice = std::adjacent_find(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key == b.key; });
  if (twice != all.end()) {
    throw config_error(shown_name(twice->by) + ": found " + shown_name(std::next(twice)->by) +
                       " as well, allowed one of them");
  }
  return all;
}

}  // namespace hangup::server
