// UTF-8, as strictly as RFC 3629: what a database hands out need not be.
#pragma once

#include <cstddef>
#include <string_view>

namespace hangup::query {

// How many bytes the character at the begin of the text has; 0 if there is none that is UTF-8.
constexpr std::size_t character_size(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) {
    return 0;
  }
  if (byte(0) < 0x80) {
    return 1;
  }
  const std::size_t n = byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < n) {
    return 0;
  }
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) {
      return 0;
    }
  }
  const bool wrong = (byte(0) == 0xe0 && byte(1) < 0xa0) ||   // could be shorter
                     (byte(0) == 0xed && byte(1) >= 0xa0) ||  // a surrogate
                     (byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) >= 0x90);
  return wrong ? 0 : n;
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

}  // namespace hangup::query
