// Identifiers of random hexadecimal digits. Not for users.
#pragma once

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <system_error>

namespace hangup::http {

// Fills [first, last) with lower-case digits, not all of them 0. For names that must not repeat, of
// requests, traces and spans, and keep no secret: a Mersenne Twister with a seed of 32 bits, so who
// has seen a few can find the others.
template <class Iterator>
void random_hex(Iterator first, Iterator last) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  do {
    std::uint64_t bits = 0;
    unsigned left = 0;
    std::generate(first, last, [&] {
      if (left == 0) {
        bits = random();
        left = 16;
      }
      --left;
      const auto digit = "0123456789abcdef"[bits & 0xfU];
      bits >>= 4U;
      return digit;
    });
  } while (std::all_of(first, last, [](char c) { return c == '0'; }));
}

// So many digits, 512 at most, of the kernel's own randomness: for a name that is a key to what it
// names. A system call. Throws std::system_error if the kernel has none.
inline std::string secret_hex(std::size_t digits) {
  std::array<unsigned char, 256> bytes;  // as many as are given in one piece
  const std::size_t size = std::min((digits + 1) / 2, bytes.size());
  if (::getrandom(bytes.data(), size, 0) != static_cast<ssize_t>(size)) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  std::string text(std::min(digits, 2 * size), '0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = "0123456789abcdef"[i % 2 == 0 ? bytes[i / 2] >> 4U : bytes[i / 2] & 0xfU];
  }
  return text;
}

}  // namespace hangup::http
