#include "server/upstream_metrics.h"

#include <string>

#include "server/metric_family.h"

namespace hangup::server {

std::vector<MetricFamily> upstream_metrics::Collect() const {
  std::vector<MetricFamily> all;
  auto& total =
      family(all, "hangup_upstream_calls_total",
             "Calls to other servers that have ended, by the way they ended.", MetricType::Counter);
  for (const auto& [name, upstream] : of_->upstreams) {
    for (int i = 0; i < handlers::upstream_ends; ++i) {
      const auto end = static_cast<handlers::upstream_end>(i);
      add(total, {{"upstream", name}, {"end", std::string(handlers::name(end))}},
          static_cast<double>(upstream->count(end)));
    }
  }
  auto& in_flight = family(
      all, "hangup_upstream_calls_in_flight",
      "Calls to other servers in flight: from before the connection to the end of the answer.",
      MetricType::Gauge);
  for (const auto& [name, upstream] : of_->upstreams) {
    add(in_flight, {{"upstream", name}}, static_cast<double>(upstream->in_flight()));
  }
  return all;
}

}  // namespace hangup::server
