#include "hangup/context/event.h"

#include "hangup/context/after_func.h"
#include "hangup/context/detail/threads.h"

namespace hangup {

void event::set() noexcept {
  const std::lock_guard hold(mutex_);
  set_ = true;
  while (first_ != nullptr) {
    events::place& p = *first_;
    unlink(p);
    p.released = true;
    p.who.wake();  // under the lock: a place that has left is not woken
  }
}

void event::reset() noexcept {
  const std::lock_guard hold(mutex_);
  set_ = false;
}

bool event::is_set() const noexcept {
  const std::lock_guard hold(mutex_);
  return set_;
}

void event::unlink(events::place& p) noexcept {
  (p.prev != nullptr ? p.prev->next : first_) = p.next;
  (p.next != nullptr ? p.next->prev : last_) = p.prev;
  p.linked = false;
}

bool event::join(events::place& p) noexcept {
  const std::lock_guard hold(mutex_);
  if (set_) {
    return false;
  }
  p.prev = last_;
  (last_ != nullptr ? last_->next : first_) = &p;
  last_ = &p;
  p.linked = true;
  p.joined = true;
  return true;
}

bool event::leave(events::place& p) noexcept {
  const std::lock_guard hold(mutex_);
  if (p.linked) {
    unlink(p);
  }
  return p.released;
}

namespace events {

std::error_code waiting::block() noexcept {
  if (ctx_.done()) {
    return ctx_.err();
  }
  place me;
  if (!on_.join(me)) {
    return {};
  }
  const tree::blocking here;
  const after_func on_end(ctx_, [&me]() noexcept { me.who.wake(); });
  me.who.park();
  return on_.leave(me) ? std::error_code() : ctx_.err();
}

bool waiting::awaiter::join() noexcept {
  return of_.on_.join(place_) && start();
}

std::error_code waiting::awaiter::await_resume() noexcept {
  const bool set = place_.joined ? of_.on_.leave(place_) : !ended_;
  leave();
  return set ? std::error_code() : of_.ctx_.err();
}

}  // namespace events
}  // namespace hangup
