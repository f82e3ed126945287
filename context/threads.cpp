#include "hangup/context/detail/threads.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "context/background_thread.h"
#include "context/immortal.h"
#include "context/short_slice.h"
#include "hangup/context/detail/timer.h"

namespace hangup::tree {
namespace {

using namespace std::chrono_literals;

using clock = std::chrono::steady_clock;

// How long the queue may stand still before another thread is started.
constexpr auto patience = 100us;
constexpr auto until_next_try = 10ms;  // after a thread could not be started
constexpr auto until_refused = 1s;
constexpr auto keep_idle = 5s;
constexpr int spins_while_idle = 2000;  // a few microseconds: less than it costs to be woken

thread_local bool of_the_service = false;
thread_local int blocking_here = 0;  // how many `blocking` objects exist on this thread

}  // namespace

// Every thread is in one of three states, counted under the mutex: working (in a task that has not
// said that it blocks), searching (on its way to the queue, after it was started or woken or has
// finished a task), or sleeping. A thread that leaves a task in the queue makes sure that either
// some thread is searching, or as many are working as there are cores and the timer is armed.
class thread_service final : timer {
 public:
  static thread_service& get() noexcept {
    static immortal<thread_service> service;
    return service.object;
  }

  std::error_code start(thread_call& t) noexcept {
    std::unique_lock hold(mutex_);
    t.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &t;
    last_ = &t;
    queued_.store(queued_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    const auto failed = call(hold, true);
    return failed && take_back(t) ? failed : std::error_code();
  }

  thread_call* take(const void* owner) noexcept {
    if (queued_.load(std::memory_order_relaxed) == 0) {
      return nullptr;
    }
    const std::lock_guard hold(mutex_);
    return first_ != nullptr && first_->owner_ == owner ? &pop() : nullptr;
  }

  void block() noexcept {
    std::unique_lock hold(mutex_);
    --working_;
    if (first_ != nullptr) {
      call(hold);
    }
  }

  void unblock() noexcept {
    const std::lock_guard hold(mutex_);
    ++working_;
  }

  std::size_t threads() noexcept {
    const std::lock_guard hold(mutex_);
    return threads_;
  }

 private:
  struct sleeper {
    std::condition_variable called;
    sleeper* next = nullptr;
    bool awake = false;
  };

  thread_call& pop() noexcept {
    thread_call& t = *first_;
    first_ = t.next_;
    if (first_ == nullptr) {
      last_ = nullptr;
    }
    queued_.store(queued_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    ++taken_;
    return t;
  }

  // There is no thread at all. Returns false if there was one for a moment, which has taken the
  // task.
  bool take_back(thread_call& t) noexcept {
    thread_call* before = nullptr;
    for (thread_call* at = first_; at != nullptr; before = at, at = at->next_) {
      if (at == &t) {
        (before != nullptr ? before->next_ : first_) = t.next_;
        if (last_ == &t) {
          last_ = before;
        }
        queued_.store(queued_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
        return true;
      }
    }
    return false;
  }

  // With the lock held and a task in the queue: makes sure that a thread will take it. May release
  // the lock meanwhile.
  std::error_code call(std::unique_lock<std::mutex>& hold, bool starter = false) {
    if (searching_ >= queued_.load(std::memory_order_relaxed)) {
      return {};
    }
    if (working_ + searching_ < cores_) {
      return one_more(hold, starter);
    }
    watch_queue(hold);
    return {};
  }

  void watch_queue(std::unique_lock<std::mutex>& hold) {
    if (!armed_) {
      armed_ = true;
      taken_before_ = taken_;
      const auto wait = cannot_since_ == clock::time_point{} ? patience : until_next_try;
      hold.unlock();
      arm(clock::now() + wait);
      hold.lock();
    }
  }

  std::error_code one_more(std::unique_lock<std::mutex>& hold, bool starter = false) {
    ++searching_;
    if (sleeping_ != nullptr) {
      sleeper& s = *sleeping_;
      sleeping_ = s.next;
      s.awake = true;
      s.called.notify_one();
      return {};
    }
    ++threads_;
    if (starter &&
        !only_serves) {  // a task's thread has the signal mask of the thread that starts it
      ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked_);
    }
    const sigset_t mask = blocked_;
    hold.unlock();
    auto failed = start_background_thread("hangup-task", mask, [this] {
      ask_for_short_slices();
      work();
    });
    hold.lock();
    if (!failed) {
      cannot_since_ = {};
    } else {
      --searching_;
      --threads_;
      if (cannot_since_ == clock::time_point{}) {
        cannot_since_ = clock::now();
      }
      cannot_ = failed;
      watch_queue(hold);  // the timer will try again for the tasks that have been accepted
      if (threads_ > 0) {
        failed.clear();
      }
    }
    return failed;
  }

  void work() {
    of_the_service = true;
    std::unique_lock hold(mutex_);
    for (;;) {
      if (first_ == nullptr && !wait_for_work(hold)) {
        return;
      }
      thread_call& t = pop();
      --searching_;
      ++working_;
      if (first_ != nullptr) {
        if (extra_ > 0 && searching_ == 0) {
          --extra_;
          one_more(hold);
        } else {
          call(hold);
        }
      }
      hold.unlock();
      t.run();
      hold.lock();
      --working_;
      ++searching_;
    }
  }

  // Returns true if there is a task in the queue; false if this thread has been idle for long
  // enough and is no longer counted.
  bool wait_for_work(std::unique_lock<std::mutex>& hold) {
    hold.unlock();
    for (int i = 0; i < spins_while_idle && queued_.load(std::memory_order_relaxed) == 0; ++i) {
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
    }
    hold.lock();
    while (first_ == nullptr) {
      sleeper me;
      me.next = sleeping_;
      sleeping_ = &me;
      --searching_;
      if (!me.called.wait_for(hold, keep_idle, [&] { return me.awake; })) {
        sleeper** at = &sleeping_;
        while (*at != &me) {
          at = &(*at)->next;
        }
        *at = me.next;
        --threads_;
        return false;
      }
    }
    return true;
  }

  // Called by the timer: has a task been taken from the queue since the last time?
  void expire() noexcept override {
    std::unique_lock hold(mutex_);
    armed_ = false;
    if (first_ == nullptr) {
      burst_ = 1;
      extra_ = 0;
      called_ = 0;
      cannot_since_ = {};
      return;
    }
    if (taken_ - taken_before_ > called_) {
      burst_ = 1;
      extra_ = 0;
      called_ = 0;
      cannot_since_ = {};
    } else if (cannot_since_ != clock::time_point{} &&
               clock::now() - cannot_since_ >= until_refused) {
      cannot_since_ = {};
      refuse_all(hold);
      return;
    } else {
      burst_ = std::min<std::size_t>(2 * burst_, 1024);
      extra_ = burst_ - 1;
      called_ = burst_;
      if (searching_ == 0) {
        one_more(hold);
      }
    }
    watch_queue(hold);
  }

  void refuse_all(std::unique_lock<std::mutex>& hold) noexcept {
    const auto why = cannot_;
    thread_call* all = std::exchange(first_, nullptr);
    last_ = nullptr;
    queued_.store(0, std::memory_order_relaxed);
    hold.unlock();
    while (all != nullptr) {
      std::exchange(all, all->next_)->refuse(why);
    }
    hold.lock();
  }

  const std::size_t cores_ = std::max(2U, std::thread::hardware_concurrency()) - 1;
  std::mutex mutex_;
  thread_call* first_ = nullptr;
  thread_call* last_ = nullptr;
  std::atomic<std::size_t> queued_{0};  // written under the mutex, read by threads that spin
  sleeper* sleeping_ = nullptr;         // the most recent first: its stack is still in the cache
  std::size_t threads_ = 0;
  std::size_t working_ = 0;
  std::size_t searching_ = 0;
  sigset_t blocked_{};  // the signal mask of the last thread that caused a thread to be started

  bool armed_ = false;
  std::size_t taken_ = 0;  // the number of tasks ever taken
  std::size_t taken_before_ = 0;
  std::size_t burst_ = 1;   // how many threads the last tick allowed
  std::size_t extra_ = 0;   // of these, how many have not been started yet
  std::size_t called_ = 0;  // tasks that those will take: not a sign that the queue moves

  clock::time_point cannot_since_{};  // since then no thread could be started and no task was taken
  std::error_code cannot_;            // why
};

std::error_code start(thread_call& t) {
  return thread_service::get().start(t);
}

thread_call* take(const void* owner) noexcept {
  return thread_service::get().take(owner);
}

blocking::blocking() noexcept : counts_(of_the_service && blocking_here++ == 0) {
  if (counts_) {
    thread_service::get().block();
  }
}

blocking::~blocking() {
  if (of_the_service) {
    --blocking_here;
  }
  if (counts_) {
    thread_service::get().unblock();
  }
}

std::size_t kept_threads() noexcept {
  return thread_service::get().threads();
}

}  // namespace hangup::tree
