#include "server/fanout_metrics.h"

#include <string>

#include "server/metric_family.h"

namespace hangup::server {

std::vector<MetricFamily> fanout_metrics::Collect() const {
  std::vector<MetricFamily> all;
  auto& total =
      family(all, "hangup_fanout_parts_total",
             "Parts of requests to /fanout that have ended, by how.", MetricType::Counter);
  for (std::size_t i = 0; i < query::part_ends; ++i) {
    const auto end = static_cast<query::part_end>(i);
    add(total, {{"end", std::string(query::name(end))}}, static_cast<double>(of_.ended(end)));
  }
  add(family(all, "hangup_fanout_parts_running", "Parts that ask their databases now.",
             MetricType::Gauge),
      {}, static_cast<double>(of_.running()));
  add(family(all, "hangup_fanout_rejected_total",
             "Requests to /fanout refused because as many parts ran as may.", MetricType::Counter),
      {}, static_cast<double>(of_.refused()));
  return all;
}

}  // namespace hangup::server
