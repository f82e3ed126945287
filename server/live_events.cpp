#include "server/live_events.h"

#include <algorithm>
#include <new>
#include <utility>

namespace hangup::server {

live_events::live_events(std::size_t size) : ring_(std::max<std::size_t>(size, 1)) {}

void live_events::add(live_event e) noexcept {
  std::shared_ptr<const kept> made;
  try {
    made = std::make_shared<const kept>(std::move(e));
  } catch (const std::bad_alloc&) {  // the number is used up, so that readers learn of it
  }
  const std::lock_guard hold(mutex_);
  if (closed_) {
    return;
  }
  ring_[++last_ % ring_.size()].swap(made);
}

std::uint64_t live_events::last() const noexcept {
  const std::lock_guard hold(mutex_);
  return last_;
}

std::uint64_t live_events::oldest_kept() const noexcept {
  return last_ - std::min<std::uint64_t>(last_, ring_.size()) + 1;
}

std::uint64_t live_events::oldest() const noexcept {
  const std::lock_guard hold(mutex_);
  return oldest_kept();
}

void live_events::close() noexcept {
  const std::lock_guard hold(mutex_);
  closed_ = true;
}

bool live_events::is_closed() const noexcept {
  const std::lock_guard hold(mutex_);
  return closed_;
}

std::uint64_t live_events::missed() const noexcept {
  const std::lock_guard hold(mutex_);
  return missed_;
}

live_events::part live_events::take(std::uint64_t& behind, std::size_t most) {
  part p;
  p.events.reserve(most);
  std::vector<const kept*> all;
  all.reserve(most);
  {
    const std::lock_guard hold(mutex_);
    const auto from = std::max(behind + 1, oldest_kept());
    p.left_out = from - (behind + 1);
    for (behind = from - 1; behind < last_ && p.events.size() < most;) {
      if (const auto& what = ring_[++behind % ring_.size()]) {
        p.events.push_back({behind, what->data, what});
        all.push_back(what.get());
      } else {
        ++p.left_out;
      }
    }
    missed_ += p.left_out;
    p.closed = closed_ && behind == last_;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (const auto& e = *all[i]; e.make_data) {
      std::call_once(e.made, [&e] { e.made_data = e.make_data(); });
      p.events[i].data = e.made_data;
    }
  }
  return p;
}

}  // namespace hangup::server
