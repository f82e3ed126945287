// Helpers to build metric families, as the pages of metrics show them.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace hangup::server {

using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<prometheus::ClientMetric::Label>;

// Adds a new family. It must be filled before the next one is added, which may move it.
inline MetricFamily& family(std::vector<MetricFamily>& all, const char* name, const char* help,
                            MetricType type) {
  auto& f = all.emplace_back();
  f.name = name;
  f.help = help;
  f.type = type;
  return f;
}

// Adds a value of a counter or a gauge.
inline void add(MetricFamily& to, labels by, double value) {
  auto& m = to.metric.emplace_back();
  m.label = std::move(by);
  (to.type == MetricType::Gauge ? m.gauge.value : m.counter.value) = value;
}

inline double seconds(std::uint64_t ns) noexcept {
  return static_cast<double>(ns) / 1e9;
}

// Adds a histogram to a family of histograms. `of` is a handlers::histogram.
template <class Histogram>
void add_histogram(MetricFamily& to, labels by, const Histogram& of) {
  auto& m = to.metric.emplace_back();
  m.label = std::move(by);
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < of.counts.size(); ++i) {
    cumulative += of.counts[i];
    m.histogram.bucket.push_back({cumulative, i < of.bounds.size()
                                                  ? of.bounds[i]
                                                  : std::numeric_limits<double>::infinity()});
  }
  m.histogram.sample_count = cumulative;
  m.histogram.sample_sum = seconds(of.ns);
}

}  // namespace hangup::server
