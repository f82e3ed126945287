// Work that only computes. Such work cannot be woken; it has to check its context.
#pragma once

#include <chrono>

#include "hangup/http/route.h"

namespace hangup::handlers {

// GET ?ms=N: uses N milliseconds of CPU time of its thread (time that other threads use the core
// does not count), and checks the context at least every 100 microseconds of it. The answer is the
// time it used. With look=0 it never checks, and so becomes a late stopper, to show how the server
// reports one. Nothing can stop that, so look=0 is refused (400) unless it is allowed, and limited
// to the time that is allowed.
struct spin_options {
  bool allow_deaf = false;
  std::chrono::milliseconds max_deaf{0};
};
http::handler spin(spin_options how = {});

}  // namespace hangup::handlers
