// The simulated database: a query that takes its time, to hang up on.
#pragma once

#include "http/route.h"

namespace hangup::handlers {

// GET ?rows=N&row_ms=M[&stream=0]: N rows, each after M milliseconds, as NDJSON while they come, or
// with stream=0 as one JSON document at the end. Stops inside a row's wait the moment the context
// ends.
http::handler sim_query();

}  // namespace hangup::handlers
