// What may stand in the value of a header (RFC 9110 5.5). Asked where a value comes in, and again
// wherever one goes out, whoever made it: with a control character in it one header becomes two.
#pragma once

#include <algorithm>
#include <string_view>

#include "http/grammar.h"

namespace hangup::http {

// True if the value has no control characters other than a tab: visible ASCII, blanks, and bytes
// from 0x80 on, whose meaning is nobody's to say. The empty value is one too.
inline bool is_field_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), is_value_char);
}

}  // namespace hangup::http
