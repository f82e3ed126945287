#include "server/job_metrics.h"

#include <string>

namespace hangup::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily& add(std::vector<MetricFamily>& all, const char* name, const char* help,
                  MetricType type) {
  auto& f = all.emplace_back();
  f.name = name;
  f.help = help;
  f.type = type;
  return f;
}

void add(MetricFamily& to, const char* label, std::string_view value, double number) {
  auto& m = to.metric.emplace_back();
  if (label != nullptr) {
    m.label = {{label, std::string(value)}};
  }
  (to.type == MetricType::Gauge ? m.gauge.value : m.counter.value) = number;
}

}  // namespace

std::vector<MetricFamily> job_metrics::Collect() const {
  const auto now = of_.now();
  std::vector<MetricFamily> all;
  const auto one = [&all](const char* name, const char* help, MetricType type, auto number) {
    add(add(all, name, help, type), nullptr, {}, static_cast<double>(number));
  };
  auto& by_state = add(all, "hangup_jobs", "Jobs in the store, by state.", MetricType::Gauge);
  for (std::size_t i = 0; i < jobs::states; ++i) {
    add(by_state, "state", name(static_cast<jobs::state>(i)), static_cast<double>(now.now[i]));
  }
  auto& by_end =
      add(all, "hangup_jobs_total", "Jobs that have ended, by how.", MetricType::Counter);
  for (std::size_t i = 0; i < jobs::states; ++i) {
    if (const auto s = static_cast<jobs::state>(i); jobs::is_over(s)) {
      add(by_end, "end", name(s), static_cast<double>(now.ended[i]));
    }
  }
  auto& refused =
      add(all, "hangup_jobs_refused_total",
          "Jobs that were not taken, by what there was too much of.", MetricType::Counter);
  for (std::size_t i = 1; i < jobs::refusals; ++i) {  // without refusal::none
    add(refused, "reason", name(static_cast<jobs::refusal>(i)),
        static_cast<double>(now.refused[i]));
  }
  one("hangup_jobs_expired_total", "Jobs that were forgotten because their time was over.",
      MetricType::Counter, now.expired);
  one("hangup_job_result_bytes", "Bytes of all results of jobs.", MetricType::Gauge, now.bytes);
  one("hangup_late_jobs", "Jobs whose work goes on long after their context has ended.",
      MetricType::Gauge, now.late);
  one("hangup_late_jobs_total", "Jobs that have been reported as late stoppers.",
      MetricType::Counter, now.late_total);
  return all;
}

}  // namespace hangup::server
