// Waits for what has no event to wait for: gauges, descriptors, answers over HTTP.
#pragma once

#include <chrono>
#include <thread>

#include "tests/support/patience.h"

namespace hangup::test {

// Calls `holds` every `pause` until it returns true. False: it did not within `patience`.
template <class Holds>
bool eventually(const Holds& holds,
                std::chrono::milliseconds pause = std::chrono::milliseconds(1)) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace hangup::test
