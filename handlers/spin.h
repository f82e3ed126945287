// Work that only computes: the kind that cannot be woken, only look.
#pragma once

#include <chrono>

#include "http/route.h"

namespace hangup::handlers {

// GET ?ms=N: burns N milliseconds of its thread's own CPU time (the time others run on the core
// does not count), looking at the context at least every 100 microseconds of it. Answers what it
// used. With look=0 it never looks: a late stopper, to see how the server tells of one. Nothing can
// stop that, so it is refused (400) unless it is allowed, for so long at most.
struct spin_options {
  bool allow_deaf = false;
  std::chrono::milliseconds max_deaf{0};
};
http::handler spin(spin_options how = {});

}  // namespace hangup::handlers
