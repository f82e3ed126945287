// What the tests of channels and of select share.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "hangup/context/channel.h"
#include "tests/unit/context/support.h"

namespace hangup::test {

// A channel that tells how many wait for it, so that a test can wait for the waiter.
template <class T>
struct watched : channel<T> {
  using channel<T>::channel;
  std::size_t senders() const { return this->waiting(channels::way::in); }
  std::size_t receivers() const { return this->waiting(channels::way::out); }
};

// A value that does something when it is moved into the channel, or out of it: under its lock.
struct loaded {
  enum when { going_in = 1, coming_out = 2, going_in_by_send = 2 };  // send() moves it once more

  loaded() = default;
  explicit loaded(int v) : value(v) {}
  loaded(int v, when w, std::function<void()> f) : value(v), moves_left(w), on_move(std::move(f)) {}
  // NOLINTNEXTLINE(performance-noexcept-move-constructor): what it does may throw
  loaded(loaded&& other) : value(other.value), moves_left(other.moves_left - 1) {
    on_move = std::exchange(other.on_move, nullptr);
    if (moves_left == 0 && on_move) {
      on_move();
    }
  }
  loaded& operator=(loaded&& other) noexcept {
    value = other.value;
    return *this;
  }

  int value = 0;
  int moves_left = 0;
  std::function<void()> on_move;
};

// A value whose moves fail on demand.
struct fragile {
  static inline std::atomic<int> constructions_to_fail{0};
  static inline std::atomic<int> assignments_to_fail{0};
  static inline std::atomic<int> alive{0};

  explicit fragile(int v) : value(v) { ++alive; }
  // NOLINTBEGIN(performance-noexcept-move-constructor)
  fragile(fragile&& other) : value(other.value) {
    fail(constructions_to_fail);
    ++alive;
  }
  fragile& operator=(fragile&& other) {
    fail(assignments_to_fail);
    value = other.value;
    return *this;
  }
  ~fragile() { --alive; }
  // NOLINTEND(performance-noexcept-move-constructor)

  int value;

 private:
  static void fail(std::atomic<int>& left) {
    if (left > 0) {
      --left;
      throw std::runtime_error("fragile");
    }
  }
};

// Runs it on a thread of its own, which the result joins. So that a test fails, and does not hang,
// when that thread waits for ever, an at_exit declared after the result frees it.
template <class F>
auto aside(F f) {
  return std::async(std::launch::async, std::move(f));
}
template <class Result>
bool over(const std::future<Result>& what) {
  return what.wait_for(patience) == std::future_status::ready;
}

class at_exit {
 public:
  explicit at_exit(std::function<void()> f) : f_(std::move(f)) {}
  at_exit(const at_exit&) = delete;
  at_exit& operator=(const at_exit&) = delete;
  ~at_exit() { f_(); }

 private:
  const std::function<void()> f_;
};

}  // namespace hangup::test
