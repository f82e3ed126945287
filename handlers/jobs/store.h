// Jobs: work that goes on after the request that started it. A client that has the id of a job can
// look at it, stop it and fetch its result. Jobs are kept in memory and are lost when the process
// ends.
//
//   jobs::store all({.jobs = 64, .result_bytes = 16 << 20, .total_bytes = 128 << 20});
//   const auto begun = all.start(
//       request, queries,
//       {.what = "the report",
//        .content_type = "text/csv",
//        .run = [](const context& ctx, jobs::result& to, std::string& why) {
//          return make_report(ctx, to, why);
//        }});
//
// The context of a job is derived by without_cancel() from that of the request. So it has the
// values of the request (its id, its trace), but neither its end nor its deadline. It has a
// deadline of its own and can be stopped. A job runs on a pool, as requests do, and is reported in
// the same way if it stops late.
//
// The number of jobs is limited, including those that have ended and are kept for some time. So is
// the size of each result, and of all results together. A client that uses all of that leaves a
// reserve for the others (store options spare_jobs, spare_bytes); the client of a job is
// http::client_of() of the request's context. Jobs that have ended are removed by one timer. All
// functions are thread-safe, and none blocks except drain() and the destructor.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "handlers/jobs/result.h"
#include "hangup/context/context.h"
#include "hangup/context/task.h"
#include "hangup/worker/pool.h"

namespace hangup::jobs {

// `canceled`: it was stopped by a client or by the server. A passed deadline counts as `failed`.
enum class state : std::uint8_t { queued, running, done, failed, canceled };
inline constexpr std::size_t states = 5;
std::string_view name(state s) noexcept;
constexpr bool is_over(state s) noexcept {
  return s != state::queued && s != state::running;
}

// Why a job was refused.
enum class refusal : std::uint8_t { none, jobs, bytes, share, pool, stopping };
inline constexpr std::size_t refusals = 6;
std::string_view name(refusal r) noexcept;

// The work of a job. Returns an empty error when it is done, and ctx.err() when it has stopped
// because its context ended. Any other error means that it failed; `why` is then a text for the
// client. If it throws, it has failed too, and the text of the exception is only logged.
using work = std::function<std::error_code(const context& ctx, result& to, std::string& why)>;

struct new_job {
  std::string what;  // one line, for the log and for clients
  std::string content_type;
  work run;
};

// A job as it was at one moment.
struct view {
  using time = std::chrono::system_clock::time_point;
  std::uint64_t number = 0;  // 1, 2 ... in the order of acceptance
  std::string id;
  std::string what;
  std::string request_id;  // of the request that started it
  std::string trace_id;
  std::string content_type;
  jobs::state state{};
  time accepted{};
  std::optional<time> started{};
  std::optional<time> ended{};
  std::optional<time> expires{};  // set once it has ended
  std::uint64_t rows = 0;
  std::size_t bytes = 0;
  std::string cause{};  // why it failed, was stopped or is being stopped; otherwise empty
};

struct options {
  std::size_t jobs = 64;
  std::size_t result_bytes = 16U << 20U;  // of one job
  std::size_t total_bytes = 128U << 20U;
  // Additional amounts, for clients that have less than this.
  std::size_t spare_jobs = 0;
  std::size_t spare_bytes = 0;
  // From its acceptance, including the time in the queue; 0: none.
  std::chrono::milliseconds deadline{0};
  std::chrono::milliseconds keep{600'000};
  std::chrono::milliseconds late_after{0};  // 0: late stoppers are not reported
  // Logs a line: the beginning and end of each job, and late stoppers. Must be thread-safe and
  // quick.
  std::function<void(bool wrong, const std::string& line)> say{};
  std::function<void()> lost{};  // called instead if there is no memory for a line
};

struct stats {
  std::array<std::size_t, states> now{};      // jobs in the store, by state
  std::array<std::uint64_t, states> ended{};  // since the start, by how they ended
  std::array<std::uint64_t, refusals> refused{};
  std::uint64_t expired = 0;
  std::size_t bytes = 0;  // of all results, including removed ones that are still being read
  std::size_t late = 0;   // jobs reported as late stoppers that are still working
  std::uint64_t late_total = 0;
};

class store {
 public:
  explicit store(options how);
  // Ends the remaining jobs with cause `shutdown` and waits for them. The pools must outlive the
  // store.
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  struct begun {
    std::optional<view> job{};  // empty: it was refused, and nothing is kept of it
    refusal why = refusal::none;
    std::string detail{};                 // a text for the client
    std::chrono::seconds retry_after{1};  // when there may be room
  };
  // Starts a job. When this returns, the job has begun or is waiting for a worker.
  begun start(const context& request, pool& on, new_job what);

  std::optional<view> find(std::string_view id) const;
  // Up to `limit` jobs, newest first, of those older than the one with this number. The store's
  // lock is held while they are copied, so ask for few at a time.
  static constexpr std::uint64_t newest = UINT64_MAX;
  std::vector<view> newest_first(std::size_t limit, std::uint64_t older_than = newest) const;
  // Null unless the job is done. Keeps the text alive even if the job is removed meanwhile.
  std::shared_ptr<const result> result_of(std::string_view id) const;

  // Waits, without a thread, until the job is over, or is no longer there. Returns ctx.err() if the
  // context ends first. `id` must exist until then.
  hangup::task<std::error_code> wait_over(const context& ctx, std::string_view id) const;

  struct ended {
    view job;       // as it is after the call
    bool was_over;  // it had already ended, and has now been removed
  };
  // Stops the job, with cause `caller` and this text. A waiting job ends at once; a running one
  // ends when its work has stopped, which this call does not wait for. A second call does nothing
  // while the job is stopping; once it has ended, the call removes it. Returns nullopt if there is
  // no such job.
  std::optional<ended> end(std::string_view id, const std::string& text);

  // Refuses new jobs from now on, because the server is stopping.
  void refuse_more() noexcept;
  // The same, and ends the existing jobs with cause `shutdown`. Does not wait.
  void end_all() noexcept;
  // Refuses new jobs, lets the existing ones finish until `ctx` ends, then ends them. Returns an
  // empty error when none is left. Returns errc::timed_out if one has not stopped `stop_patience`
  // after that: its work is still running, so nothing that it uses may be destroyed.
  std::error_code drain(const context& ctx, std::chrono::milliseconds stop_patience);
  // How many jobs are waiting or running.
  std::size_t active() const;

  stats now() const;

 private:
  class entry;
  class table;  // the implementation: see table.h

  const std::unique_ptr<table> table_;
};

}  // namespace hangup::jobs
