// The clock of everything that happens to a connection, and the only addition to it that cannot
// overflow.
#pragma once

#include <chrono>

#include "context/context.h"

namespace hangup::http {

using clock = std::chrono::steady_clock;

// `patience` after `start`; clock::time_point::max(), which is never, if the clock cannot count as
// far. So the largest duration is no time-out at all.
inline clock::time_point later(clock::time_point start,
                               std::chrono::milliseconds patience) noexcept {
  const auto by = saturated(patience);
  return by < clock::time_point::max() - start ? start + by : clock::time_point::max();
}

}  // namespace hangup::http
