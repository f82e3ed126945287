#include "server/upstream_metrics.h"

namespace hangup::server {

std::vector<prometheus::MetricFamily> upstream_metrics::Collect() const {
  std::vector<prometheus::MetricFamily> all(2);
  auto& total = all[0];
  total.name = "hangup_upstream_calls_total";
  total.help = "Calls to other servers that have ended, by how.";
  total.type = prometheus::MetricType::Counter;
  auto& in_flight = all[1];
  in_flight.name = "hangup_upstream_calls_in_flight";
  in_flight.help = "Calls to other servers, from before the connection to the end of the answer.";
  in_flight.type = prometheus::MetricType::Gauge;
  for (const auto& [name, upstream] : of_->upstreams) {
    for (int i = 0; i < handlers::upstream_ends; ++i) {
      const auto end = static_cast<handlers::upstream_end>(i);
      auto& m = total.metric.emplace_back();
      m.label = {{"upstream", name}, {"end", std::string(handlers::name(end))}};
      m.counter.value = static_cast<double>(upstream->count(end));
    }
    auto& m = in_flight.metric.emplace_back();
    m.label = {{"upstream", name}};
    m.gauge.value = static_cast<double>(upstream->in_flight());
  }
  return all;
}

}  // namespace hangup::server
