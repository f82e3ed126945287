// The metrics of the loop that runs tasks, for GET /metrics.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "hangup/worker/loop.h"

namespace hangup::server {

class loop_metrics final : public prometheus::Collectable {
 public:
  // `of` must outlive this object.
  explicit loop_metrics(const loop& of) noexcept : of_(of) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const loop& of_;
};

}  // namespace hangup::server
