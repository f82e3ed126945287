// The application/x-www-form-urlencoded format of query strings and HTML forms, decoded by one set
// of rules: parameters are separated by '&', the first '=' ends a name, '+' is a space, and %XX is
// a byte, decoded once. Anything else after a '%' ("%u0032", "100%") stays as sent. Pure functions;
// fuzzed.
#pragma once

#include <string>
#include <string_view>

namespace hangup::http {

// Decodes %XX and '+', once, and appends the result, which is not longer than the text.
void append_form_decoded(std::string_view text, std::string& to);
std::string form_decoded(std::string_view text);

// Calls `each(name, value)`, both as sent, for each parameter in order, while it returns true.
// Parameters without a name are skipped. Returns false if `each` returned false.
template <class Each>
bool for_each_sent_parameter(std::string_view query, Each each) {
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    query.remove_prefix(part.size() + (part.size() < query.size() ? 1 : 0));
    const auto equals = part.find('=');
    const auto name = part.substr(0, equals);
    const auto value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    if (!name.empty() && !each(name, value)) {
      return false;
    }
  }
  return true;
}

// The same with decoded names and values.
template <class Each>
bool for_each_parameter(std::string_view query, Each each) {
  return for_each_sent_parameter(query, [&each](std::string_view name, std::string_view value) {
    return each(form_decoded(name), form_decoded(value));
  });
}

}  // namespace hangup::http
