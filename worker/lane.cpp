#include "worker/lane.h"

#include <algorithm>
#include <utility>

namespace hangup::tree {
namespace {

// While tasks are always ready, the descriptors are looked at only after so many rounds.
constexpr unsigned rounds_between_looks = 32;

// A step number: whether it runs, whether it is late, and a count.
constexpr std::uint64_t running = 1;
constexpr std::uint64_t late = 2;
constexpr std::uint64_t one_step = 4;

thread_local lane* lane_of_this_thread = nullptr;

}  // namespace

void lane::list::append(ready& from, ready& to) noexcept {
  to.next = nullptr;
  (first == nullptr ? first : last->next) = &from;
  last = &to;
}

void lane::list::append(list& other) noexcept {
  if (!other.empty()) {
    append(*other.first, *other.last);
    other = {};
  }
}

lane::~lane() {
  // Who posted the last task may still hold the mutex.
  const std::lock_guard hold(mutex_);
}

lane* lane::of_this_thread() noexcept {
  return lane_of_this_thread;
}

void lane::post(ready& first, ready& last) noexcept {
  if (lane_of_this_thread == this) {
    ready_.append(first, last);
    return;
  }
  const std::lock_guard hold(mutex_);
  const bool ring = sleeping_ && posted_.empty();
  posted_.append(first, last);
  if (ring) {
    watching_.ring();
  }
}

void lane::stop() noexcept {
  const std::lock_guard hold(mutex_);
  stopping_ = true;
  watching_.ring();
}

void lane::arm(timed& t, clock::time_point when) noexcept {
  if (t.armed()) {
    timers_.remove(t);
  }
  timers_.insert(t, when);
}

void lane::disarm(timed& t) noexcept {
  if (t.armed()) {
    timers_.remove(t);
  }
}

std::error_code lane::watch(watched& w, int fd, short events) noexcept {
  return watching_.watch(w, fd, events);
}

void lane::unwatch(watched& w) noexcept {
  watching_.unwatch(w);
}

void lane::run() noexcept {
  run(told_to_stop_);
}

void lane::run(const bool& over) noexcept {
  lane* const outer = std::exchange(lane_of_this_thread, this);
  awake_ = true;
  unsigned round = 0;
  while (!over) {
    if (round % rounds_between_looks == 0 && on_wake) {
      on_wake();
    }
    take_posted();
    run_ready(over);
    if (over) {
      break;
    }
    expire_timers();
    if (ready_.empty()) {
      look_at_descriptors(timers_.empty() ? clock::time_point::max() : timers_.next());
      round = 0;
    } else if (++round % rounds_between_looks == 0) {
      look_at_descriptors(clock::time_point::min());
    }
  }
  awake_ = false;
  lane_of_this_thread = outer;
}

void lane::take_posted() noexcept {
  const std::lock_guard hold(mutex_);
  ready_.append(posted_);
  told_to_stop_ = stopping_;
}

// Runs those that are ready now. What they make ready has to wait until timers and descriptors have
// been looked at.
void lane::run_ready(const bool& over) noexcept {
  list now = std::exchange(ready_, {});
  while (!now.empty() && !over) {
    ready& r = *now.first;
    now.first = r.next;
    run_one(r);
  }
  if (!now.empty()) {
    now.append(ready_);
    ready_ = now;
  }
}

void lane::run_one(ready& r) noexcept {
  const auto* const from = r.started();
  file_.store(from == nullptr ? "" : from->file, std::memory_order_relaxed);
  line_.store(from == nullptr ? 0 : from->line, std::memory_order_relaxed);
  task_.store(from, std::memory_order_relaxed);
  const auto mine = step_.load(std::memory_order_relaxed) + one_step + running;
  step_.store(mine, std::memory_order_release);
  r.run();  // may destroy it
  task_.store(nullptr, std::memory_order_relaxed);
  const auto after = step_.exchange(mine - running, std::memory_order_acq_rel);
  if ((after & late) != 0) [[unlikely]] {
    { const std::lock_guard told(late_mutex_); }  // who marked it has told so by now
    on_late_return({file_.load(std::memory_order_relaxed), line_.load(std::memory_order_relaxed)});
  }
}

std::uint64_t lane::step() const noexcept {
  const auto now = step_.load(std::memory_order_acquire);
  return (now & running) != 0 ? now : 0;
}

bool lane::mark_late(std::uint64_t step, location& started) noexcept {
  started = {file_.load(std::memory_order_relaxed), line_.load(std::memory_order_relaxed)};
  return (step & late) == 0 && step_.compare_exchange_strong(step, step | late);
}

void lane::expire_timers() noexcept {
  if (timers_.empty()) {
    return;
  }
  const auto now = clock::now();
  while (!timers_.empty() && timers_.next() <= now) {
    timers_.take_first().due();
  }
}

// Returns false if something has been posted meanwhile.
bool lane::may_sleep() noexcept {
  const std::lock_guard hold(mutex_);
  sleeping_ = posted_.empty() && !stopping_;
  return sleeping_;
}

void lane::look_at_descriptors(clock::time_point until) noexcept {
  looks_.store(looks_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  auto time = std::chrono::nanoseconds::zero();
  bool slept = false;
  if (until == clock::time_point::max()) {
    time = std::chrono::nanoseconds::max();
  } else if (until > clock::time_point::min()) {
    time = std::max(time, std::chrono::nanoseconds(until - clock::now()));
  }
  if (time > time.zero()) {
    slept = may_sleep();
    if (!slept) {
      time = time.zero();
    }
  }
  if (slept) {
    awake_ = false;
  } else if (watching_.is_empty()) {
    return;
  }
  watching_.wait(time);
  if (slept) {
    awake_ = true;
    const std::lock_guard hold(mutex_);
    sleeping_ = false;
  }
  watching_.tell();
}

}  // namespace hangup::tree
