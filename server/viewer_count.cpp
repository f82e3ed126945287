#include "server/viewer_count.h"

namespace hangup::server {

std::uint64_t viewer_count::come() {
  const std::lock_guard hold(mutex_);
  to_.look(true);
  ++viewers_;
  without_viewers_ = 0;
  counts_ = counts_ || to_.count_seconds();
  return epoch_;
}

void viewer_count::leave() noexcept {
  const std::lock_guard hold(mutex_);
  --viewers_;
}

// Whoever waits in await_last() goes on only when the lock is released.
viewer_count::second viewer_count::another_second() {
  const std::lock_guard hold(mutex_);
  if (now() > 0) {
    without_viewers_ = 0;
    return second::watched;
  }
  if (++without_viewers_ <= kept_for_) {
    return second::kept;
  }
  to_.look(false);
  ++epoch_;
  counts_ = false;
  over_.notify_all();
  return second::last;
}

void viewer_count::seconds_over() noexcept {
  const std::lock_guard hold(mutex_);
  counts_ = false;
  over_.notify_all();
}

void viewer_count::await_last() {
  std::unique_lock hold(mutex_);
  over_.wait(hold, [this] { return !counts_; });
}

}  // namespace hangup::server
