// The metrics of who is not let to the operators' pages, for GET /metrics.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "server/operators_access.h"

namespace hangup::server {

class access_metrics final : public prometheus::Collectable {
 public:
  // `of` must outlive this object.
  explicit access_metrics(const operators_access& of) noexcept : of_(of) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const operators_access& of_;
};

}  // namespace hangup::server
