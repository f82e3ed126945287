#include "server/access_metrics.h"

#include <string>

#include "server/metric_family.h"

namespace hangup::server {

std::vector<MetricFamily> access_metrics::Collect() const {
  std::vector<MetricFamily> all;
  auto& denied =
      family(all, "hangup_operators_denied_total",
             "Requests for operators' pages that were not served: Host is no name of this server, "
             "a page of another origin asked, or the token was missing or wrong.",
             MetricType::Counter);
  for (std::size_t i = 0; i < reasons_to_deny; ++i) {
    const auto why = static_cast<denied_for>(i);
    add(denied, {{"why", std::string(name(why))}}, static_cast<double>(of_.denied(why)));
  }
  return all;
}

}  // namespace hangup::server
