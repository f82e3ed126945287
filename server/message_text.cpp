#include "server/message_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "handlers/utf8.h"

namespace hangup::server {
namespace {

using nlohmann::json;

constexpr std::size_t shown_bytes = 64;

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

// "http://name:password@host" -> "http://***@host"
std::string without_password(std::string_view text) {
  std::string all(text);
  const auto scheme = all.find("://");
  if (scheme != std::string::npos) {
    const auto from = scheme + 3;
    const auto at = all.rfind('@', std::min(all.find_first_of("/?#", from), all.size()));
    if (at != std::string::npos && at > from) {
      all.replace(from, at - from, "***");
    }
  }
  return all;
}

}  // namespace

std::string shown(std::string_view text) {
  const auto told = without_password(text);
  auto end = std::min(told.size(), shown_bytes);
  while (end < told.size() && end > shown_bytes - 4 && handlers::continues_a_character(told[end])) {
    --end;
  }
  return json(told.substr(0, end)).dump(-1, ' ', true, json::error_handler_t::replace) +
         (end < told.size() ? "..." : "");
}

std::string shown_name(std::string_view name) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-$";
  const bool is_plain = !name.empty() && name.size() <= shown_bytes &&
                        name.find_first_not_of(plain) == std::string_view::npos;
  return is_plain ? std::string(name) : shown(name);
}

std::string in_one_line(std::string_view text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return plain ? std::string(text) : shown(text);
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string all;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) {
    all += (all.empty() ? "" : ", ") + shown(names[i]);
  }
  return names.size() <= most ? all : all + " and " + std::to_string(names.size() - most) + " more";
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  word = word.substr(0, shown_bytes);
  const auto distance = [&](const std::string& name) { return edit_distance(word, name); };
  const auto found = std::min_element(known.begin(), known.end(),
                                      [&](auto& a, auto& b) { return distance(a) < distance(b); });
  // Farther than a third of it, and it is another word. Words of few letters are all near to each
  // other.
  constexpr std::size_t few_letters = 5;
  const auto most = word.size() < few_letters ? 1 : std::max<std::size_t>(2, word.size() / 3);
  if (found != known.end() && !word.empty() && distance(*found) <= most) {
    return *found;
  }
  return std::nullopt;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near ? "did you mean " + shown(*near) + "?" : "allowed: " + listed(known);
}

}  // namespace hangup::server
