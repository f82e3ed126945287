// Who waits in a list of waiters: a thread that is parked, or a task that is suspended. Whoever
// ends the wait need not know which. Not for users.
#pragma once

#include <atomic>
#include <cstdint>

#include "hangup/context/detail/executor.h"

#pragma GCC visibility push(default)

namespace hangup::tree {

class sleeper {
 public:
  sleeper() = default;                                          // a thread, which calls park()
  explicit sleeper(suspended& task) noexcept : task_(&task) {}  // a task, which suspends itself
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;

  void wake() noexcept {
    if (task_ != nullptr) {
      task_->wake();
      // Sequentially consistent, because notify_one() then checks whether the thread sleeps.
    } else if (woken_.exchange(1) == 0) {
      woken_.notify_one();
    }
  }

  // What follows sees everything that happened before the wake-up that is consumed here.
  void park() noexcept {
    woken_.wait(0, std::memory_order_relaxed);
    woken_.exchange(0, std::memory_order_acq_rel);
  }

 private:
  suspended* const task_ = nullptr;
  std::atomic<std::uint32_t> woken_{0};
};

}  // namespace hangup::tree

#pragma GCC visibility pop
