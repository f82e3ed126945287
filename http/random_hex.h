// Identifiers of random hexadecimal digits, of the kernel's own randomness (getrandom(2)): nobody
// can find one from others. Each thread keeps what it has been given and not used yet, 512 digits
// at most, so that an identifier is seldom a system call; a forked child does not go on with what
// its parent has. Thread-safe. Not for users.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace hangup::http {

// Fills it with lower-case digits, not all of them 0. Throws std::system_error if the kernel gives
// no randomness, as where a filter of system calls forbids it.
void random_hex(std::span<char> to);

// So many digits.
inline std::string random_hex(std::size_t digits) {
  std::string text(digits, '0');
  random_hex(std::span<char>(text));
  return text;
}

}  // namespace hangup::http
