// The HTTP routes of jobs.
//
//   202 with Location: /jobs/{id}   the answer to a request that starts one: see accept()
//   GET    /jobs                    the jobs, newest first
//   GET    /jobs/{id}               one job: its state and times, size of its result, why it ended
//   GET    /jobs/{id}/result        its result, once it is done; with wait=1 it waits for that
//   DELETE /jobs/{id}               stops it; if it has ended, removes it
//
// No other permission is checked than the id. It cannot be guessed, and whoever has it may stop the
// job. The list shows all ids, so it is a page for operators, like /requests.
#pragma once

#include "handlers/jobs/store.h"
#include "hangup/http/route.h"
#include "hangup/http/server.h"
#include "hangup/worker/loop.h"

namespace hangup::jobs {

// Starts a job for this request and answers the request: 202 with Location and the job as JSON, or
// 503 with Retry-After if the job was refused.
void accept(const context& ctx, http::reply& res, store& to, pool& on, new_job what);

// How results are sent: as fast as the client reads, by tasks of this loop.
struct sending {
  loop& on;
  std::size_t max_in_flight = 0;          // 0: any number
  std::chrono::milliseconds deadline{0};  // 0: none
  std::optional<http::half_close> on_half_close{};
};
// And the list: on this pool.
struct listing {
  pool& on;
  std::chrono::milliseconds deadline{0};  // 0: none
};

// Adds the routes above. The result gives 409 with Retry-After while its job is waiting or running
// (unless the request waits for it), 410 if the job has failed or was stopped, and 404 once it has
// been removed. The store must outlive the server.
void add_routes(http::server& to, store& of, sending results, listing pages);

}  // namespace hangup::jobs
