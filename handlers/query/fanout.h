// Several queries for one request. They run at the same time, their rows are sent in the order of
// the parts, and the first one that fails ends the others.
//
//   query::fanout parts({.report = "revenue_by_country"}, databases);
//   server.handle(
//       {.method = "GET", .path = "/fanout", .on_loop = &tasks, .answer = parts.handler()});
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/query/fair_semaphore.h"
#include "handlers/query/named_database.h"
#include "hangup/http/route.h"

namespace hangup::query {

class merged_parts;

// How a part ended. Each part of an accepted request is counted once.
enum class part_end : std::uint8_t {
  completed,       // all rows of its query have been received
  failed,          // its own query failed
  sibling_failed,  // stopped or never begun, because another part of its request failed
  stopped,         // stopped or never begun, because the request's context ended or its client left
};
inline constexpr std::size_t part_ends = 4;
std::string_view name(part_end e) noexcept;

using log_line = std::function<void(const std::string& line)>;

struct fanout_options {
  std::string report{};        // for requests that do not name one
  unsigned max_parts = 32;     // in one request
  unsigned parts_at_once = 6;  // parts of all requests that query their databases at the same time
  unsigned spare_parts = 0;    // additional ones, for clients that have none running
  std::chrono::milliseconds wait{2000};  // how long a request waits until its first part can begin
  log_line say{};                        // logs why a database could not be reached. Thread-safe
};

// Thread-safe.
class fanout {
 public:
  // The sources must outlive this object.
  fanout(fanout_options how, std::vector<named_database*> over);

  // GET ?parts=N[&database=NAME][&report=NAME][&fail=PART&after_ms=N]&...
  //
  // Runs the report N times (default: 4), on the named database, or in turn on all databases that
  // have the report. The parts are numbered from 0. All other parameters are passed to the report,
  // the same for each part. If the report has parameters named `part` and `parts`, they are set to
  // the number of the part and to N, so that each part can compute its share. `fail` makes that
  // part fail after this time, without asking a database.
  //
  // The answer is NDJSON or CSV, as in routes.h: all rows of part 0, then those of part 1, and so
  // on, with the number of the part as first column, "part". CSV has one line of names; a part
  // whose columns differ from those of part 0 fails.
  //
  // The head of the answer is sent when all parts have begun, that is, when each engine has its
  // first row or knows that there is none. It is sent earlier if a part has more rows than are kept
  // in memory. If a part fails before that, the answer is a 502 that names the part. Three failures
  // have the status that the database alone would give: 503 if it is busy or unreachable, 400 for a
  // wrong argument; a part that cannot be started gives a 503. If a part fails later, the
  // body is cut off, in NDJSON with the last line described in rows_out.h. In both cases the other
  // parts end with cause_kind::sibling_failed, their engines stop, and the answer is given when all
  // have stopped. Other errors: 400 for a parameter, 404 for a database or report, 503 if no part
  // could begin within options::wait.
  //
  // For a part that is not being sent yet, up to three pieces of 16 KiB are kept (or one row, if it
  // is larger); then its query waits. One limit on the number of running parts applies to all
  // requests together, because connections and cores are shared by all requests. Parts begin in
  // their order. If this limit does not exceed the number of connections of a database, no part
  // ever waits for a connection held by a part that waits for it. If it does, such a wait lasts for
  // the database's own limit, and the part then fails as busy.
  //
  // The handler is a task, and so are its parts. The queries of an engine that only waits
  // (database::as_tasks()) hold no thread. Others run in a pool of this object, which has as many
  // workers as parts may run at the same time.
  //
  // The handler must not outlive this object.
  http::handler handler();

  std::size_t running() const { return permits_.taken(); }  // parts that query their databases now
  // Requests that got a 503 because none of their parts could begin.
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
  std::uint64_t ended(part_end e) const noexcept {
    return ended_[static_cast<std::size_t>(e)].load(std::memory_order_relaxed);
  }

 private:
  class counted {
   public:
    counted(fanout& of, const merged_parts& parts) noexcept : of_(of), parts_(parts) {}
    ~counted();
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;

   private:
    fanout& of_;
    const merged_parts& parts_;
  };
  task<> answer(const context& ctx, const http::request& req, http::reply& res);

  const fanout_options how_;
  const std::vector<named_database*> over_;
  fair_semaphore permits_;
  pool blocking_;
  std::atomic<std::uint64_t> refused_{0};
  std::array<std::atomic<std::uint64_t>, part_ends> ended_{};
};

}  // namespace hangup::query
