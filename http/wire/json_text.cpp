#include "http/wire/json_text.h"

#include <cstddef>

namespace hangup::http {
namespace {

struct character {
  char32_t code_point = 0xfffd;
  std::size_t size = 1;  // in bytes
};

// The first character of a text that is not empty (RFC 3629). A byte with which none begins is one
// character, U+FFFD.
character first_of(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) {
    return {byte(0), 1};
  }
  const std::size_t size = byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) {
    return {};
  }
  char32_t c = byte(0) & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) {
      return {};
    }
    c = c << 6U | (byte(i) & 0x3fU);
  }
  const bool overlong = (size == 3 && c < 0x800) || (size == 4 && c < 0x10000);
  const bool surrogate = c >= 0xd800 && c <= 0xdfff;
  return overlong || surrogate || c > 0x10ffff ? character{} : character{c, size};
}

void append_unit(char32_t unit, std::string& to) {
  constexpr std::string_view digits = "0123456789abcdef";
  to.append("\\u");
  for (const unsigned shift : {12U, 8U, 4U, 0U}) {
    to.push_back(digits[unit >> shift & 0xfU]);
  }
}

void append_escaped(char32_t c, std::string& to) {
  if (c == '"' || c == '\\') {
    to.push_back('\\');
    to.push_back(static_cast<char>(c));
  } else if (c == '\n') {
    to.append("\\n");
  } else if (c == '\r') {
    to.append("\\r");
  } else if (c == '\t') {
    to.append("\\t");
  } else if (c >= ' ' && c <= '~') {
    to.push_back(static_cast<char>(c));
  } else if (c < 0x10000) {
    append_unit(c, to);
  } else {  // two of UTF-16
    append_unit(0xd800 + ((c - 0x10000) >> 10U), to);
    append_unit(0xdc00 + ((c - 0x10000) & 0x3ffU), to);
  }
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string to = "\"";
  while (!text.empty()) {
    const auto first = first_of(text);
    append_escaped(first.code_point, to);
    text.remove_prefix(first.size);
  }
  to.push_back('"');
  return to;
}

}  // namespace hangup::http
