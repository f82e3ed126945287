// What scripts/bench-engines measures: a database engine as the server has it, and the same without
// what this project adds.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "handlers/query/database.h"
#include "server/config.h"

namespace bench {

using json = nlohmann::ordered_json;

struct engine {
  std::string name;
  hangup::server::config::database_t how;
  // Opens it as the server does, with so many connections.
  std::function<std::unique_ptr<hangup::query::database>(std::size_t connections)> open;
  // Runs SQL with one integer as $1, as a program without hangup would: the engine's own blocking
  // calls on a connection that is kept, rows read one at a time. The count of rows.
  std::function<std::size_t(const std::string& sql, std::int64_t argument)> plain;
  // Another process, over a connection: the engine is idle some time after the query has returned,
  // and database_stats::idle tells when.
  bool remote = false;

  const hangup::query::report& report(const std::string& called) const;
};

// The sample of config/server.json, made if it is not there.
engine sqlite_engine();
// The reports of config/postgres.json, on a server that config/postgres.sql has seeded.
engine postgres_engine(const std::string& conninfo);

// A report to hang up on, with its arguments, and whether the client reads rows meanwhile.
struct endless {
  const char* report;
  std::string query;  // "&n=1000000000000"
  bool streams = false;
};

// From the close of a client to the worker free and to the engine idle, `samples` times.
json measure_stop(const engine& e, const endless& what, int samples);

// How many times as long a query takes that could be stopped, and is not; of an engine in this
// process the CPU time, on which a busy machine has the least influence. Both in turn.
json measure_cost(const engine& e, const std::string& report, std::int64_t argument, int rounds);

// `clients` ask for a query of about half a second at once, on two connections; each second client
// leaves after 0.1 to 0.3 s. The engine's seconds for those who have left, and when the last of the
// others had its answer: with cancellation, and with a query and a queue that hear of nothing.
json measure_waste(const engine& e, int clients);

}  // namespace bench
