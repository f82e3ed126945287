#include "server/fanout_metrics.h"

#include <string>

#include "server/metric_family.h"

namespace hangup::server {

std::vector<MetricFamily> fanout_metrics::Collect() const {
  std::vector<MetricFamily> all;
  auto& total = family(all, "hangup_fanout_parts_total",
                       "Parts of requests to /fanout that have ended, by the way they ended.",
                       MetricType::Counter);
  for (std::size_t i = 0; i < query::part_ends; ++i) {
    const auto end = static_cast<query::part_end>(i);
    add(total, {{"end", std::string(query::name(end))}}, static_cast<double>(of_.ended(end)));
  }
  add(family(all, "hangup_fanout_parts_running", "Parts of requests to /fanout that run now.",
             MetricType::Gauge),
      {}, static_cast<double>(of_.running()));
  add(family(all, "hangup_fanout_rejected_total",
             "Requests to /fanout refused because fanout.parts_at_once parts were running.",
             MetricType::Counter),
      {}, static_cast<double>(of_.refused()));
  return all;
}

}  // namespace hangup::server
