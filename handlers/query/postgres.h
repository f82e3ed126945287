// PostgreSQL, and what speaks its protocol.
//
// A statement whose context ends is cancelled in the server. That takes some milliseconds, in which
// the connection is a settler's (postgres_settler.h) and not the request's: start() and rows()
// return at once, so the worker is free before the server is idle. http::work_stopped() is stamped
// at that hand-over; from the end of the context to the server known idle is database_stats::idle.
// The connection counts as in use until it is settled.
//
// A connection that is given on is as new: behind each report goes a DISCARD ALL, which the server
// does while the rows are on their way. A connection that died while it was idle is replaced, and
// its report asked again, if it only reads.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "handlers/query/connection_pool.h"
#include "handlers/query/database.h"
#include "handlers/query/postgres_connection.h"
#include "handlers/query/postgres_settler.h"

namespace hangup::query {

class postgres final : public database {
 public:
  // Connects when there is something to ask: a server that is not there is no error here. `tell` is
  // told of each connection that was settled, on the settler's thread; it must be short.
  // std::system_error if there can be no thread.
  explicit postgres(postgres_options how, std::function<void(const settled&)> tell = {});

  std::error_code start(const context& ctx, const report& what, const arguments& with,
                        std::unique_ptr<running>& begun, std::string& why) override;
  // errc::busy at once when all connections are in use: it is the queries then that ask.
  std::error_code reachable(const context& ctx, std::string& why) override;
  database_stats now() const override;

 private:
  class statement;
  std::error_code connected(const context& ctx, std::chrono::milliseconds patience,
                            lease<postgres_connection>& to, std::string& why);
  std::error_code reconnected(const context& ctx, lease<postgres_connection>& to, std::string& why);
  void told(const settled& s);

  const postgres_options how_;
  const std::function<void(const settled&)> tell_;
  connection_pool<postgres_connection> connections_;
  mutable std::mutex mutex_;
  idle_times idle_;  // guarded by mutex_
  settler settler_;  // last: it gives connections back
};

}  // namespace hangup::query
