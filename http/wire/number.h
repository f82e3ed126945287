// Numbers in text that comes from outside.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace hangup::http {

// The number that the text is. Empty unless all of the text is one that a Number can hold, in the
// form of std::from_chars: no spaces, no plus sign.
template <class Number>
std::optional<Number> whole_number(std::string_view text) noexcept {
  Number number{};
  const auto* const end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, number);
  return ec == std::errc{} && stop == end ? std::optional(number) : std::nullopt;
}

// The number that names something, such as a request in a path. Empty also if it is not written as
// the server writes it: what has a name has only one, so no zeros stand in front.
inline std::optional<std::uint64_t> number_in_name(std::string_view text) noexcept {
  return text.starts_with('0') ? std::nullopt : whole_number<std::uint64_t>(text);
}

}  // namespace hangup::http
