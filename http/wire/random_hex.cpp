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

// Takes as many digits as are left, or as many as fit.
std::size_t take(std::span<char> to, store& from) noexcept {
  const auto n = std::min(to.size(), from.digits_left);
  for (auto& digit : to.first(n)) {
    --from.digits_left;
    const unsigned both = from.bytes[from.digits_left / 2];
    digit = "0123456789abcdef"[from.digits_left % 2 == 0 ? both & 0xfU : both >> 4U];
  }
  return n;
}

}  // namespace

void random_hex(std::span<char> to) {
  do {
    for (auto rest = to; !rest.empty();) {
      if (mine.digits_left == 0) {
        refill();
      }
      rest = rest.subspan(take(rest, mine));
    }
  } while (std::all_of(to.begin(), to.end(), [](char c) { return c == '0'; }) && !to.empty());
}

}  // namespace hangup::http
