// Identifiers that nobody has to be able to guess, nor to repeat: of requests, traces and spans.
// Not for users.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

namespace hangup::http {

// Fills [first, last) with lower-case hexadecimal digits, not all of them 0.
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

}  // namespace hangup::http
