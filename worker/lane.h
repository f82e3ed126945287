// One thread that runs tasks: a queue of tasks that are ready, a heap of timers, and a set of
// descriptors.
// A loop has one lane per thread; run_blocking() makes one for the calling thread.
//
// Tasks that the lane's own thread wakes are queued without a lock. Other threads take a mutex, and
// write to an eventfd only if the lane sleeps: once for all tasks that are woken until it is up.
// The write is made under the mutex, so a lane that has taken the last task out of its queue may be
// destroyed: no other thread uses it any more.
//
// run() belongs to one thread. The functions of `executor` are thread-safe as said there.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

#include "hangup/context/detail/executor.h"
#include "worker/timed_heap.h"
#include "worker/watch_set.h"

namespace hangup::tree {

class lane final : public executor {
 public:
  using clock = std::chrono::steady_clock;

  lane() = default;  // throws std::system_error if a descriptor cannot be made
  ~lane();

  // Runs tasks until `over` is set. It is looked at between two tasks, so a task may set it;
  // another thread calls stop().
  void run(const bool& over) noexcept;
  void run() noexcept;  // until stop()
  void stop() noexcept;

  // The lane that the calling thread runs; null: none.
  static lane* of_this_thread() noexcept;

  // Called on the lane's thread each time it has been woken, before it runs anything. Whoever sets
  // it looks after the lane: see executor.
  std::function<void()> on_wake{};
  // Called on the lane's thread when a step has returned that was marked by mark_late().
  std::function<void(location started)> on_late_return{};

  // For the thread that looks whether tasks come back. A step is one run of a task, from one wait
  // to the next. The number tells steps apart; 0: none is running.
  std::uint64_t step() const noexcept;
  // Marks the step and returns true, if it is still running. `started`: of its task.
  bool mark_late(std::uint64_t step, location& started) noexcept;
  bool awake() const noexcept { return awake_.load(); }
  // How often the thread has looked at its descriptors.
  std::uint64_t looks() const noexcept { return looks_.load(std::memory_order_relaxed); }
  // It has not done so for long: see watch_set.
  bool not_looked_at(std::size_t& from) noexcept { return watching_.not_looked_at(from); }
  // Where the task was started that runs now; null: none. Thread-safe. The address tells tasks
  // apart as long as they exist.
  const location* task() const noexcept { return task_.load(std::memory_order_relaxed); }
  std::mutex& late_mutex() noexcept { return late_mutex_; }  // held by who marks and tells

  using executor::post;
  void post(ready& first, ready& last) noexcept override;
  void arm(timed& t, clock::time_point when) noexcept override;
  void disarm(timed& t) noexcept override;
  std::error_code watch(watched& w, int fd, short events) noexcept override;
  void unwatch(watched& w) noexcept override;
  bool is_looked_after() const noexcept override { return static_cast<bool>(on_wake); }

 private:
  struct list {
    ready* first = nullptr;
    ready* last = nullptr;
    bool empty() const noexcept { return first == nullptr; }
    void append(ready& from, ready& to) noexcept;
    void append(list& other) noexcept;
  };

  void take_posted() noexcept;
  void run_ready(const bool& over) noexcept;
  void expire_timers() noexcept;
  void look_at_descriptors(clock::time_point until) noexcept;
  bool may_sleep() noexcept;
  void run_one(ready& r) noexcept;

  watch_set watching_;
  list ready_;  // this and the next two: the lane's thread only
  timed_heap timers_;
  bool told_to_stop_ = false;

  std::mutex mutex_;  // guards the next three
  list posted_;
  bool sleeping_ = false;
  bool stopping_ = false;

  std::atomic<bool> awake_{false};
  std::atomic<std::uint64_t> looks_{0};
  std::atomic<std::uint64_t> step_{0};
  std::atomic<const location*> task_{nullptr};
  std::atomic<const char*> file_{""};  // where the running task was started
  std::atomic<unsigned> line_{0};
  std::mutex late_mutex_;
};

}  // namespace hangup::tree
