// What a handler can ask and tell about the request it works for, through the context alone: so it
// works in any function and on any thread that the context is passed to, and without a server (in a
// test) it does nothing.
#pragma once

#include <string>

#include "context/context.h"
#include "http/trace.h"
#include "worker/pool.h"

namespace hangup::http {

// The id of the request, empty outside of one. Valid as long as any handle to the context.
const std::string& request_id(const context& ctx) noexcept;

// The trace that the request belongs to, null outside of one. Valid as the id is.
const trace* trace_of(const context& ctx) noexcept;

// Whose request it is, for what is shared between clients: see http/client_key.h. Nobody's outside
// of one. Also for work that goes on after its request, as long as its context is derived from it.
pool::owner client_of(const context& ctx) noexcept;

// Stamps the moment in which the work saw that its context had ended and stopped: the first call
// counts. A handler that never calls it counts as stopped when it returns. Lock-free.
void work_stopped(const context& ctx) noexcept;

}  // namespace hangup::http
