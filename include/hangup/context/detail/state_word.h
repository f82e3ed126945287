// The whole state of a scope in one word: whether and how it has ended, a lock for its lists, and
// whether threads sleep on it. Because it is one word, `err()` and `done()` are the same load and
// cannot contradict each other. A waiter sleeps on the same word that the end is written to
// (futex(2)), so it does not have to register anywhere.
//
// Memory order: the thread that ends a scope writes the cause first and then publishes the end with
// release; `how_ended()` loads with acquire. So a thread that sees the end also sees the cause.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#pragma GCC visibility push(default)

namespace hangup::tree {

class state_word {
 public:
  enum : std::uint32_t {
    canceled = 1,
    expired = 2,
    ended = canceled | expired,
    settling = 4,  // ended, but its descendants are still being ended
    locked = 8,
    lock_waiters = 16,
    end_waiters = 32,
    settle_waiters = 64,
  };

  // 0 while alive; afterwards `canceled` or `expired`. One load.
  std::uint32_t how_ended() const noexcept { return word_.load(std::memory_order_acquire) & ended; }

  // A lock for the lists of the scope, to be held briefly. It spins for a short time, then sleeps.
  // Not recursive.
  void lock() noexcept {
    auto seen = word_.load(std::memory_order_relaxed);
    if ((seen & locked) != 0 ||
        !word_.compare_exchange_strong(seen, seen | locked, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
      lock_contended();
    }
  }
  void unlock() noexcept {
    if ((word_.fetch_sub(locked, std::memory_order_release) & lock_waiters) != 0) {
      wake_lock_waiters();
    }
  }

  // Publishes the end and releases the lock; the lock must be held and the scope alive. Returns
  // true if threads sleep on the end: then the caller must call wake_end_waiters().
  [[nodiscard]] bool end_and_unlock(std::uint32_t how, bool has_descendants) noexcept {
    // While the lock is held these bits are known, so one addition sets the end and clears the
    // lock.
    const auto change = how + (has_descendants ? settling : 0U) - locked;
    const auto before = word_.fetch_add(change, std::memory_order_acq_rel);
    if ((before & lock_waiters) != 0) {
      wake_lock_waiters();
    }
    return (before & end_waiters) != 0;
  }
  void wake_end_waiters() noexcept;
  // Whether a thread sleeps on the end or is about to.
  bool awaited() const noexcept {
    return (word_.load(std::memory_order_relaxed) & end_waiters) != 0;
  }

  // Marks that all descendants have ended too.
  void settle() noexcept;
  void wait_settled() noexcept {
    if ((word_.load(std::memory_order_acquire) & settling) != 0) {
      sleep_until_settled();
    }
  }

  // Sleeps until the end or until `until`. Returns whether the scope has ended.
  bool wait_end(std::chrono::steady_clock::time_point until) noexcept;

  // For a scope that has ended from the start and that no other thread knows yet.
  void born_ended(std::uint32_t how) noexcept { word_.store(how, std::memory_order_relaxed); }

 private:
  void lock_contended() noexcept;
  void wake_lock_waiters() noexcept;
  void sleep_until_settled() noexcept;

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace hangup::tree

#pragma GCC visibility pop
