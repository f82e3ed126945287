#include "hangup/context/detail/state_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace hangup::tree {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// Three kinds of sleepers use one word; futex bit sets tell them apart.
enum : std::uint32_t { for_lock = 1, for_end = 2, for_settle = 4 };

using clock = std::chrono::steady_clock;

constexpr int spins_before_sleep = 64;

void sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t seen, std::uint32_t who,
              const timespec* until) noexcept {
  // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, which is steady_clock on Linux.
  // Every return (woken, value changed, signal, time over) leads to another check, so the result is
  // not needed.
  ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, seen, until, nullptr, who);
}

void wake_all(std::atomic<std::uint32_t>& word, std::uint32_t who) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, nullptr, nullptr, who);
}

void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void state_word::lock_contended() noexcept {
  auto seen = word_.load(std::memory_order_relaxed);
  for (int spin = 0; spin < spins_before_sleep; ++spin) {
    if ((seen & locked) == 0 &&
        word_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return;
    }
    relax();
    seen = word_.load(std::memory_order_relaxed);
  }
  for (;;) {
    if ((seen & locked) == 0) {
      if (word_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return;
      }
      continue;
    }
    seen = word_.fetch_or(lock_waiters, std::memory_order_relaxed) | lock_waiters;
    if ((seen & locked) != 0) {
      sleep_on(word_, seen, for_lock, nullptr);
      seen = word_.load(std::memory_order_relaxed);
    }
  }
}

void state_word::wake_lock_waiters() noexcept {
  word_.fetch_and(~std::uint32_t{lock_waiters}, std::memory_order_relaxed);
  wake_all(word_, for_lock);
}

void state_word::wake_end_waiters() noexcept {
  wake_all(word_, for_end);
}

void state_word::settle() noexcept {
  const auto before = word_.fetch_sub(settling, std::memory_order_release);
  if ((before & settle_waiters) != 0) {
    wake_all(word_, for_settle);
  }
}

void state_word::sleep_until_settled() noexcept {
  auto seen = word_.load(std::memory_order_acquire);
  while ((seen & settling) != 0) {
    seen = word_.fetch_or(settle_waiters, std::memory_order_acquire) | settle_waiters;
    if ((seen & settling) != 0) {
      sleep_on(word_, seen, for_settle, nullptr);
      seen = word_.load(std::memory_order_acquire);
    }
  }
}

bool state_word::wait_end(clock::time_point until) noexcept {
  timespec at{};
  const bool for_ever = until == clock::time_point::max();
  if (!for_ever) {
    const auto ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(until.time_since_epoch()).count();
    at.tv_sec = static_cast<std::time_t>(ns / 1'000'000'000);
    at.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  }
  for (;;) {
    const auto seen = word_.fetch_or(end_waiters, std::memory_order_acq_rel) | end_waiters;
    if ((seen & ended) != 0) {
      return true;
    }
    if (!for_ever && clock::now() >= until) {
      return false;
    }
    sleep_on(word_, seen, for_end, for_ever ? nullptr : &at);
  }
}

}  // namespace hangup::tree
