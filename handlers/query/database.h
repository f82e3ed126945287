// What the server knows of a database engine: the one interface between the routes and SQLite,
// PostgreSQL or what comes next. Another engine is another class derived from `database`.
//
//   std::unique_ptr<query::running> q;
//   std::string why;
//   if (const auto ec = db.start(ctx, report, arguments, q, why)) {
//     return ec;  // the answer has not begun: it gets the status of the error, http_status(ec)
//   }
//   if (const auto ec = q->rows(ctx, sink, why)) {
//     return ec;  // the answer has begun
//   }
//
// Two steps, so that a query that cannot begin still has its status. Everything here waits, works
// and returns with the context: when it has ended, the engine is made to stop. When the function
// returns ctx.err(), the engine has stopped, or (where it has to be asked over a network) somebody
// else sees to it that it does before the connection is used again: see the engine.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

#include "context/context.h"
#include "handlers/histogram.h"
#include "handlers/query/report.h"

namespace hangup::query {

// Beside the context's own error, which is hangup::errc and comes first: a query that was stopped
// has not failed.
enum class errc {
  unreachable = 1,  // no connection can be made, or it was lost: no server, no file   (HTTP: 503)
  busy,             // no connection, lock, memory or disk was free: try again         (503)
  failed,           // the engine refused the query or broke it off                    (500)
  bad_argument,     // the engine cannot work with the value of an argument            (400)
  timed_out,        // the engine has a limit of its own for the time of a query       (504)
};

const std::error_category& query_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), query_category()};
}

// The status of an answer that ends with this error. 500 for one that is none of the above. Not for
// the context's own.
int http_status(std::error_code ec) noexcept;

// One value of a row: NULL, a number, or text. A text that is not UTF-8 is made so by whoever
// writes it. The view is valid until the sink returns.
using field = std::variant<std::monostate, std::int64_t, double, std::string_view>;

// Where rows go, on the thread of the query. An error ends the query and is what rows() returns.
class row_sink {
 public:
  // Once, before the first row; also if there is none.
  virtual std::error_code columns(const context& ctx, std::span<const std::string> names) = 0;
  // As many fields as there are columns. May wait for a slow client: that is the back-pressure.
  virtual std::error_code row(const context& ctx, std::span<const field> fields) = 0;
  // There is no row at hand: time to send those that have been gathered for `gather_time`. An
  // engine that computes calls it now and then (it looks at the clock, if there is something to
  // send); one that waits calls it when nothing has come for that long, then waits for good.
  virtual std::error_code idle(const context& ctx) = 0;

  static constexpr std::chrono::milliseconds gather_time{5};

 protected:
  ~row_sink() = default;
};

// A query that has begun and holds a connection. To be used by one thread at a time.
class running {
 public:
  running() = default;
  running(const running&) = delete;
  running& operator=(const running&) = delete;
  // Gives the connection back; what of the query still goes on is stopped first, as when the
  // context ends. Does not throw.
  virtual ~running() = default;

  // Hands all rows to the sink. Once. Empty: that was all. ctx.err(); the sink's error; or an errc
  // of this room: then `why` is the engine's reason, one line for the log, made by one_line(); what
  // a client may know of it says for_clients().
  virtual std::error_code rows(const context& ctx, row_sink& to, std::string& why) = 0;
};

// From the end of a query's context to the moment at which the engine was known to be idle.
inline constexpr std::array<double, 12> idle_bounds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5};
using idle_times = handlers::histogram<idle_bounds>;

struct database_stats {
  std::size_t connections = 0;  // open now
  std::size_t in_use = 0;       // of these, by a query
  std::size_t waiting = 0;      // queries that wait for one
  std::uint64_t kept = 0;       // since the start: connections that were fit for the next query ...
  std::uint64_t dropped = 0;    // ... and that were closed instead, after a query that was stopped
  std::uint64_t cancels = 0;    // requests to cancel that were sent to the engine
  idle_times idle{};            // of queries that were stopped
};

// Thread-safe.
class database {
 public:
  database() = default;
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  virtual ~database() = default;  // no query runs any more

  // Takes a connection and begins the query: returns when the engine has its first row, or knows
  // that there is none, or has an error. ctx.err() or an errc of this room with `why` as above; an
  // engine that makes an error after its rows have begun reports it from rows(). The report must
  // outlive the query, the arguments need not.
  virtual std::error_code start(const context& ctx, const report& what, const arguments& with,
                                std::unique_ptr<running>& begun, std::string& why) = 0;

  // Can a query begin? Asks the engine, with a connection of the pool or a new one; the caller's
  // context bounds the time. As start().
  virtual std::error_code reachable(const context& ctx, std::string& why) = 0;

  virtual database_stats now() const = 0;
};

// The reason of an error as a client may know it. What an engine says of a failure is left to the
// log, as it may have the value of a row, a file or the name of a table in it: there is the
// SQLSTATE, if `why` ends with one, as " (42P01)". So is why a database cannot be reached: it says
// where it is, and as whom it is asked. Without a SQLSTATE, why one is busy is in words of ours.
std::string for_clients(std::error_code ec, const std::string& why);
// The error with that reason, in words.
std::string in_words(std::error_code ec, const std::string& why);

// What an engine says, as one line of at most 300 bytes of printable UTF-8.
std::string one_line(std::string_view said);

}  // namespace hangup::query

template <>
struct std::is_error_code_enum<hangup::query::errc> : std::true_type {};
