#include "server/live_events.h"

#include <algorithm>
#include <new>
#include <utility>

namespace hangup::server {

live_events::live_events(std::size_t size) : ring_(std::max<std::size_t>(size, 1)) {}

void live_events::add(live_event e) noexcept {
  std::shared_ptr<const live_event> made;
  try {
    made = std::make_shared<const live_event>(std::move(e));
  } catch (const std::bad_alloc&) {  // the number is used up, so that readers learn of it
  }
  const std::lock_guard hold(mutex_);
  if (closed_) {
    return;
  }
  ring_[++last_ % ring_.size()].swap(made);
  for (auto* r = readers_; r != nullptr; r = r->next_reader_) {
    if (std::exchange(r->waits_, false)) {
      r->more.set();
    }
  }
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
  for (auto* r = readers_; r != nullptr; r = r->next_reader_) {
    r->waits_ = false;
    r->more.set();
  }
}

std::uint64_t live_events::missed() const noexcept {
  const std::lock_guard hold(mutex_);
  return missed_;
}

live_events::reader::reader(live_events& of, std::uint64_t behind) : of_(of) {
  const std::lock_guard hold(of_.mutex_);
  next_ = std::min(behind, of_.last_) + 1;
  next_reader_ = std::exchange(of_.readers_, this);
}

live_events::reader::~reader() {
  const std::lock_guard hold(of_.mutex_);
  auto** at = &of_.readers_;
  while (*at != this) {
    at = &(*at)->next_reader_;
  }
  *at = next_reader_;
}

live_events::reader::part live_events::reader::take(std::size_t most) {
  part p;
  p.events.reserve(most);
  const std::lock_guard hold(of_.mutex_);
  const auto from = std::max(next_, of_.oldest_kept());
  p.left_out = from - next_;
  for (next_ = from; next_ <= of_.last_ && p.events.size() < most; ++next_) {
    if (const auto& what = of_.ring_[next_ % of_.ring_.size()]) {
      p.events.push_back({next_, what});
    } else {
      ++p.left_out;
    }
  }
  of_.missed_ += p.left_out;
  p.closed = of_.closed_ && next_ > of_.last_;
  waits_ = p.events.empty() && p.left_out == 0 && !of_.closed_;
  if (waits_) {
    more.reset();
  }
  return p;
}

}  // namespace hangup::server
