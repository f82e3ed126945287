// For what has no event to wait for: gauges, descriptors.
#pragma once

#include <chrono>
#include <thread>

namespace hangup {

// True as soon as it holds; false if it does not within a time that nothing which works takes.
template <class Holds>
bool eventually(const Holds& holds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace hangup
