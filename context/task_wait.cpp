#include "hangup/context/detail/task_wait.h"

#include <algorithm>

namespace hangup::tree {

bool task_wait::start() noexcept {
  started_ = true;
  // A deadline of the context is noticed here, and not first by the timer thread.
  const auto when = scope_ == nullptr ? until_ : std::min(until_, scope_->due);
  if (when != clock::time_point::max()) {
    on().arm(*this, when);
  }
  if (scope_ != nullptr) {
    add(*scope_, *this);
  }
  return suspend();
}

void task_wait::leave() noexcept {
  if (!started_) {
    return;
  }
  started_ = false;
  on().disarm(*this);
  // If the hook was the last to wake it, it has left the list of hooks. That spares the lock, for
  // which all tasks of a context that has just ended would queue up.
  if (scope_ != nullptr && !last_wake_seen()) {
    withdraw(*scope_, *this);
  }
}

void task_wait::fire() noexcept {
  last_wake();
}

void task_wait::due() noexcept {
  time_over_ = true;
  if (scope_ != nullptr) {
    end_if_due(*scope_);
  }
  wake();
}

bool over_already(const context& ctx, clock::time_point when) noexcept {
  auto* const s = context_access::scope(ctx);
  if (ctx.done()) {
    return true;
  }
  const auto first = s == nullptr ? when : std::min(when, s->due);
  if (first == clock::time_point::max() || clock::now() < first) {
    return false;
  }
  if (s != nullptr && s->due <= when) {
    end_if_due(*s);
  }
  return true;
}

}  // namespace hangup::tree
