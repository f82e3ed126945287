#include "hangup/context/detail/task_wait.h"

#include <algorithm>
#include <utility>

namespace hangup::tree {
namespace {

constexpr int woken_at_once = 256;  // the thread may have timers and descriptors to look at

}  // namespace

bool task_wait::start() noexcept {
  started_ = true;
  // A deadline of the context is noticed here, and not first by the timer thread.
  const auto when = scope_ == nullptr ? until_ : std::min(until_, scope_->due);
  if (when != clock::time_point::max()) {
    on().arm(*this, when);
  }
  if (scope_ != nullptr) {
    wakes_on = &on();
    if (auto* const first = add_unless_there_is(*scope_, *this)) {
      follow(static_cast<task_wait&>(*first));
    } else {
      part_ = part::first;
    }
  }
  return suspend();
}

void task_wait::leave() noexcept {
  if (!started_) {
    return;
  }
  started_ = false;
  on().disarm(*this);
  const auto was = std::exchange(part_, part::none);
  task_wait* const next = leave_ring();
  if (was == part::spreads_end) {
    wake_ring(next);
  } else if (was == part::first) {
    // If the hook was the last to wake it, it has left the list. That spares the lock, for which
    // all tasks of a context that has just ended would queue up.
    if (last_wake_seen() || !hand_over(*scope_, *this, next)) {
      wake_ring(next);
    } else if (next != nullptr) {
      next->part_ = part::first;
    }
  }
}

// `first` lives: only this thread destroys it. If its hook has been called meanwhile, it has not
// left yet, for the same reason.
void task_wait::follow(task_wait& first) noexcept {
  part_ = part::follows;
  ring_next_ = &first;
  ring_prev_ = first.ring_prev_;
  ring_prev_->ring_next_ = this;
  first.ring_prev_ = this;
}

task_wait* task_wait::leave_ring() noexcept {
  task_wait* const next = ring_next_ == this ? nullptr : ring_next_;
  ring_next_->ring_prev_ = ring_prev_;
  ring_prev_->ring_next_ = ring_next_;
  ring_next_ = ring_prev_ = this;
  return next;
}

// The context has ended. The last one that is woken here wakes the rest.
void task_wait::wake_ring(task_wait* next) noexcept {
  for (int n = 1; next != nullptr; ++n) {
    task_wait& one = *next;
    if (n == woken_at_once) {
      one.part_ = part::spreads_end;
      next = nullptr;
    } else {
      one.part_ = part::none;
      next = one.leave_ring();
    }
    one.wake();
  }
}

void task_wait::fire() noexcept {
  last_wake();
}

void task_wait::wake_with(posts& others) noexcept {
  last_wake(others);
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
