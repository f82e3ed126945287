// Random identifiers in hexadecimal digits. The randomness is the kernel's (getrandom(2)), so no
// identifier can be guessed from others. Each thread keeps up to 512 digits in reserve, so that
// most identifiers need no system call; a forked child does not use the reserve of its parent.
// Thread-safe. Not for users.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace hangup::http {

// Fills the range with lower-case digits that are not all 0. Throws std::system_error if the kernel
// refuses, for instance because of a system call filter.
void random_hex(std::span<char> to);

// Returns this number of digits.
inline std::string random_hex(std::size_t digits) {
  std::string text(digits, '0');
  random_hex(std::span<char>(text));
  return text;
}

}  // namespace hangup::http
