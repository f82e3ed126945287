// The metrics of the calls to other servers, for GET /metrics.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <vector>

#include "handlers/relay/relay.h"

namespace hangup::server {

class upstream_metrics final : public prometheus::Collectable {
 public:
  explicit upstream_metrics(std::shared_ptr<const handlers::relay_options> of)
      : of_(std::move(of)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::shared_ptr<const handlers::relay_options> of_;
};

}  // namespace hangup::server
