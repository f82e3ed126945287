// The pages for probes and for Prometheus.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "hangup/http/server.h"
#include "hangup/worker/loop.h"
#include "server/metrics.h"

namespace hangup::server {

// For pages that may become large: the pool that makes them, and the deadline of one page,
// including the time its reader takes.
struct page_pool {
  pool& on;
  std::chrono::milliseconds deadline;
};

// Adds GET /healthz, without a pool.
void add_liveness_page(http::server& server);

// Adds GET /readyz. It answers 503 while the server drains, or while `missing` returns something
// that the server needs, one line each. `missing` may wait, on this loop, until this deadline.
using missing_things = std::function<task<std::vector<std::string>>(const context& ctx)>;
void add_readiness_page(http::server& server, loop& runs_on, std::chrono::milliseconds deadline,
                        missing_things missing);

// Adds GET /metrics. It is a separate function because the metrics object is made after all routes;
// `find` is called for each request.
void add_metrics_page(http::server& server, std::function<const metrics&()> find, page_pool pages);

}  // namespace hangup::server
