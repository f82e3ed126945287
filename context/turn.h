// How much a task does before the other tasks of its thread have their turn. A task that moves data
// does not wait while its peer is always ready: it counts what it moves, and yields.
//
//   turn_.moved(n);
//   if (turn_.is_over()) {
//     co_await yield(ctx);
//   }
#pragma once

#include <algorithm>
#include <cstddef>

#pragma GCC visibility push(default)

namespace hangup::tree {

class turn {
 public:
  // To copy so many takes a fraction of a millisecond. To yield costs as much as to copy a few KiB.
  static constexpr std::size_t most_bytes = 256 * 1024;

  void moved(std::size_t bytes) noexcept { left_ -= std::min(bytes, left_); }
  std::size_t left() const noexcept { return left_; }
  // Whether the task is to yield now. If so, the next turn begins with this call.
  [[nodiscard]] bool is_over() noexcept {
    if (left_ > 0) {
      return false;
    }
    left_ = most_bytes;
    return true;
  }

 private:
  std::size_t left_ = most_bytes;
};

}  // namespace hangup::tree

#pragma GCC visibility pop
