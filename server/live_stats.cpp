#include "server/live_stats.h"

#include "hangup/version.h"
#include "server/metric_family.h"

namespace hangup::server {

using ordered = nlohmann::ordered_json;

ordered live_hello(const config& c, const std::vector<const pool*>& pools) {
  auto all = ordered::array();
  for (const auto* p : pools) {
    all.push_back({{"name", p->name()}, {"workers", p->workers()}, {"queue", p->queue()}});
  }
  return {{"version", HANGUP_VERSION},
          {"late_after_ms", c.http.late_after.count()},
          {"pools", std::move(all)}};
}

ordered live_stats(const config& c, const metrics::summary& counts,
                   const std::vector<const pool*>& pools,
                   const std::vector<const query::named_database*>& databases) {
  ordered ends;
  for (std::size_t e = 0; e < counts.ends.size(); ++e) {
    ends[std::string(name(static_cast<http::request_end>(e)))] = counts.ends[e];
  }
  auto of_pools = ordered::array();
  for (const auto* p : pools) {
    const auto now = p->now();
    of_pools.push_back({{"name", p->name()},
                        {"busy", now.running},
                        {"workers", p->workers()},
                        {"queued", now.queued},
                        {"queue", p->queue()}});
  }
  auto of_databases = ordered::array();
  for (const auto* d : databases) {
    const auto now = d->engine().now();
    of_databases.push_back({{"name", d->name()},
                            {"kind", d->kind()},
                            {"in_use", now.in_use},
                            {"max", c.databases.at(d->name()).connections}});
  }
  return {{"ends", std::move(ends)},
          {"worker_seconds_for_nobody", seconds(counts.wasted_ns)},
          {"worker_seconds_saved", seconds(counts.saved_ns)},
          {"worker_seconds_saved_at_most", seconds(counts.saved_at_most_ns)},
          {"late", counts.late},
          {"pools", std::move(of_pools)},
          {"databases", std::move(of_databases)}};
}

}  // namespace hangup::server
