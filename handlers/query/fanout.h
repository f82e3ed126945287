// Many queries for one request: they run at the same time, their rows come out in the order of the
// parts, and the first that fails ends the others.
//
//   query::fanout parts({.report = "revenue_by_country"}, databases);
//   server.handle(
//       {.method = "GET", .path = "/fanout", .runs_on = &queries, .answer = parts.handler()});
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

#include "handlers/query/places.h"
#include "handlers/query/source.h"
#include "http/route.h"

namespace hangup::query {

// How a part ended. Each part of a request that was let in is counted once.
enum class part_end : std::uint8_t {
  completed,       // its engine has handed over all its rows
  failed,          // on its own account
  sibling_failed,  // stopped, or never begun, as another part of its request had failed
  stopped,  // stopped, or never begun, as the context of the request ended or its client left
};
inline constexpr std::size_t part_ends = 4;
std::string_view name(part_end e) noexcept;

using said = std::function<void(const std::string& line)>;

struct fanout_options {
  std::string report{};                  // of requests that name none
  unsigned max_parts = 32;               // of one request
  unsigned parts_at_once = 6;            // that ask their databases, of all requests together,
  unsigned spare_parts = 0;              // and so many more for clients of whom none runs
  std::chrono::milliseconds wait{2000};  // of a request that has no part running yet for its first
  said say{};  // for the log: why a database could not be reached. Thread-safe
};

// Thread-safe.
class fanout {
 public:
  // The sources must outlive it.
  fanout(fanout_options how, std::vector<source*> over);

  // GET ?parts=N[&database=NAME][&report=NAME][&fail=PART&after_ms=N]&...: asks N times (4 if it is
  // not given) for the report, in turns at all databases that have it, or at the one that is named.
  // The parts are numbered from 0. All other parameters are the report's, the same for each part;
  // but `part` and `parts`, if the report has them, are the part's own number and N: so a report
  // can give each part its share. `fail` lets that part fail after so long, instead of asking.
  //
  // The answer is NDJSON or CSV as in routes.h: all rows of part 0, then those of part 1 ..., each
  // with the number of its part in front, as the column "part". CSV has one line of names; a part
  // whose columns are not those of part 0 has failed.
  //
  // The head goes out when all parts have begun, which is when their engines have a first row, or
  // know that there is none; or earlier, when a part has more rows than are kept, and somebody has
  // to read them. Until then a part that fails is a 502 that names it, or what the database alone
  // would answer (503 if it is busy or unreachable: try again; 400 for an argument), and one for
  // which there is no thread is a 503. After it the body is broken off, as NDJSON with the last
  // line of rows_out.h. Either way the others end with cause_kind::sibling_failed, their engines
  // stop, and the answer is given when all have. 400 for a parameter, 404 for a database or a
  // report, 503 if no part could begin within options::wait.
  //
  // What is kept of a part that is ahead are two pieces and what fills a third, each of 16 KiB, or
  // a row where that is more; then its query waits. The limit of parts at once is one for all
  // requests: what is scarce are the connections of the databases and the cores, and a limit for
  // each request would be multiplied by the number of requests. Parts begin in their order. With no
  // more parts at once than a database has connections none waits for a connection that a part
  // holds which waits for it; with more, such a wait lasts as long as the database's, then the part
  // has failed as busy.
  //
  // It waits for parts, so they do not run in the pool that it runs in, but each on a thread of its
  // own (context/task_group.h): two more at most for a request than there are parts at once.
  //
  // The handler must not outlive this.
  http::handler handler();

  std::size_t running() const { return places_.taken(); }  // parts that ask their databases now
  // Requests that were told 503, as no part of theirs could begin.
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
  std::uint64_t ended(part_end e) const noexcept {
    return ended_[static_cast<std::size_t>(e)].load(std::memory_order_relaxed);
  }

 private:
  void answer(const context& ctx, const httplib::Request& req, httplib::Response& res);

  const fanout_options how_;
  const std::vector<source*> over_;
  places places_;
  std::atomic<std::uint64_t> refused_{0};
  std::array<std::atomic<std::uint64_t>, part_ends> ended_{};
};

}  // namespace hangup::query
