#include "server/stop_times.h"

#include <algorithm>
#include <vector>

namespace hangup::server {

void stop_times::add(http::clock::time_point now, http::clock::duration took) noexcept {
  const std::lock_guard hold(mutex_);
  ring_[count_++ % ring_.size()] = {now, took};
}

std::optional<stop_times::summary> stop_times::last_minute(http::clock::time_point now) const {
  std::vector<http::clock::duration> all;
  all.reserve(ring_.size());
  {
    const std::lock_guard hold(mutex_);
    for (std::size_t i = 0; i < std::min(count_, ring_.size()); ++i) {
      if (now - ring_[i].at <= std::chrono::minutes(1)) {
        all.push_back(ring_[i].took);
      }
    }
  }
  if (all.empty()) {
    return std::nullopt;
  }
  std::sort(all.begin(), all.end());
  const auto at = [&all](std::size_t percent) { return all[(all.size() - 1) * percent / 100]; };
  return summary{at(50), at(99), all.back()};
}

}  // namespace hangup::server
