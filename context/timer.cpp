#include "context/timer.h"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "context/background_thread.h"

namespace hangup::tree {

class timer_service {
 public:
  using clock = std::chrono::steady_clock;

  // Leaked on purpose: contexts in static objects may outlive any order of destruction.
  static timer_service& get() noexcept {
    static auto* const service = new timer_service;
    return *service;
  }

  void arm(timer& t, clock::time_point due) {
    const std::lock_guard hold(mutex_);
    if (t.slot_ == timer::nowhere) {
      t.due_ = due;
      t.slot_ = heap_.size();
      heap_.push_back(&t);
      up(t.slot_);
    } else {
      const bool earlier = due < t.due_;
      t.due_ = due;
      earlier ? up(t.slot_) : down(t.slot_);
    }
    if (!started_) {
      try {
        start_background_thread("hangup-timer", all_signals(), [this] {
          only_serves = true;
          run();
        });
        started_ = true;
      } catch (const std::system_error&) {
        // The next one may have more luck. Until then deadlines are found by those who wait.
      }
    } else if (heap_.front() == &t && due < sleeps_until_) {
      wake_.notify_one();
    }
  }

  void disarm(timer& t, bool wait) {
    std::unique_lock hold(mutex_);
    if (t.slot_ != timer::nowhere) {
      take_out(t.slot_);
    } else if (wait && std::this_thread::get_id() != id_) {
      idle_.wait(hold, [&] { return expiring_ != &t; });
    }
  }

  std::size_t armed() {
    const std::lock_guard hold(mutex_);
    return heap_.size();
  }

 private:
  void run() {
    std::unique_lock hold(mutex_);
    id_ = std::this_thread::get_id();
    for (;;) {
      if (heap_.empty()) {
        sleeps_until_ = clock::time_point::max();
        wake_.wait(hold);
        continue;
      }
      const auto due = heap_.front()->due_;
      if (clock::now() < due) {
        sleeps_until_ = due;
        wake_.wait_until(hold, due);
        continue;
      }
      timer& t = *heap_.front();
      take_out(0);
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

  void take_out(std::size_t slot) {
    heap_[slot]->slot_ = timer::nowhere;
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

std::size_t armed_timers() noexcept {
  return timer_service::get().armed();
}

}  // namespace hangup::tree
