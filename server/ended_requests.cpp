#include "server/ended_requests.h"

#include <algorithm>
#include <new>
#include <utility>

namespace hangup::server {

void ended_requests::ended(const http::request_report& r) noexcept {
  constexpr std::size_t kept = 512;  // of a target
  const std::lock_guard hold(mutex_);
  entry& e = spare_;  // its strings keep their memory
  try {
    e.id = r.id;
    e.method = r.method;
    e.target = r.target.substr(0, kept);
    e.client = r.client;
    e.cause = r.cause;
    e.route = r.to.path;
  } catch (const std::bad_alloc&) {
    ++lost_;
    return;
  }
  e.end = r.end;
  e.status = r.status;
  e.started = r.started;
  e.context_ended = r.context_ended;
  e.work_stopped = r.work_stopped;
  e.ended = r.ended;
  std::swap(ring_[next_], spare_);
  next_ = (next_ + 1) % ring_.size();
  count_ = std::min(count_ + 1, ring_.size());
}

std::uint64_t ended_requests::lost() const noexcept {
  const std::lock_guard hold(mutex_);
  return lost_;
}

std::vector<ended_requests::entry> ended_requests::newest_first(std::size_t limit) const {
  std::vector<entry> list;
  const std::lock_guard hold(mutex_);
  const auto n = std::min(limit, count_);
  list.reserve(n);
  for (std::size_t i = 1; i <= n; ++i) {
    list.push_back(ring_[(next_ + ring_.size() - i) % ring_.size()]);
  }
  return list;
}

}  // namespace hangup::server
