// The metrics of jobs, for GET /metrics.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "handlers/jobs/store.h"

namespace hangup::server {

class job_metrics final : public prometheus::Collectable {
 public:
  // `of` must outlive this object.
  explicit job_metrics(const jobs::store& of) noexcept : of_(of) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const jobs::store& of_;
};

}  // namespace hangup::server
