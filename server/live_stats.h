// What the events hello and stats of /requests/events say of the program.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "handlers/query/named_database.h"
#include "hangup/worker/pool.h"
#include "server/config.h"
#include "server/metrics.h"

namespace hangup::server {

nlohmann::ordered_json live_hello(const config& c, const std::vector<const pool*>& pools);
nlohmann::ordered_json live_stats(const config& c, const metrics::summary& counts,
                                  const std::vector<const pool*>& pools,
                                  const std::vector<const query::named_database*>& databases);

}  // namespace hangup::server
