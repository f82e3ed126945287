#include "http/wire/byte_range.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "http/wire/head.h"

namespace hangup::http {
namespace {

// Digits only. A number that does not fit becomes the largest one, which is beyond the end of any
// answer.
std::optional<std::uint64_t> number(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, ec] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || stop != end || ec == std::errc::invalid_argument) {
    return std::nullopt;
  }
  return ec == std::errc{} ? value : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

byte_range read_range(std::string_view value, std::uint64_t whole) noexcept {
  constexpr std::string_view unit = "bytes=";
  if (!equals_ignoring_case(value.substr(0, unit.size()), unit)) {
    return {};
  }
  value.remove_prefix(unit.size());
  const auto dash = value.find('-');
  if (dash == std::string_view::npos) {
    return {};
  }
  const auto first = number(value.substr(0, dash));
  const auto last = number(value.substr(dash + 1));
  if (dash == 0) {  // the last bytes, as many as the number says
    if (!last) {
      return {};
    }
    const auto length = std::min(*last, whole);
    return length == 0 ? byte_range{byte_range::kind::beyond}
                       : byte_range{byte_range::kind::part, whole - length, length};
  }
  const bool open = dash + 1 == value.size();
  if (!first || (!last && !open) || (last && *last < *first)) {
    return {};
  }
  if (*first >= whole) {
    return {byte_range::kind::beyond};
  }
  const auto end = last ? std::min(*last, whole - 1) : whole - 1;
  return {byte_range::kind::part, *first, end - *first + 1};
}

}  // namespace hangup::http
