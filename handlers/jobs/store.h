// Jobs: work that must survive the request that started it, and can be looked at, stopped and
// fetched afterwards by whoever has its id. Held in memory: a job does not survive the process.
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
// A job's context is without_cancel() of the request's: it has the request's values (its id, its
// trace), and neither its end nor its deadline, but a deadline of its own and whoever stops it. It
// runs on a pool, as requests do, and is reported as they are if it does not stop.
//
// Bounded: so many jobs, those included that have ended and are kept for a while; so many bytes of
// result for one, and for all. A client who has filled this leaves something to the others
// (options::spare_jobs, spare_bytes): whose job it is says http::client_of() of the request's
// context. Ended ones are forgotten by one timer. All functions are thread-safe and none of them
// blocks, but for drain() and the destructor.
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

#include "context/context.h"
#include "handlers/jobs/result.h"
#include "worker/pool.h"

namespace hangup::jobs {

// `canceled`: somebody stopped it, or the server did; a deadline that passed is a failure.
enum class state : std::uint8_t { queued, running, done, failed, canceled };
inline constexpr std::size_t states = 5;
std::string_view name(state s) noexcept;
constexpr bool is_over(state s) noexcept {
  return s != state::queued && s != state::running;
}

// Why a job was not taken.
enum class refusal : std::uint8_t { none, jobs, bytes, share, pool, stopping };
inline constexpr std::size_t refusals = 6;
std::string_view name(refusal r) noexcept;

// Returns empty when it is done; ctx.err() when it stopped because its context has ended; else it
// failed, and `why` says more, in words for whoever fetches it. What it throws is a failure whose
// text stays in the log.
using work = std::function<std::error_code(const context& ctx, result& to, std::string& why)>;

struct task {
  std::string what;  // one line, for the log and for whoever looks
  std::string content_type;
  work run;
};

// A job as it is at a moment.
struct view {
  using time = std::chrono::system_clock::time_point;
  std::uint64_t number = 0;  // 1, 2 ... in the order in which they were accepted
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
  std::string cause{};  // why it failed or was stopped, or is being stopped; else empty
};

struct options {
  std::size_t jobs = 64;
  std::size_t result_bytes = 16U << 20U;  // of one
  std::size_t total_bytes = 128U << 20U;
  // Beyond those, for clients who have less than this.
  std::size_t spare_jobs = 0;
  std::size_t spare_bytes = 0;
  std::chrono::milliseconds deadline{0};  // from its acceptance, waiting included; 0: none
  std::chrono::milliseconds keep{600'000};
  std::chrono::milliseconds late_after{0};  // 0: nothing is reported
  // The lines of the log: the begin and the end of each job, and late stoppers. Must be thread-safe
  // and quick.
  std::function<void(bool wrong, const std::string& line)> say{};
  std::function<void()> lost{};  // called instead, where there is no memory for a line
};

struct stats {
  std::array<std::size_t, states> now{};      // jobs in the store, by state
  std::array<std::uint64_t, states> ended{};  // since the start, by how
  std::array<std::uint64_t, refusals> refused{};
  std::uint64_t expired = 0;
  std::size_t bytes = 0;  // of all results, those included that are just being read
  std::size_t late = 0;   // that go on long after the end of their context
  std::uint64_t late_total = 0;
};

class store {
 public:
  explicit store(options how);
  // Ends what is left with cause `shutdown`, and waits for it. Before the pools.
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  struct begun {
    std::optional<view> job{};  // none: it was refused, and nothing is left of it
    refusal why = refusal::none;
    std::string detail{};                 // in words for the client
    std::chrono::seconds retry_after{1};  // when there may be room
  };
  // The job has begun, or waits for a worker, when this returns.
  begun start(const context& request, pool& on, task what);

  std::optional<view> find(std::string_view id) const;
  // So many of those that are older than the one with this number. Others wait for its lock for as
  // long as it takes to copy them: ask for few at a time.
  static constexpr std::uint64_t newest = UINT64_MAX;
  std::vector<view> newest_first(std::size_t limit, std::uint64_t older_than = newest) const;
  // Null unless it is done. Holds the bytes, also when the job is forgotten meanwhile.
  std::shared_ptr<const result> result_of(std::string_view id) const;

  struct ended {
    view job;       // as it is now
    bool was_over;  // it had ended already: it has been forgotten, and its bytes are free
  };
  // Stops it, with cause `caller` and this text: a job that waits is over at once, one that runs
  // when its work has stopped, and the call does not wait for that. The second call changes nothing
  // while it stops, and forgets it afterwards. None: there is no such job.
  std::optional<ended> end(std::string_view id, const std::string& text);

  // From now on jobs are refused: the server stops.
  void refuse_more() noexcept;
  // The same, and ends those that are there, with cause `shutdown`. Does not wait.
  void end_all() noexcept;
  // Refuses more, lets those that are there finish until `ctx` ends, then ends them. Empty when
  // none is left; errc::timed_out after `stop_patience` if one does not stop: then its work is
  // still there, and nothing of what it uses can be destroyed.
  std::error_code drain(const context& ctx, std::chrono::milliseconds stop_patience);
  // How many wait or run.
  std::size_t active() const;

  stats now() const;

 private:
  class entry;
  class shelf;  // all of them, and what they need when they end: see store.cpp

  const std::unique_ptr<shelf> shelf_;
};

}  // namespace hangup::jobs
