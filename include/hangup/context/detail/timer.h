// The timer service: one thread and one heap for the whole process. Contexts with a deadline, and
// everything else that has to happen later, are timers in it.
//
// Thread-safe. arm() and disarm_timer() are O(log n) under one lock. The thread is woken only when
// a new timer becomes the earliest. It is started by the first timer that is armed. A timer is not
// lost when there is no memory for the heap to grow: it is then kept in a list next to the heap.
#pragma once

#include <chrono>
#include <cstddef>
#include <system_error>

#pragma GCC visibility push(default)

namespace hangup::tree {

class timer {
 public:
  timer() = default;
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  // Called on the timer thread with the service's lock held: returns false if the timer must not
  // expire because its owner is being destroyed.
  virtual bool acquire() noexcept { return true; }
  // Called on the timer thread, without a lock, once per arm(). Must be short.
  virtual void expire() noexcept = 0;

  // Arms the timer; if it is already armed, changes its time.
  void arm(std::chrono::steady_clock::time_point due) noexcept;
  // Disarms the timer. It may still be expiring when this returns.
  void disarm_timer() noexcept;
  // As above, and waits until it is not expiring. On the timer thread itself it does not wait.
  void disarm_and_wait() noexcept;

 protected:
  ~timer() = default;

 private:
  friend class timer_service;
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  static constexpr std::size_t aside = nowhere - 1;
  std::size_t slot_ = nowhere;
  std::chrono::steady_clock::time_point due_{};
  timer* beside_ = nullptr;  // the next timer in the list next to the heap
};

// Starts the thread now, so that deadlines do not depend on whether a thread can be started later.
// Returns why it cannot be started, if so; the first timer that is armed then tries again. The
// second call does nothing.
std::error_code start_timers() noexcept;

// The number of armed timers: for tests that look for leaks.
std::size_t armed_timers() noexcept;

}  // namespace hangup::tree

#pragma GCC visibility pop
