// PostgreSQL, and servers that speak its protocol.
//
// If the context of a statement ends, the statement is cancelled in the server. That takes a few
// milliseconds, during which the connection is being settled (cancelled_connections.h) and no
// longer to the request. So start() and rows() return at once, and the worker is free before the
// server is idle. http::work_stopped() is called at that moment; database_stats::idle measures the
// time from the end of the context until the server is known to be idle. Until it is settled, the
// connection counts as in use.
//
// A connection that is reused has no state from earlier queries: after each report a DISCARD ALL is
// sent, which the server executes while the rows are on their way. If a connection turns out to
// have died while it was idle, it is replaced, and a report that only reads is sent again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "handlers/query/cancelled_connections.h"
#include "handlers/query/connection_pool.h"
#include "handlers/query/database.h"
#include "handlers/query/postgres_connection.h"
#include "hangup/worker/pool.h"

namespace hangup::query {

class postgres final : public database, private waiting_database {
 public:
  // Connects only when a query needs it, so a server that is not running is not an error here.
  // `tell` is called for each settled connection, on the thread that settles, and must be short.
  // Throws std::system_error if a thread cannot be made.
  explicit postgres(postgres_options how, std::function<void(const settled&)> tell = {});

  // For threads: the tasks below, awaited by the caller's thread. Each call takes two descriptors
  // while it lasts.
  std::error_code start(const context& ctx, const report& what, const arguments& with,
                        std::unique_ptr<running>& begun, std::string& why) override;
  // Returns errc::busy at once if all connections are in use, because the queries that use them
  // already show whether the server is reachable.
  std::error_code reachable(const context& ctx, std::string& why) override;
  database_stats now() const override;
  waiting_database* as_tasks() noexcept override { return this; }

 private:
  class statement;
  class blocking_statement;
  class nowhere;
  task<std::error_code> start(const context& ctx, const report& what, const arguments& with,
                              std::unique_ptr<waiting_query>& begun, std::string& why) override;
  task<std::error_code> reach(const context& ctx, std::string& why) override;
  task<std::error_code> connected(const context& ctx, std::chrono::milliseconds patience,
                                  lease<postgres_connection>& to, std::string& why);
  task<std::error_code> reconnected(const context& ctx, lease<postgres_connection>& to,
                                    std::string& why);
  void told(const settled& s);

  const postgres_options how_;
  const std::function<void(const settled&)> tell_;
  pool large_rows_;  // reads them
  connection_pool<postgres_connection> connections_;
  mutable std::mutex mutex_;
  idle_times idle_;                  // guarded by mutex_
  cancelled_connections cancelled_;  // last: it gives connections back to the pool
};

}  // namespace hangup::query
