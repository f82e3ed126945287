// The clock of everything that happens to a connection, and the only addition to it that cannot
// overflow.
#pragma once

#include <chrono>

#include "context/context.h"

namespace hangup::http {

using clock = std::chrono::steady_clock;

// `patience` after `start`, of any clock that counts nanoseconds; its latest time, which is never,
// if it cannot count as far. So the largest duration is no time-out at all.
template <class Point>
Point later(Point start, std::chrono::milliseconds patience) noexcept {
  const auto by = saturated(patience);
  return by < Point::max() - start ? start + by : Point::max();
}

}  // namespace hangup::http
