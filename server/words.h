// The words of the problems that a schema finds, for whoever else has something to say about a
// text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hangup::server {

// A text from a stranger: quoted, escaped to ASCII, cut after 64 bytes.
std::string shown(std::string_view text);

// A name from a stranger: as it is if it is short and made of letters, digits, '_', '-' and '$',
// else as shown() has it.
std::string shown_name(std::string_view name);

// "a", "b", "c"
std::string listed(const std::vector<std::string>& names);

// `did you mean "x"?` with the known word that is nearest by edit distance; if none is near,
// `allowed: ` and all of them.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace hangup::server
