// What lets a search for a regular expression run at the speed of memmem.
#pragma once

#include <string>
#include <string_view>

namespace hangup::search {

// The longest string that every match of the expression contains, case-sensitively and in one line;
// empty if there is none worth it or none is known. The expression must be one that RE2 takes.
// Reads the text of it and gives up on everything that is not plain: it may miss one, it never
// invents one.
std::string required_literal(std::string_view regex);

}  // namespace hangup::search
