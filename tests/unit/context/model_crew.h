// Threads that are kept from schedule to schedule: to make them would take longer than what they
// do.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "tests/unit/context/support.h"

namespace hangup::model {

class crew {
 public:
  crew() = default;
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() {
    turn_.store(over);
    turn_.notify_all();
  }

  // Runs f(0) ... f(count - 1), here and on the other threads, from the same moment on.
  void together(unsigned count, std::function<void(unsigned)> f) {
    while (threads_.size() + 1 < count) {
      const auto number = static_cast<unsigned>(threads_.size()) + 1;
      threads_.emplace_back([this, number, seen = turn_.load()] { serve(number, seen); });
    }
    work_ = std::move(f);
    ready_ = 0;
    left_ = count - 1;
    turn_.store((turn_.load() / most + 1) * most + count);
    turn_.notify_all();
    work(0, count);
    for (auto left = left_.load(); left != 0; left = left_.load()) {
      left_.wait(left);
    }
  }

 private:
  static constexpr std::uint64_t over = 0;
  static constexpr std::uint64_t most = 16;  // a turn is its number and, below that, how many work

  void serve(unsigned number, std::uint64_t seen) {
    for (;;) {
      turn_.wait(seen);
      seen = turn_.load();
      if (seen == over) {
        return;
      }
      if (const auto count = static_cast<unsigned>(seen % most); number < count) {
        work(number, count);
        if (left_.fetch_sub(1) == 1) {
          left_.notify_one();
        }
      }
    }
  }

  void work(unsigned number, unsigned count) {
    ready_.fetch_add(1);
    (void)test::spin_until([&] { return ready_.load() == count; });
    work_(number);
  }

  std::atomic<std::uint64_t> turn_{most};
  std::atomic<unsigned> ready_{0};
  std::atomic<unsigned> left_{0};
  std::function<void(unsigned)> work_;
  std::vector<std::jthread> threads_;
};

}  // namespace hangup::model
