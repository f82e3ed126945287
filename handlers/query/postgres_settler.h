// Brings a connection whose statement nobody waits for any more back into the pool, off the thread
// that served the request:
//
//   cancel, again until the statement has ended -> read what is left of it -> wait for the last
//   cancel to be over -> DISCARD ALL there and back (behind a ROLLBACK if it left a transaction
//   open) -> the pool
//
// The trap that this order is for: a cancel that comes late hits whatever the same server process
// runs next, which would be an innocent request. PQcancel() returns when the server has closed its
// connection, and a server on this system has signalled by then; a signal that is pending when the
// process waits for its next command is without effect. Where that is not so (a proxy that forwards
// the cancel in its own time), the DISCARD ALL is what it hits: it is repeated until one comes back
// whole.
//
// A connection that is not settled within the budget is closed. The server then ends the statement
// by client_connection_check_interval or statement_timeout.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "context/context.h"
#include "handlers/query/connection_pool.h"
#include "handlers/query/postgres_cancel.h"
#include "handlers/query/postgres_connection.h"
#include "http/descriptor.h"

namespace hangup::query {

struct settled {
  using time_point = context::clock::time_point;
  time_point stopped;              // when nobody waited for the statement any more
  std::optional<time_point> idle;  // when the server had ended it; none: not seen
  time_point over;                 // when the connection was back in the pool, or closed
  unsigned cancels = 0;            // requests to cancel, from the first to the last
  unsigned late_cancels = 0;       // that hit a DISCARD ALL there and back
  bool kept = false;
};

class settler {
 public:
  using held = lease<postgres_connection>;

  // Starts two threads. At most `most` connections at once; `budget` for each. `tell` is called on
  // the settler's thread. std::system_error.
  settler(std::size_t most, std::chrono::milliseconds budget,
          std::function<void(const settled&)> tell);
  // Settles what it has, within the budget.
  ~settler();
  settler(const settler&) = delete;
  settler& operator=(const settler&) = delete;

  // Takes over a connection with a statement under way. Costs two locks and a wake-up. Thread-safe.
  void settle(held connection, settled::time_point stopped) noexcept;

  std::uint64_t cancels_sent() const noexcept { return sender_.sent(); }

 private:
  enum class step : std::uint8_t { ending, joining, checking };
  struct patient {
    held connection;
    settled record;
    settled::time_point drop_at;
    settled::time_point cancel_at;  // once more
    std::chrono::milliseconds pause;
    step now = step::ending;
    bool idle = false;     // all that was begun is over
    bool hit = false;      // the check was cancelled
    bool checked = false;  // it has come back whole
  };
  enum class outcome : std::uint8_t { waits, kept, dropped };

  void work();
  outcome treat(patient& p, short reported);
  outcome read(patient& p);
  outcome check(patient& p);
  void discharge(patient& p, bool keep);

  const std::chrono::milliseconds budget_;
  const std::function<void(const settled&)> tell_;
  const http::descriptor bell_;  // eventfd: somebody came, or a cancel has been sent
  cancel_sender sender_;
  std::mutex mutex_;
  std::vector<patient> arrived_;   // guarded by mutex_
  bool stop_ = false;              // guarded by mutex_
  std::vector<patient> patients_;  // of the thread, as the next
  std::vector<pollfd> fds_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace hangup::query
