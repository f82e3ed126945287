// The one word in which a scope's whole state lives: alive or ended and how, a lock for its lists,
// and who sleeps on it. One word makes `err()` and `done()` the same load, so they cannot disagree,
// and lets a waiter sleep on the very word that the end is written to (futex(2)): nothing has to be
// registered to wait for a context.
//
// Memory order: whoever ends a scope writes its cause first and then publishes the end with
// release; `how_ended()` loads with acquire. So a thread that sees the end sees the cause.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace hangup::tree {

class state_word {
 public:
  enum : std::uint32_t {
    canceled = 1,
    expired = 2,
    ended = canceled | expired,
    settling = 4,  // ended, and its descendants are just being ended
    locked = 8,
    lock_waiters = 16,
    end_waiters = 32,
    settle_waiters = 64,
  };

  // 0 while alive, else `canceled` or `expired`. One load.
  std::uint32_t how_ended() const noexcept { return word_.load(std::memory_order_acquire) & ended; }

  // A short lock for the scope's lists: spins a little, then sleeps. Not recursive.
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

  // With the lock held and alive: publishes the end and releases the lock. Answers whether threads
  // sleep on the end: the caller owes them wake_end_waiters().
  [[nodiscard]] bool end_and_unlock(std::uint32_t how, bool has_descendants) noexcept {
    // The lock is held, so these bits are known: one addition sets the end and clears the lock.
    const auto change = how + (has_descendants ? settling : 0U) - locked;
    const auto before = word_.fetch_add(change, std::memory_order_acq_rel);
    if ((before & lock_waiters) != 0) {
      wake_lock_waiters();
    }
    return (before & end_waiters) != 0;
  }
  void wake_end_waiters() noexcept;
  // Does a thread sleep on the end, or is about to?
  bool awaited() const noexcept {
    return (word_.load(std::memory_order_relaxed) & end_waiters) != 0;
  }

  // The descendants have been ended as well.
  void settle() noexcept;
  void wait_settled() noexcept {
    if ((word_.load(std::memory_order_acquire) & settling) != 0) {
      sleep_until_settled();
    }
  }

  // Sleeps until the end or until `until`. Answers whether it has ended.
  bool wait_end(std::chrono::steady_clock::time_point until) noexcept;

  // For a scope that is born ended and that nobody else knows yet.
  void born_ended(std::uint32_t how) noexcept { word_.store(how, std::memory_order_relaxed); }

 private:
  void lock_contended() noexcept;
  void wake_lock_waiters() noexcept;
  void sleep_until_settled() noexcept;

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace hangup::tree
