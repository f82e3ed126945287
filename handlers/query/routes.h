// The HTTP routes of the databases.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "handlers/jobs/store.h"
#include "handlers/query/named_database.h"
#include "hangup/http/route.h"

namespace hangup::query {

// GET: lists the databases, including the simulated one, with their reports and parameters. Here
// and below, the sources must outlive the handler.
http::handler list_databases(const std::vector<const named_database*>& all);

// GET ?report=NAME&...: runs the report and streams its rows as they arrive, as NDJSON, or as CSV
// if the client prefers that. Stops the query as soon as the context ends.
//
// An error before the first row has a status: 400 for an argument, also if only the engine finds it
// wrong; 404 for an unknown report; 503 for a database that is unreachable or busy; 504 for one
// that ended the query because of a limit of its own; 500 for a query that failed. An error after
// that cuts the body off (see rows_out.h). Failures are passed to `say`, one line each, except
// those caused by an argument.
//
// The handler is a task if the engine only waits (database::as_tasks()), and needs a pool
// otherwise.
//
// With `later`, POST with detach=1 runs the report as a job, which goes on when the client leaves:
// 202, as in jobs/routes.h. POST has no other use, and only POST starts jobs (otherwise 405),
// because a GET may be repeated or prefetched by proxies and triggered by any web page.
struct later {
  jobs::store& jobs;
  pool& on;  // the pool of the database; both must outlive the handler
};
http::handler run_report(named_database& from, std::function<void(const std::string&)> say,
                         std::optional<later> detached = std::nullopt);

}  // namespace hangup::query
