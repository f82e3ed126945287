// Threads that are kept: what a task_group runs its tasks on, so that starting a task costs a
// hand-over and not a new thread. One service for the process. Not for users; bounded work for
// strangers belongs in a pool (worker/pool.h).
//
// Every task gets a thread, also when all others block for ever: tasks may wait for each other. As
// many as there are cores, less the one of whoever starts them, get theirs at once. Beyond that a
// task waits until a running one returns or says that it blocks (`blocking`), and a tenth of a
// millisecond at most if none does: then it is a thread more, twice as many each time as before. So
// a burst of short tasks runs on a few threads, and a burst of blocking ones soon has as many as it
// needs. A thread that has had nothing to do for five seconds ends.
//
// Where no more threads can be made, a task waits for those that there are. If none of them comes
// for it within a second, all that wait are refused: they may be what the others block for.
#pragma once

#include <cstddef>
#include <system_error>

namespace hangup::tree {

class task {
 public:
  explicit task(const void* owner = nullptr) noexcept : owner_(owner) {}
  task(const task&) = delete;
  task& operator=(const task&) = delete;

  // On a thread of the service. The task may be destroyed from here.
  virtual void run() noexcept = 0;
  // Instead of run(): no thread came, and none can be made. On the timer thread: must be short. The
  // task may be destroyed from here.
  virtual void refuse(std::error_code why) noexcept = 0;

 protected:
  ~task() = default;

 private:
  friend class thread_service;
  const void* const owner_;
  task* next_ = nullptr;
};

// Runs `t.run()` on a thread of its own. Returns why not, if there is no thread and none can be
// made; then neither run() nor refuse() is called. Never blocks. Thread-safe.
std::error_code start(task& t);

// Takes back the task that is next in the queue if it has this owner, for a thread that would only
// wait for it: it calls run() itself. Null: there is none.
task* take(const void* owner) noexcept;

// While it lives the calling thread, if it is one of the service's, does not count as working: for
// waits. Costs nothing on other threads.
class blocking {
 public:
  blocking() noexcept;
  ~blocking();
  blocking(const blocking&) = delete;
  blocking& operator=(const blocking&) = delete;

 private:
  const bool counts_;
};

// How many there are, working or idle: for tests.
std::size_t kept_threads() noexcept;

}  // namespace hangup::tree
