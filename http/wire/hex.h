// Hexadecimal digits, as used in percent-encodings and chunk sizes. Not for users.
#pragma once

namespace hangup::http {

// The value of a digit; -1 if it is not one.
constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace hangup::http
