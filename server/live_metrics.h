// The metrics of GET /requests/events, for GET /metrics.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "server/event_stream.h"

namespace hangup::server {

class live_metrics final : public prometheus::Collectable {
 public:
  // `of` must outlive this object.
  explicit live_metrics(const event_stream& of) noexcept : of_(of) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const event_stream& of_;
};

}  // namespace hangup::server
