// Whether a task that moves data lets the other tasks of its thread have their turn.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <system_error>

#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"

namespace hangup::test {

// How much a task moves between two turns of another task of its thread.
class between_turns {
 public:
  static constexpr std::size_t allowed = 512 * 1024;  // bytes

  // Runs `work` next to a task that is always ready.
  task<std::error_code> run(const context& ctx,
                            std::function<task<std::error_code>(const context&)> work) {
    bool over = false;
    const auto both = [&](awaited_task_group& tasks) {
      tasks.go([&](const context& c) -> task<std::error_code> {
        const auto ec = co_await work(c);
        over = true;
        co_return ec;
      });
      tasks.go([&](const context& c) -> task<> {
        while (!over) {
          now_ = 0;
          static_cast<void>(co_await yield(c));
        }
      });
    };
    const auto ec = co_await with_task_group(ctx, both);
    co_return ec;
  }
  void moved(std::size_t amount) noexcept {
    now_ += amount;
    most_ = std::max(most_.load(), now_);
  }
  std::size_t most() const noexcept { return most_; }

 private:
  std::size_t now_ = 0;
  std::atomic<std::size_t> most_{0};
};

}  // namespace hangup::test
