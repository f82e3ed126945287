#include "http/wire/random_hex.h"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace hangup::http {
namespace {

struct store {
  // As many as the kernel returns in one call without interruption.
  std::array<unsigned char, 256> bytes;
  std::size_t digits_left = 0;
};

thread_local store mine;

// A forked child has one thread, the one that called fork(), and the handler runs on it.
bool forget_in_children() {
  if (const int failed = ::pthread_atfork(nullptr, nullptr, [] { mine.digits_left = 0; })) {
    throw std::system_error(failed, std::generic_category(), "pthread_atfork");
  }
  return true;
}

void refill() {
  static const bool once = forget_in_children();  // after a failure the next caller tries again
  static_cast<void>(once);
  ssize_t got = 0;
  do {
    got = ::getrandom(mine.bytes.data(), mine.bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  mine.digits_left = 2 * static_cast<std::size_t>(got);
}

char next_digit() {
  if (mine.digits_left == 0) {
    refill();
  }
  --mine.digits_left;
  const unsigned both = mine.bytes[mine.digits_left / 2];
  return "0123456789abcdef"[mine.digits_left % 2 == 0 ? both & 0xfU : both >> 4U];
}

}  // namespace

void random_hex(std::span<char> to) {
  do {
    std::generate(to.begin(), to.end(), next_digit);
  } while (std::all_of(to.begin(), to.end(), [](char c) { return c == '0'; }) && !to.empty());
}

}  // namespace hangup::http
