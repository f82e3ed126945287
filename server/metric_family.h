// What the pages of metrics are made of: families, and the numbers in them.
#pragma once

#include <prometheus/metric_family.h>

#include <utility>
#include <vector>

namespace hangup::server {

using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<prometheus::ClientMetric::Label>;

// A new family, to be filled before the next one is added.
inline MetricFamily& family(std::vector<MetricFamily>& all, const char* name, const char* help,
                            MetricType type) {
  auto& f = all.emplace_back();
  f.name = name;
  f.help = help;
  f.type = type;
  return f;
}

// A number of a counter or a gauge.
inline void add(MetricFamily& to, labels by, double value) {
  auto& m = to.metric.emplace_back();
  m.label = std::move(by);
  (to.type == MetricType::Gauge ? m.gauge.value : m.counter.value) = value;
}

}  // namespace hangup::server
