#include "server/environment.h"

#include <algorithm>
#include <system_error>

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

std::string contents(const std::string& by, const std::string& path) {
  std::string text;
  const auto ec = read_text_file(path, max_secret_bytes, text);
  if (ec) {
    throw config_error(by + ": " + shown(path) + " cannot be read: " +
                       (ec == std::errc::file_too_large
                            ? "it has more than " + std::to_string(max_secret_bytes) + " bytes"
                            : ec.message()));
  }
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

setting setting_of(const std::string& by, std::string_view text) {
  auto key = key_of(std::string_view(by).substr(prefix.size()));
  const auto unknown = config_schema().knows(key);
  if (!unknown) {
    return {by, std::move(key), std::string(text)};
  }
  if (key.ends_with(from_file)) {
    const auto named = key.substr(0, key.size() - from_file.size());
    if (!config_schema().knows(named)) {
      return {by, named, contents(by, std::string(text))};
    }
  }
  throw config_error(by + ": " + *unknown);
}

}  // namespace

std::vector<setting> settings_of(const char* const* environment) {
  std::vector<setting> all;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view line = *environment;
    const auto sign = line.find('=');
    const auto name = line.substr(0, sign);
    if (sign != std::string_view::npos && name.starts_with(prefix) &&
        name.substr(prefix.size()).find("__") != std::string_view::npos) {
      all.push_back(setting_of(std::string(name), line.substr(sign + 1)));
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  const auto twice = std::adjacent_find(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key == b.key; });
  if (twice != all.end()) {
    throw config_error(twice->by + ": found " + std::next(twice)->by +
                       " as well, allowed one of them");
  }
  return all;
}

}  // namespace hangup::server
