// The operator's pages: what the server is doing now, and what it has done.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "http/server.h"
#include "server/ended_requests.h"
#include "server/metrics.h"

namespace hangup::server {

// Where pages are made that grow with what there is, and how long one may take, its reader
// included.
struct making {
  pool& on;
  std::chrono::milliseconds deadline;
};

// GET /healthz, on the spot; /requests and /requests/ended.
void add_pages(http::server& server, const ended_requests& ended, making pages);

// GET /readyz: 503 while the server drains, or while something is missing that it needs, which
// `missing` says in one line each. It may wait, on this pool, within its context and this deadline.
void add_readiness_page(http::server& server, pool* runs_on, std::chrono::milliseconds deadline,
                        std::function<std::vector<std::string>(const context&)> missing);

// GET /metrics. Separately, because metrics are made when all routes are there: `find` is asked for
// each request.
void add_metrics_page(http::server& server, std::function<const metrics&()> find, making pages);

}  // namespace hangup::server
