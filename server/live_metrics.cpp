#include "server/live_metrics.h"

#include "server/metric_family.h"

namespace hangup::server {

std::vector<MetricFamily> live_metrics::Collect() const {
  std::vector<MetricFamily> all;
  add(family(all, "hangup_event_viewers", "Streams of /requests/events that are open.",
             MetricType::Gauge),
      {}, static_cast<double>(of_.viewers()));
  add(family(all, "hangup_event_viewers_refused_total",
             "Viewers of /requests/events that were refused, as there were live.max_viewers.",
             MetricType::Counter),
      {}, static_cast<double>(of_.refused_viewers()));
  auto& left_out =
      family(all, "hangup_events_left_out_total",
             "What /requests/events did not show: events for which a viewer was too slow, and "
             "requests of which there were too many, but for those to operators' pages.",
             MetricType::Counter);
  add(left_out, {{"why", "slow"}}, static_cast<double>(of_.missed()));
  add(left_out, {{"why", "many"}}, static_cast<double>(of_.left_out()));
  return all;
}

}  // namespace hangup::server
