// Names and values as URLs and HTML forms carry them, application/x-www-form-urlencoded. One rule
// for both: parts end at '&', the first '=' ends a name, '+' is a space, and %XX is a byte, once.
// What is no such escape ("%u0032", "100%") stays as it was sent. Pure: fuzzed.
#pragma once

#include <string>
#include <string_view>

namespace hangup::http {

// %XX and '+' decoded, once.
std::string form_decoded(std::string_view text);

// Calls `each(name, value)`, both decoded, in the order in which they stand, as long as it answers
// true. A part without a name is left out. False if `each` ended it.
template <class Each>
bool for_each_parameter(std::string_view query, Each each) {
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    query.remove_prefix(part.size() + (part.size() < query.size() ? 1 : 0));
    const auto equals = part.find('=');
    const auto name = part.substr(0, equals);
    const auto value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    if (!name.empty() && !each(form_decoded(name), form_decoded(value))) {
      return false;
    }
  }
  return true;
}

}  // namespace hangup::http
