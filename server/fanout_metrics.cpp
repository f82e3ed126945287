#include "server/fanout_metrics.h"

namespace hangup::server {

std::vector<prometheus::MetricFamily> fanout_metrics::Collect() const {
  std::vector<prometheus::MetricFamily> all(3);
  auto& total = all[0];
  total.name = "hangup_fanout_parts_total";
  total.help = "Parts of requests to /fanout that have ended, by how.";
  total.type = prometheus::MetricType::Counter;
  for (std::size_t i = 0; i < query::part_ends; ++i) {
    const auto end = static_cast<query::part_end>(i);
    auto& m = total.metric.emplace_back();
    m.label = {{"end", std::string(query::name(end))}};
    m.counter.value = static_cast<double>(of_.ended(end));
  }
  auto& running = all[1];
  running.name = "hangup_fanout_parts_running";
  running.help = "Parts that ask their databases now.";
  running.type = prometheus::MetricType::Gauge;
  running.metric.emplace_back().gauge.value = static_cast<double>(of_.running());
  auto& rejected = all[2];
  rejected.name = "hangup_fanout_rejected_total";
  rejected.help = "Requests to /fanout refused because as many parts ran as may.";
  rejected.type = prometheus::MetricType::Counter;
  rejected.metric.emplace_back().counter.value = static_cast<double>(of_.refused());
  return all;
}

}  // namespace hangup::server
