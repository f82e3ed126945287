// Builds the program from its configuration: log, pools, databases, jobs, routes, metrics.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "handlers/jobs/store.h"
#include "handlers/query/fanout.h"
#include "handlers/relay/relay.h"
#include "handlers/search/search_root.h"
#include "hangup/http/server.h"
#include "hangup/worker/loop.h"
#include "hangup/worker/pool.h"
#include "http/wire/random_hex.h"
#include "server/access_metrics.h"
#include "server/databases.h"
#include "server/ended_requests.h"
#include "server/event_stream.h"
#include "server/fanout_metrics.h"
#include "server/flags.h"
#include "server/job_metrics.h"
#include "server/live_metrics.h"
#include "server/loop_metrics.h"
#include "server/metrics.h"
#include "server/operators_access.h"
#include "server/peer_metrics.h"
#include "server/peers.h"
#include "server/request_log.h"
#include "server/upstream_metrics.h"

namespace hangup::server {

class program {
 public:
  // When this returns, the program is ready to listen. Databases are opened last, because making a
  // sample takes seconds; it stops with canceled_error when `opening` ends. Throws config_error if
  // something that the configuration names does not exist.
  program(const context& opening, const launch& with);

  // Logs which samples are damaged or empty and what to do about it, as /readyz does. Takes at most
  // a second.
  void say_what_is_damaged(const context& ctx);
  // Called on SIGHUP: reads the certificate again, for new connections, and the token of operators.
  void reload();
  // Lets requests and jobs finish until `patience` ends, then ends both. Results as for
  // http::server::drain().
  std::error_code drain(const context& patience);

  http::server& server() noexcept { return server_; }
  request_log& log() noexcept { return log_; }
  const metrics& counts() const noexcept { return *counts_; }
  // Describes the requests and jobs that have not stopped after a drain.
  std::string unfinished() const;

 private:
  void add_routes();
  task<std::vector<std::string>> missing(const context& ctx);
  void add_damaged_corpus(std::vector<std::string>& to) const;
  pool& job_pool(const std::string& database);
  void add_databases();
  void add_metrics();
  event_stream::options event_options();
  std::vector<const pool*> all_pools() const;
  void say_what_is_kept_out();

  const config& how_;
  // In this order, because later members use earlier ones.
  const search::own_files own_;
  const std::shared_ptr<const search::root> tree_;  // null: there is no search
  const std::shared_ptr<const handlers::relay_options> relays_;
  const databases sources_;
  request_log log_;
  ended_requests ended_;
  std::map<std::string, std::unique_ptr<pool>> pools_;
  std::map<std::string, std::unique_ptr<pool>> job_pools_;  // by database
  pool probes_;  // for probes, which may wait for a database but must not wait behind queries
  pool pages_;   // for operators' pages that may become large
  pool asking_;  // for those that ask other replicas
  loop tasks_;
  query::fanout fanout_;
  jobs::store jobs_;
  const upstream_metrics upstream_counts_;
  const fanout_metrics fanout_counts_;
  const job_metrics job_counts_;
  const loop_metrics task_counts_;
  operators_access access_;
  const access_metrics access_counts_;
  const peers peers_;
  const peer_metrics peer_counts_;
  const std::string instance_ = http::random_hex(8);  // tells this server from the one before it
  event_stream events_;
  const live_metrics live_counts_;
  std::unique_ptr<metrics> counts_;
  http::server server_;
};

}  // namespace hangup::server
