// The clock that is used for everything that happens to a connection. To add a duration to one of
// its times, use later() of include/hangup/context/context.h, which cannot overflow.
#pragma once

#include <chrono>

#include "hangup/context/context.h"

#pragma GCC visibility push(default)

namespace hangup::http {

using clock = std::chrono::steady_clock;

}  // namespace hangup::http

#pragma GCC visibility pop
