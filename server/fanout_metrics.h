// The metrics of /fanout, for GET /metrics.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "handlers/query/fanout.h"

namespace hangup::server {

class fanout_metrics final : public prometheus::Collectable {
 public:
  // `of` must outlive this object.
  explicit fanout_metrics(const query::fanout& of) noexcept : of_(of) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const query::fanout& of_;
};

}  // namespace hangup::server
