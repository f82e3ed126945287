// The characters of heads and of the trailers of bodies (RFC 9110 5.5 and 5.6).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace hangup::http {

constexpr bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A control character of ASCII, such as a tab or a line end.
constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Of each character, whether it may be in a token or in a value. Heads are checked byte by byte, so
// this is a table.
struct characters {
  std::array<bool, 256> token{};
  std::array<bool, 256> value{};
  constexpr characters() {
    for (std::size_t i = 0; i < token.size(); ++i) {
      const auto c = static_cast<char>(i);
      token[i] = is_alphanumeric(c) ||
                 std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
      value[i] = c == '\t' || !is_control(c);
    }
  }
};
inline constexpr characters character;

// A character of a token, such as a method or the name of a header.
constexpr bool is_token_char(char c) noexcept {
  return character.token[static_cast<unsigned char>(c)];
}

// A character of a header's value: anything but control characters other than the tab.
constexpr bool is_value_char(char c) noexcept {
  return character.value[static_cast<unsigned char>(c)];
}

constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_token_char(c); });
}

// Whether the text may be the value of a header. Checked when a header is read, and again whenever
// one is written: a control character in it could turn one header into two.
constexpr bool is_field_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_value_char(c); });
}

// The text without the spaces and tabs at both ends.
constexpr std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t";
  const auto from = std::min(text.find_first_not_of(blanks), text.size());
  return text.substr(from, text.find_last_not_of(blanks) + 1 - from);
}

// Compares texts; ASCII letters are equal in either case.
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  constexpr auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [lower](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace hangup::http
