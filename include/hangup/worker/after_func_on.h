// A function that is called once, on a pool, when a context ends. For functions that take too long
// or block, and so must not run on the thread that ends the context (after_func,
// include/hangup/context/after_func.h).
//
//   after_func_on on_end(ctx, queries, [&] { server.tell_to_cancel(query); });
//
// Nothing is allocated: the registration object itself waits in the pool's queue. So there is
// always a place for it, even if the queue is full, and cancel() never waits for the function. If
// the pool has no thread and cannot start one, the function runs on the thread that ends the
// context. If the context has already ended, the function is handed to the pool at once; on a
// context that never ends, it never runs. The pool must outlive the registration.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "hangup/context/after_func.h"
#include "hangup/worker/pool.h"

#pragma GCC visibility push(default)

namespace hangup {

template <class F>
class [[nodiscard]] after_func_on final : private job {
 public:
  after_func_on(const context& ctx, pool& on, F f)
      : pool_(on), f_(std::move(f)), registration_(ctx, start{this}) {}

  // Unregisters the function. If it is waiting for a worker or running, waits until it has
  // returned. Called from inside the function, it does not wait.
  ~after_func_on() {
    if (!stop() && wait()) {
      *gone_ = true;
    }
  }
  after_func_on(const after_func_on&) = delete;
  after_func_on& operator=(const after_func_on&) = delete;

  // Unregisters the function. Returns true if that succeeded and the function will never run; false
  // if it has been handed to the pool, or had already been unregistered. Does not wait.
  bool stop() noexcept { return registration_.stop(); }

  // The same, and waits until the function has returned, if it was handed to the pool. Called from
  // inside the function, it does not wait. Rethrows the exception that the function threw, if any,
  // on every call.
  bool stop_and_wait() {
    const bool stopped = stop();
    if (!stopped) {
      wait();
      if (thrown_) {
        std::rethrow_exception(thrown_);
      }
    }
    return stopped;
  }

 private:
  struct start {
    after_func_on* self;
    void operator()() const noexcept { self->hand_over(); }
  };

  void hand_over() noexcept {
    {
      const std::lock_guard hold(mutex_);
      handed_over_ = true;
    }
    if (pool_.post_always(*this)) {
      run();
    }
  }

  void run() noexcept override {
    {
      const std::lock_guard hold(mutex_);
      runner_ = std::this_thread::get_id();
    }
    bool gone = false;
    gone_ = &gone;
    std::exception_ptr thrown;
    try {
      f_();
    } catch (...) {
      thrown = std::current_exception();
    }
    if (gone) {  // the function has destroyed its own registration
      return;
    }
    const std::lock_guard hold(mutex_);
    thrown_ = thrown;
    over_ = true;
    changed_.notify_all();  // under the lock: this object may be destroyed right after it
  }
  void dropped() noexcept override {}

  // Waits until the function has returned. Called from inside the function, it returns true at
  // once.
  bool wait() {
    static_cast<void>(registration_.stop_and_wait());
    std::unique_lock hold(mutex_);
    if (handed_over_ && !over_ && runner_ == std::this_thread::get_id()) {
      return true;
    }
    changed_.wait(hold, [this] { return !handed_over_ || over_; });
    return false;
  }

  pool& pool_;
  F f_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool handed_over_ = false;
  bool over_ = false;
  std::thread::id runner_{};
  bool* gone_ = nullptr;  // on the stack of the thread that runs the function
  std::exception_ptr thrown_;
  after_func<start> registration_;  // last: it may run at once, and uses all of the above
};

}  // namespace hangup

#pragma GCC visibility pop
