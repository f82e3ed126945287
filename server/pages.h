// The operator's pages: what the server is doing now, and what it has done.
#pragma once

#include "http/server.h"
#include "server/ended_requests.h"
#include "server/metrics.h"

namespace hangup::server {

// GET /healthz, /readyz, /requests and /requests/ended, all served on the spot.
void add_pages(http::server& server, const ended_requests& ended);

// GET /metrics. Separately, because metrics are made when all routes are there: `find` is asked for
// each request.
void add_metrics_page(http::server& server, std::function<const metrics&()> find);

}  // namespace hangup::server
