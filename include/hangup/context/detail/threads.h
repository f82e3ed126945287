// The threads on which a task_group runs its tasks. They are kept, so that starting a task means
// handing it over rather than starting a thread. One service per process. Not for users; work for
// clients, which has to be bounded, belongs in a pool (include/hangup/worker/pool.h).
//
// Every task gets a thread, even if all other tasks block for ever, because tasks may wait for each
// other. The service starts threads at once until as many are working as there are cores (the
// caller of start() counts as one). After that a task waits until a running task returns or blocks
// (`blocking`). If neither happens for a tenth of a millisecond, more threads are started: first
// one, then twice as many each time. So many short tasks run on few threads, and many blocking
// tasks soon have as many threads as they need. A thread that has had nothing to do for five
// seconds ends.
//
// If no more threads can be started, tasks wait for the existing ones. If no task is taken from the
// queue for a second, all waiting tasks are refused, because the running ones may be blocked
// waiting for them.
#pragma once

#include <cstddef>
#include <system_error>

#pragma GCC visibility push(default)

namespace hangup::tree {

class thread_call {
 public:
  explicit thread_call(const void* owner = nullptr) noexcept : owner_(owner) {}
  thread_call(const thread_call&) = delete;
  thread_call& operator=(const thread_call&) = delete;

  // Runs the task, on a thread of the service. It may destroy the task.
  virtual void run() noexcept = 0;
  // Called instead of run() if no thread became free and none could be started. It runs on the
  // timer thread, so it must be short. It may destroy the task.
  virtual void refuse(std::error_code why) noexcept = 0;

 protected:
  ~thread_call() = default;

 private:
  friend class thread_service;
  const void* const owner_;
  thread_call* next_ = nullptr;
};

// Runs `t.run()` on a thread of its own. Returns an error if there is no thread and none can be
// started; then neither run() nor refuse() is called. Never blocks. Thread-safe.
std::error_code start(thread_call& t);

// If the next task in the queue has this owner, removes and returns it: for a thread that would
// otherwise only wait for it, and that then calls run() itself. Otherwise returns null.
thread_call* take(const void* owner) noexcept;

// While it exists, the calling thread, if it belongs to the service, does not count as working. The
// waits of this library use it. Costs nothing on other threads.
class blocking {
 public:
  blocking() noexcept;
  ~blocking();
  blocking(const blocking&) = delete;
  blocking& operator=(const blocking&) = delete;

 private:
  const bool counts_;
};

// The number of threads, working or idle: for tests.
std::size_t kept_threads() noexcept;

}  // namespace hangup::tree

#pragma GCC visibility pop
