#include "server/job_metrics.h"

#include <string>

#include "server/metric_family.h"

namespace hangup::server {
std::vector<MetricFamily> job_metrics::Collect() const {
  const auto now = of_.now();
  std::vector<MetricFamily> all;
  const auto one = [&all](const char* name, const char* help, MetricType type, auto number) {
    add(family(all, name, help, type), {}, static_cast<double>(number));
  };
  auto& by_state = family(all, "hangup_jobs", "Jobs that are known, by state.", MetricType::Gauge);
  for (std::size_t i = 0; i < jobs::states; ++i) {
    add(by_state, {{"state", std::string(name(static_cast<jobs::state>(i)))}},
        static_cast<double>(now.now[i]));
  }
  auto& by_end = family(all, "hangup_jobs_total", "Jobs that have ended, by the way they ended.",
                        MetricType::Counter);
  for (std::size_t i = 0; i < jobs::states; ++i) {
    if (const auto s = static_cast<jobs::state>(i); jobs::is_over(s)) {
      add(by_end, {{"end", std::string(name(s))}}, static_cast<double>(now.ended[i]));
    }
  }
  auto& refused = family(all, "hangup_jobs_refused_total",
                         "Jobs that were not accepted, by reason.", MetricType::Counter);
  for (std::size_t i = 1; i < jobs::refusals; ++i) {  // without refusal::none
    add(refused, {{"reason", std::string(name(static_cast<jobs::refusal>(i)))}},
        static_cast<double>(now.refused[i]));
  }
  one("hangup_jobs_expired_total", "Jobs that were forgotten jobs.keep_s after their end.",
      MetricType::Counter, now.expired);
  one("hangup_job_result_bytes", "Size of the results of all jobs in bytes.", MetricType::Gauge,
      now.bytes);
  one("hangup_late_jobs",
      "Jobs whose work goes on for more than http.late_after_ms after their context has ended.",
      MetricType::Gauge, now.late);
  one("hangup_late_jobs_total", "Jobs that have been reported as late stoppers.",
      MetricType::Counter, now.late_total);
  return all;
}

}  // namespace hangup::server
