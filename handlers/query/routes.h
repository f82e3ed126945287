// The databases, over HTTP.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "handlers/jobs/store.h"
#include "handlers/query/source.h"
#include "http/route.h"

namespace hangup::query {

// GET: the databases with their reports and what those take, and the simulated one. The sources
// must outlive the handler, here and below.
http::handler list_databases(const std::vector<const source*>& all);

// GET ?report=NAME&...: runs the report and streams its rows as they come, as NDJSON, or as CSV if
// the client prefers that. Everything that can go wrong before the first row has a status: 400 for
// an argument, also for one that only the engine finds wrong, 404 for a report, 503 for a database
// that is unreachable or busy, 504 for one that ended the query by a limit of its own, 500 for a
// query that failed. After it the body is broken off (see rows_out.h). Failures are told to `say`,
// one line each, but for what an argument has done. Stops the query the moment the context ends.
//
// With `later`, POST with detach=1 makes a job of it, which goes on when the client has left: 202,
// and what jobs/routes.h says. POST is for nothing else, and nothing else starts one (405): a GET
// may be repeated, or asked ahead of time, by whatever is in between, and by any page that a
// browser shows.
struct later {
  jobs::store& jobs;
  pool& on;  // the database's; both must outlive the handler
};
http::handler run_report(source& from, std::function<void(const std::string&)> say,
                         std::optional<later> detached = std::nullopt);

}  // namespace hangup::query
