// The simulated database: a query that takes as long as the client asks for, to try hang-ups with.
#pragma once

#include "hangup/http/route.h"

namespace hangup::handlers {

// GET ?rows=N&row_ms=M[&stream=0]: N rows, each after M milliseconds. They are streamed as NDJSON,
// or with stream=0 sent as one JSON document at the end. Stops as soon as the context ends, also
// while it waits for a row.
http::handler sim_query();

// The same as a task: it holds no thread while it waits for a row, or for its client to read.
http::handler sim_query_task();

}  // namespace hangup::handlers
