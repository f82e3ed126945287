// The interface between the routes and the database engines (SQLite, PostgreSQL). To add an engine,
// derive another class from `database`.
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
// There are two steps so that a query that cannot begin is answered with an error status. Every
// call here returns when the context ends, and makes the engine stop. When a call has returned
// ctx.err(), the engine has stopped. The exception is an engine that has to be asked to stop over a
// network: there another thread makes sure that it has stopped before the connection is used again
// (see the engine).
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

#include "handlers/histogram.h"
#include "handlers/query/report.h"
#include "hangup/context/context.h"
#include "hangup/context/task.h"

namespace hangup::query {

// Errors of queries. An error of the context (hangup::errc) takes precedence: a query that was
// stopped has not failed.
enum class errc {
  unreachable = 1,  // no connection can be made, or it was lost: no server, no file   (HTTP: 503)
  busy,             // no connection, lock, memory or disk space was free: try again   (503)
  failed,           // the engine refused or aborted the query                         (500)
  bad_argument,     // the engine cannot use the value of an argument                  (400)
  timed_out,        // the query took longer than the engine itself allows             (504)
  too_large,        // the engine has a row that is too large to be read                (500)
};

const std::error_category& query_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), query_category()};
}

// The status of an answer to a query with this error; 500 for an error that is not listed above.
// Not for errors of the context.
int http_status(std::error_code ec) noexcept;

// One value of a row: NULL, a number or text. Text may be invalid UTF-8; the code that writes it
// must replace such bytes. The view is valid until the sink returns.
using field = std::variant<std::monostate, std::int64_t, double, std::string_view>;

// Receives the rows, on the thread of the query. If it returns an error, the query ends and rows()
// returns that error.
class row_sink {
 public:
  // Called once, before the first row, also if there are no rows.
  virtual std::error_code columns(const context& ctx, std::span<const std::string> names) = 0;
  // Called with as many fields as there are columns. It may wait for a slow client; the query then
  // waits too (back-pressure).
  virtual std::error_code row(const context& ctx, std::span<const field> fields) = 0;
  // Called while there is no row: rows that have been collected for `gather_time` should be sent.
  // An engine that computes calls it now and then (the sink then checks the clock, if it has
  // collected anything). An engine that waits calls it when nothing has arrived for that time, and
  // then waits without a limit.
  virtual std::error_code idle(const context& ctx) = 0;

  // For a sink that gets the rows of a task, where the functions above must not wait: whether
  // flush() is to be awaited before the next row.
  virtual bool is_full() const noexcept { return false; }
  // Waits until there is room for more, without a thread. An error ends the query.
  virtual task<std::error_code> flush(const context&) { co_return std::error_code(); }

  static constexpr std::chrono::milliseconds gather_time{5};

 protected:
  ~row_sink() = default;
};

// A query that has begun and holds a connection. For one thread at a time.
class running {
 public:
  running() = default;
  running(const running&) = delete;
  running& operator=(const running&) = delete;
  // Stops the query if it is still going on, as when the context ends, and gives the connection
  // back. Does not throw.
  virtual ~running() = default;

  // Passes all rows to the sink. To be called once. Returns an empty error after the last row;
  // otherwise ctx.err(), the sink's error, or a query::errc. For the latter `why` has the engine's
  // reason, as one line for the log made by one_line(); for_clients() returns what a client may see
  // of it.
  virtual std::error_code rows(const context& ctx, row_sink& to, std::string& why) = 0;
};

// The same as `running`, for a task.
class waiting_query {
 public:
  waiting_query() = default;
  waiting_query(const waiting_query&) = delete;
  waiting_query& operator=(const waiting_query&) = delete;
  virtual ~waiting_query() = default;
  virtual task<std::error_code> rows(const context& ctx, row_sink& to, std::string& why) = 0;
};

// The queries of an engine that only waits for it, as tasks. They do the same as those of
// `database`, and hold no thread.
class waiting_database {
 public:
  virtual task<std::error_code> start(const context& ctx, const report& what, const arguments& with,
                                      std::unique_ptr<waiting_query>& begun, std::string& why) = 0;
  virtual task<std::error_code> reach(const context& ctx, std::string& why) = 0;

 protected:
  ~waiting_database() = default;
};

// The time from the end of a query's context until the engine was known to be idle.
inline constexpr std::array<double, 12> idle_bounds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5};
using idle_times = handlers::histogram<idle_bounds>;

struct database_stats {
  std::size_t connections = 0;  // open now
  std::size_t in_use = 0;       // of these, used by a query
  std::size_t waiting = 0;      // queries that are waiting for a connection
  std::uint64_t kept = 0;  // since the start: connections that could be used for the next query
  // Since the start: connections closed instead, after a query was stopped.
  std::uint64_t dropped = 0;
  std::uint64_t cancels = 0;  // requests to cancel that were sent to the engine
  idle_times idle{};          // of queries that were stopped
};

// Thread-safe.
class database {
 public:
  database() = default;
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  virtual ~database() = default;  // no query may be running

  // Takes a connection and begins the query. Returns when the engine has its first row, knows that
  // there is none, or reports an error: ctx.err(), or a query::errc with `why` as above. An error
  // that occurs after the first row is returned by rows(). The report must outlive the query; the
  // arguments need not.
  virtual std::error_code start(const context& ctx, const report& what, const arguments& with,
                                std::unique_ptr<running>& begun, std::string& why) = 0;

  // Checks whether a query could begin, by asking the engine over an existing or a new connection.
  // Takes until the end of the caller's context at most. Errors as for start().
  virtual std::error_code reachable(const context& ctx, std::string& why) = 0;

  virtual database_stats now() const = 0;

  // Null: its queries compute or block, on the thread of the caller.
  virtual waiting_database* as_tasks() noexcept { return nullptr; }
};

// The part of an error's reason that a client may see. The engine's text is left to the log,
// because it may contain the value of a row or the name of a file or table; clients get the
// SQLSTATE, if `why` ends with one, as in " (42P01)". The reason why a database is unreachable is
// left to the log too, because it names the host and the user. The reason for errc::busy without a
// SQLSTATE is this program's own text, as it is for errc::too_large, and is passed on.
std::string for_clients(std::error_code ec, const std::string& why);
// The error and that reason, as text.
std::string in_words(std::error_code ec, const std::string& why);

// The text of an engine as one line of at most 300 bytes of printable UTF-8.
std::string one_line(std::string_view message);

}  // namespace hangup::query

template <>
struct std::is_error_code_enum<hangup::query::errc> : std::true_type {};
