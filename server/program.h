// The program, put together from its configuration: log, pools, databases, jobs, routes, metrics.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "handlers/jobs/store.h"
#include "handlers/query/fanout.h"
#include "handlers/relay.h"
#include "handlers/search_root.h"
#include "http/server.h"
#include "server/databases.h"
#include "server/ended_requests.h"
#include "server/fanout_metrics.h"
#include "server/flags.h"
#include "server/job_metrics.h"
#include "server/metrics.h"
#include "server/request_log.h"
#include "server/upstream_metrics.h"
#include "worker/pool.h"

namespace hangup::server {

class program {
 public:
  // Ready to listen. Opens the databases last: to make a sample takes seconds, and stops with
  // canceled_error when `opening` ends. Throws config_error for what the configuration names and is
  // not there.
  program(const context& opening, const launch& with);

  // On SIGHUP: new connections get the certificate as it is now.
  void reload();
  // Lets requests and jobs finish until `patience` ends, then ends both. As http::server::drain().
  std::error_code drain(const context& patience);

  http::server& server() noexcept { return server_; }
  request_log& log() noexcept { return log_; }
  const metrics& counts() const noexcept { return *counts_; }
  // Of those that a drain has left behind.
  std::string unfinished() const;

 private:
  void add_routes();
  pool& job_pool(const std::string& database);
  void add_databases();
  void add_metrics();
  void say_what_is_kept_out();

  const config& how_;
  // In the order in which one needs the other.
  const search::own_files own_;
  const std::shared_ptr<const search::root> tree_;  // null: nothing is searched
  const std::shared_ptr<const handlers::relay_options> relays_;
  const databases sources_;
  request_log log_;
  ended_requests ended_;
  std::map<std::string, std::unique_ptr<pool>> pools_;
  std::map<std::string, std::unique_ptr<pool>> job_pools_;  // by database
  pool probes_;  // they may wait for a database, and must not wait for queries
  pool pages_;   // those of operators that grow with what there is
  query::fanout fanout_;
  jobs::store jobs_;
  const upstream_metrics upstream_counts_;
  const fanout_metrics fanout_counts_;
  const job_metrics job_counts_;
  std::unique_ptr<metrics> counts_;
  http::server server_;
};

}  // namespace hangup::server
