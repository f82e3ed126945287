// The UTF-8 decoder, strict as in RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF. Bytes from clients, databases and file names may be invalid UTF-8. Pure functions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace hangup::handlers {

// The first character of a text.
struct character {
  std::size_t size = 0;  // in bytes; 0: the text is empty or does not begin with valid UTF-8
  char32_t code_point = 0;
};

constexpr bool continues_a_character(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80;
}

constexpr character first_character(std::string_view text) noexcept {
  if (text.empty()) {
    return {};
  }
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) {
    return {1, first};
  }
  const std::size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) {
    return {};
  }
  char32_t c = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!continues_a_character(text[i])) {
      return {};
    }
    c = c << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  const bool overlong = (size == 3 && c < 0x800) || (size == 4 && c < 0x10000);
  const bool surrogate = c >= 0xd800 && c <= 0xdfff;
  return overlong || surrogate || c > 0x10ffff ? character{} : character{size, c};
}

constexpr std::size_t character_size(std::string_view text) noexcept {
  return first_character(text).size;
}

constexpr bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto n = character_size(text);
    if (n == 0) {
      return false;
    }
    text.remove_prefix(n);
  }
  return true;
}

// The number of characters in a text, which must be valid UTF-8.
constexpr std::size_t characters(std::string_view utf8) noexcept {
  return utf8.size() -
         static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), continues_a_character));
}

}  // namespace hangup::handlers
