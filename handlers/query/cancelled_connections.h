// Makes a connection usable again whose statement is no longer needed, without occupying the thread
// of the request:
//
//   cancel, repeated until the statement has ended -> read the rest of its results -> wait until
//   the last cancel request is processed -> DISCARD ALL (after a ROLLBACK if a transaction was
//   open) -> the pool
//
// The order matters because a cancel request that arrives late cancels whatever the same server
// process runs next, which would be a statement of another request. PQcancel() returns when the
// server has closed the cancel connection; a PostgreSQL server on the same system has sent its
// signal by then, and a signal that is pending when the process waits for its next command has no
// effect. If that does not hold (a proxy forwards the cancel request later), the DISCARD ALL is
// what gets cancelled; it is repeated until one succeeds.
//
// A connection that is not settled within the budget is closed. The server then ends the statement
// by client_connection_check_interval or statement_timeout.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "handlers/query/connection_pool.h"
#include "handlers/query/postgres_cancel.h"
#include "handlers/query/postgres_connection.h"
#include "hangup/context/context.h"
#include "http/net/descriptor.h"

namespace hangup::query {

struct settled {
  using time_point = context::clock::time_point;
  time_point stopped;              // when the statement was no longer needed
  std::optional<time_point> idle;  // when the server had ended it; empty: not observed
  time_point over;                 // when the connection was back in the pool or closed
  unsigned cancels = 0;            // the number of cancel requests
  unsigned late_cancels = 0;       // those that cancelled a DISCARD ALL
  bool kept = false;
};

class cancelled_connections {
 public:
  using held = lease<postgres_connection>;

  // Starts two threads. Handles at most `most` connections at a time, each for at most `budget`.
  // `tell` is called on the thread that settles. Throws std::system_error.
  cancelled_connections(std::size_t most, std::chrono::milliseconds budget,
                        std::function<void(const settled&)> tell);
  // Settles the remaining connections, within the budget.
  ~cancelled_connections();
  cancelled_connections(const cancelled_connections&) = delete;
  cancelled_connections& operator=(const cancelled_connections&) = delete;

  // Takes over a connection whose statement is still running. Costs two locks and a wake-up.
  // Thread-safe.
  void settle(held connection, settled::time_point stopped) noexcept;

  std::uint64_t cancels_sent() const noexcept { return sender_.sent(); }

 private:
  enum class step : std::uint8_t { ending, joining, checking };
  struct entry {
    held connection;
    settled record;
    settled::time_point drop_at;
    settled::time_point cancel_at;  // when to cancel again
    std::chrono::milliseconds pause;
    step now = step::ending;
    bool idle = false;     // everything that was sent has completed
    bool hit = false;      // the DISCARD ALL was cancelled
    bool checked = false;  // the DISCARD ALL has succeeded
  };
  enum class outcome : std::uint8_t { waits, kept, dropped };

  void work();
  outcome advance(entry& e, short reported);
  outcome read(entry& e);
  outcome check(entry& e);
  void give_back(entry& e, bool keep);

  const std::chrono::milliseconds budget_;
  const std::function<void(const settled&)> tell_;
  const http::descriptor bell_;  // eventfd: a connection has arrived, or a cancel request was sent
  cancel_sender sender_;
  std::mutex mutex_;
  std::vector<entry> arrived_;  // guarded by mutex_
  bool stop_ = false;           // guarded by mutex_
  std::vector<entry> entries_;  // used by the thread only, like the next
  std::vector<pollfd> fds_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace hangup::query
