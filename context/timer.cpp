#include "hangup/context/detail/timer.h"

#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "context/background_thread.h"
#include "context/immortal.h"
#include "context/short_slice.h"

namespace hangup::tree {

class timer_service {
 public:
  using clock = std::chrono::steady_clock;

  static timer_service& get() noexcept {
    static immortal<timer_service> service;
    return service.object;
  }

  // If no thread can be started, the next armed timer tries again. Until then, waiting threads
  // notice passed deadlines themselves.
  void arm(timer& t, clock::time_point due) noexcept {
    const std::lock_guard hold(mutex_);
    if (t.slot_ == timer::nowhere) {
      t.due_ = due;
      put_in(t);
    } else if (t.slot_ == timer::aside) {
      t.due_ = due;
    } else {
      const bool earlier = due < t.due_;
      t.due_ = due;
      earlier ? up(t.slot_) : down(t.slot_);
    }
    if (!start() && next() == &t && due < sleeps_until_) {
      wake_.notify_one();
    }
  }

  std::error_code start_thread() noexcept {
    const std::lock_guard hold(mutex_);
    return start();
  }

  void disarm(timer& t, bool wait) noexcept {
    std::unique_lock hold(mutex_);
    if (t.slot_ != timer::nowhere) {
      take_out(t);
    } else if (wait && std::this_thread::get_id() != id_) {
      idle_.wait(hold, [&] { return expiring_ != &t; });
    }
  }

  std::size_t armed() {
    const std::lock_guard hold(mutex_);
    auto count = heap_.size();
    for (const auto* t = aside_; t != nullptr; t = t->beside_) {
      ++count;
    }
    return count;
  }

 private:
  // With the lock held, as for all that follows.
  std::error_code start() noexcept {
    if (started_) {
      return {};
    }
    const auto failed = start_background_thread("hangup-timer", all_signals(), [this] {
      only_serves = true;
      ask_for_short_slices();
      run();
    });
    started_ = !failed;
    return failed;
  }

  void run() {
    std::unique_lock hold(mutex_);
    id_ = std::this_thread::get_id();
    for (;;) {
      timer* const earliest = next();
      if (earliest == nullptr) {
        sleeps_until_ = clock::time_point::max();
        wake_.wait(hold);
        continue;
      }
      const auto due = earliest->due_;
      if (clock::now() < due) {
        sleeps_until_ = due;
        wake_.wait_until(hold, due);
        continue;
      }
      timer& t = *earliest;
      take_out(t);
      if (!t.acquire()) {
        continue;
      }
      expiring_ = &t;
      hold.unlock();
      t.expire();
      hold.lock();
      expiring_ = nullptr;
      idle_.notify_all();
    }
  }

  // Only the heap lacks memory. The timer object itself exists, so it can be linked into a list
  // instead.
  void put_in(timer& t) noexcept {
    try {
      heap_.push_back(&t);
      t.slot_ = heap_.size() - 1;
      up(t.slot_);
    } catch (const std::bad_alloc&) {
      t.slot_ = timer::aside;
      t.beside_ = std::exchange(aside_, &t);
    }
  }

  timer* next() const noexcept {
    timer* earliest = heap_.empty() ? nullptr : heap_.front();
    for (auto* t = aside_; t != nullptr; t = t->beside_) {
      earliest = earliest == nullptr || t->due_ < earliest->due_ ? t : earliest;
    }
    return earliest;
  }

  void place(std::size_t slot, timer* t) {
    heap_[slot] = t;
    t->slot_ = slot;
  }

  void up(std::size_t slot) {
    timer* const t = heap_[slot];
    while (slot > 0) {
      const auto parent = (slot - 1) / 2;
      if (heap_[parent]->due_ <= t->due_) {
        break;
      }
      place(slot, heap_[parent]);
      slot = parent;
    }
    place(slot, t);
  }

  void down(std::size_t slot) {
    timer* const t = heap_[slot];
    for (;;) {
      auto child = 2 * slot + 1;
      if (child >= heap_.size()) {
        break;
      }
      if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_) {
        ++child;
      }
      if (t->due_ <= heap_[child]->due_) {
        break;
      }
      place(slot, heap_[child]);
      slot = child;
    }
    place(slot, t);
  }

  void take_out(timer& t) noexcept {
    const auto slot = std::exchange(t.slot_, timer::nowhere);
    if (slot == timer::aside) {
      timer** at = &aside_;
      while (*at != &t) {
        at = &(*at)->beside_;
      }
      *at = t.beside_;
      return;
    }
    timer* const last = heap_.back();
    heap_.pop_back();
    if (slot < heap_.size()) {
      place(slot, last);
      up(slot);
      down(last->slot_);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::vector<timer*> heap_;
  timer* aside_ = nullptr;  // timers for which the heap had no memory, in no order
  std::thread::id id_;
  bool started_ = false;
  clock::time_point sleeps_until_ = clock::time_point::min();
  timer* expiring_ = nullptr;
};

void timer::arm(std::chrono::steady_clock::time_point due) noexcept {
  timer_service::get().arm(*this, due);
}

void timer::disarm_timer() noexcept {
  timer_service::get().disarm(*this, false);
}

void timer::disarm_and_wait() noexcept {
  timer_service::get().disarm(*this, true);
}

std::error_code start_timers() noexcept {
  return timer_service::get().start_thread();
}

std::size_t armed_timers() noexcept {
  return timer_service::get().armed();
}

}  // namespace hangup::tree
