// Work that only computes: the kind that cannot be woken, only look.
#pragma once

#include "http/route.h"

namespace hangup::handlers {

// GET ?ms=N: burns N milliseconds of its thread's own CPU time (the time others run on the core
// does not count), looking at the context at least every 100 microseconds of it. Answers what it
// used.
http::handler spin();

}  // namespace hangup::handlers
