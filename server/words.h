// The words of the problems that a schema finds, for whoever else has something to say about a
// text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hangup::server {

// What is wrong, in one line; none: nothing is.
using problem = std::optional<std::string>;

// A text from a stranger: quoted, escaped to ASCII, cut after 64 bytes.
std::string shown(std::string_view text);

// A name from a stranger: as it is if it is short and made of letters, digits, '_', '-' and '$',
// else as shown() has it.
std::string shown_name(std::string_view name);

// A path, or who has said something: shown whole, unless it would not be one line of ASCII.
std::string in_one_line(std::string_view text);

// "a", "b", "c"
std::string listed(const std::vector<std::string>& names);

// The known word that is nearest by edit distance, if it is near: none if it is farther than a
// third of the letters.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

// `did you mean "x"?` with the known word that is nearest by edit distance; if none is near,
// `allowed: ` and all of them.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace hangup::server
