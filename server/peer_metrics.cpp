#include "server/peer_metrics.h"

#include <string>

#include "server/metric_family.h"

namespace hangup::server {

std::vector<MetricFamily> peer_metrics::Collect() const {
  std::vector<MetricFamily> all;
  auto& total = family(all, "hangup_peer_questions_total",
                       "Questions to the replicas of admin.peers that have ended, one for each "
                       "replica, by the way they ended.",
                       MetricType::Counter);
  for (int i = 0; i < peer_ends; ++i) {
    const auto end = static_cast<peer_end>(i);
    add(total, {{"end", std::string(name(end))}}, static_cast<double>(of_.count(end)));
  }
  return all;
}

}  // namespace hangup::server
