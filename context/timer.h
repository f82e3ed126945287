// One timer service for the whole process: one thread, one heap. A context with a deadline and
// whatever else must happen later is a `timer` in it; nothing here ever has a thread of its own.
//
// Thread-safe. arm() and disarm() are O(log n) under one lock; the thread is woken only when a
// timer becomes the earliest. The thread starts with the first armed timer. No timer is lost for
// lack of memory: one for which the heap has no room stands beside it.
#pragma once

#include <chrono>
#include <cstddef>
#include <system_error>

namespace hangup::tree {

class timer {
 public:
  timer() = default;
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  // Called on the timer thread with the service's lock held: may it expire (is its owner alive)?
  virtual bool acquire() noexcept { return true; }
  // Called on the timer thread with no lock held, once per arm(). Must be short.
  virtual void expire() noexcept = 0;

  // Arms it, or moves it if it is armed.
  void arm(std::chrono::steady_clock::time_point due) noexcept;
  // It will not expire unless it is just expiring.
  void disarm_timer() noexcept;
  // As above, and returns when it is not expiring (at once on the timer thread itself).
  void disarm_and_wait() noexcept;

 protected:
  ~timer() = default;

 private:
  friend class timer_service;
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  static constexpr std::size_t aside = nowhere - 1;
  std::size_t slot_ = nowhere;
  std::chrono::steady_clock::time_point due_{};
  timer* beside_ = nullptr;  // the next of those that stand aside
};

// Starts the thread now: so that no lack of threads can keep deadlines from passing later. Why not,
// if there can be none; the first armed timer then tries again. The second call does nothing.
std::error_code start_timers() noexcept;

// How many timers are armed: for tests that look for leaks.
std::size_t armed_timers() noexcept;

}  // namespace hangup::tree
