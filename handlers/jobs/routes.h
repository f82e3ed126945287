// Jobs, over HTTP.
//
//   202 with Location: /jobs/{id}   whatever started one: see accept()
//   GET    /jobs                    the jobs, newest first
//   GET    /jobs/{id}               one: its state, since when, how much it has made, why it ended
//   GET    /jobs/{id}/result        what it has made, once it is done
//   DELETE /jobs/{id}               stops it; if it is over, forgets it
//
// The id is all that is asked for: it cannot be guessed, and who has it may stop the job. The list
// shows all of them: it is an operator's page, as /requests is.
#pragma once

#include "handlers/jobs/store.h"
#include "http/route.h"
#include "http/server.h"

namespace hangup::jobs {

// Starts a job of this request, and answers for it: 202 with Location and the job as JSON; 503 with
// Retry-After if it was refused.
void accept(const context& ctx, httplib::Response& res, store& to, pool& on, task what);

// How a result, or the list, is sent: as fast as the client reads, by a worker of this pool.
struct sending {
  pool& on;
  std::chrono::milliseconds deadline{0};  // 0: none
  std::optional<http::half_close> on_half_close{};
};

// Adds the routes above. All are answered on the spot but for the list and the result. That is 409
// with Retry-After while its job waits or runs, 410 if it has failed or was stopped, 404 when it
// has been forgotten. The store must outlive the server.
void add_routes(http::server& to, store& of, sending results, sending pages);

}  // namespace hangup::jobs
