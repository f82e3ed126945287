// The metrics of the questions to other replicas (admin.peers), for GET /metrics.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "server/peers.h"

namespace hangup::server {

class peer_metrics final : public prometheus::Collectable {
 public:
  // `of` must outlive this object.
  explicit peer_metrics(const peers& of) noexcept : of_(of) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const peers& of_;
};

}  // namespace hangup::server
