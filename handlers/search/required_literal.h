// Finds a literal in a regular expression, so that a search can run at the speed of memmem.
#pragma once

#include <string>
#include <string_view>

namespace hangup::search {

// The longest string that every match of the expression contains, case-sensitively and within one
// line; empty if there is none that is useful or none is known. RE2 must accept the expression.
// This parses only simple constructs, so it may miss a string, but never returns a wrong one.
std::string required_literal(std::string_view regex);

}  // namespace hangup::search
