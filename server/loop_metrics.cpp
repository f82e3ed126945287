#include "server/loop_metrics.h"

#include "server/metric_family.h"

namespace hangup::server {

std::vector<MetricFamily> loop_metrics::Collect() const {
  const auto now = of_.now();
  std::vector<MetricFamily> all;
  const auto one = [&all](const char* name, const char* help, auto number) {
    add(family(all, name, help, MetricType::Gauge), {}, static_cast<double>(number));
  };
  one("hangup_tasks", "Tasks that run or wait now.", now.tasks);
  one("hangup_task_threads", "Threads that run tasks.", of_.threads());
  one("hangup_task_threads_held",
      "Threads that a task has held for more than tasks.held_after_ms: the others wait for it.",
      now.held);
  return all;
}

}  // namespace hangup::server
