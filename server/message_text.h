// The building blocks of messages about configuration text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hangup::server {

// What is wrong, in one line; empty: nothing.
using problem = std::optional<std::string>;

// Text from a user: quoted, escaped to ASCII, cut after 64 bytes, without the name and the password
// of a URL.
std::string shown(std::string_view text);

// A name from a user: unchanged if it is short and consists of letters, digits, '_', '-' and '$';
// otherwise like shown().
std::string shown_name(std::string_view name);

// A path or the source of a setting: unchanged if it is one line of ASCII; otherwise escaped.
std::string in_one_line(std::string_view text);

// "a", "b", "c". After 20 names: `and 3 more`.
std::string listed(const std::vector<std::string>& names);

// The known word with the smallest edit distance; nullopt if the distance is more than a third of
// the letters (more than 2 for a word of 5 letters, more than 1 for a shorter one).
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

// `did you mean "x"?` with the known word that has the smallest edit distance; if none is close,
// `allowed: ` and all known words.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace hangup::server
