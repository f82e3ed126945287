// What a handler can ask and report about its request, with only the context. It works in any
// function and on any thread that the context is passed to. Without a server (in a test) it has no
// effect.
#pragma once

#include <string>

#include "hangup/context/context.h"
#include "hangup/http/trace.h"
#include "hangup/worker/pool.h"

namespace hangup::http {

// The id of the request; empty outside of a request. Valid as long as a handle to the context
// exists.
const std::string& request_id(const context& ctx) noexcept;

// The trace that the request belongs to; null outside of a request. Valid as long as the id.
const trace* trace_of(const context& ctx) noexcept;

// The client of the request, as the owner of what clients share: see http/net/client_key.h. Outside
// of a request: pool::nobody. It is also available to work that goes on after its request, if its
// context is derived from that of the request.
pool::owner client_of(const context& ctx) noexcept;

// Records the time at which the work noticed that its context had ended, and stopped. The first
// call counts. If a handler never calls it, the time at which it returned is used. Lock-free.
void work_stopped(const context& ctx) noexcept;

}  // namespace hangup::http
