// What runs tasks (hangup/context/task.h), as far as tasks and their waits have to know it. The
// loop of hangup/worker/loop.h is one, and run_blocking() another. Not for users.
//
// An executor is one thread. A task belongs to one executor: it begins there and is always resumed
// there. So a wait that is registered by its own task cannot be resumed before the registration is
// complete, and what only the executor's own thread touches needs no lock.
//
// All nodes below are parts of the objects that wait, so nothing here allocates.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <system_error>
#include <utility>

#include "hangup/context/location.h"

#pragma GCC visibility push(default)

namespace hangup::tree {

class executor;
class posts;
class ready;

// What a coroutine must know to be awaited or to wait. The promises of all tasks derive from it.
struct task_promise {
  executor* on = nullptr;                // taken over from the task that awaits this one
  const location* started = nullptr;     // where the outermost task was started, for reports
  std::coroutine_handle<> awaited_by{};  // resumed when this task has returned
  ready* at_end = nullptr;               // or, if nobody awaits it: posted when it has returned
  bool beginning = false;                // whoever awaits it is still in the call that began it
};

template <class P>
concept task_like = std::derived_from<P, task_promise>;

// `co_await this_task()`: where the outermost task was started that the caller is a part of. Until
// that task is over, the address tells it from all others. Does not wait.
class this_task {
 public:
  bool await_ready() const noexcept { return false; }
  template <task_like P>
  bool await_suspend(std::coroutine_handle<P> task) noexcept {
    started_ = task.promise().started;
    return false;
  }
  const location& await_resume() const noexcept { return *started_; }

 private:
  const location* started_ = nullptr;
};

// Something that an executor is to run, once per post().
class ready {
 public:
  using function = void (*)(ready&) noexcept;
  explicit ready(function what) noexcept : run_(what) {}
  ready(const ready&) = delete;
  ready& operator=(const ready&) = delete;

  void run() noexcept { run_(*this); }  // may destroy it
  const location* started() const noexcept { return started_; }

  ready* next = nullptr;  // belongs to the executor from post() until run()

 protected:
  ~ready() = default;
  void started_at(const location* where) noexcept { started_ = where; }

 private:
  const function run_;
  const location* started_ = nullptr;
};

// A task that waits. Any number of sources, on any threads, may wake it; the first one posts it,
// and the others do nothing.
//
// Each wait goes through these steps, on the executor's thread:
// 1. prepare(), and from then on wake() may be called;
// 2. the sources are registered;
// 3. `return suspend()` as the result of await_suspend(): false if a source was faster;
// 4. in await_resume(), the sources are withdrawn. Each must guarantee that it does not call
// wake(),
//   and is not inside it, once it has been withdrawn.
//
// By default it resumes its task when it runs. A wait that has to look first whether its task can
// go on (a channel) gives its own function. That function either calls resume(), or
// prepare_again(), tries once more, and suspend(); if suspend() is false, it begins anew.
class suspended : public ready {
 public:
  explicit suspended(function what = &resume_it) noexcept : ready(what) {}

  template <task_like P>
  void prepare(std::coroutine_handle<P> task) noexcept {
    task_ = task;
    on_ = task.promise().on;
    started_at(task.promise().started);
    state_.store(preparing, std::memory_order_relaxed);
    last_wake_seen_ = false;
  }
  // What a source did before it called wake() happens before what follows this call.
  void prepare_again() noexcept {
    const auto before = state_.exchange(preparing, std::memory_order_acq_rel);
    last_wake_seen_ = last_wake_seen_ || before == woken_for_good;
  }

  // Returns false if wake() has been called since it was prepared: the task then goes on at once.
  [[nodiscard]] bool suspend() noexcept {
    auto seen = preparing;
    return state_.compare_exchange_strong(seen, sleeping, std::memory_order_acq_rel);
  }

  void wake() noexcept { wake_as(woken); }  // any thread
  void resume() noexcept;                   // on the executor's thread; may destroy this

  executor& on() const noexcept { return *on_; }

 protected:
  ~suspended() = default;

  // The same, for one of the sources: the one that calls it once. If last_wake_seen() is true
  // afterwards, that source uses this no more, and need not be withdrawn. It is false if the source
  // has not called it, or if another one was later.
  void last_wake() noexcept { wake_as(woken_for_good); }
  void last_wake(posts& to) noexcept;  // posts it with others
  bool last_wake_seen() const noexcept {
    return last_wake_seen_ || state_.load(std::memory_order_acquire) == woken_for_good;
  }

  static void resume_it(ready& self) noexcept { static_cast<suspended&>(self).resume(); }

 private:
  enum state : std::uint8_t { preparing, sleeping, woken, woken_for_good };
  void wake_as(state how) noexcept;

  std::coroutine_handle<> task_{};
  executor* on_ = nullptr;
  std::atomic<state> state_{preparing};
  bool last_wake_seen_ = false;  // before it was prepared again
};

// Something that is to happen at a time, on the executor's thread. A node of a pairing heap.
class timed {
 public:
  timed() = default;
  timed(const timed&) = delete;
  timed& operator=(const timed&) = delete;

  // Called once per arm(), unless it is disarmed before. It is not armed any more.
  virtual void due() noexcept = 0;
  bool armed() const noexcept { return armed_; }

 protected:
  ~timed() = default;

 private:
  friend class timed_heap;
  std::chrono::steady_clock::time_point when_{};
  timed* child_ = nullptr;
  timed* next_ = nullptr;  // sibling
  timed* prev_ = nullptr;  // sibling or, for the first child, parent
  bool armed_ = false;
};

// A descriptor that is watched, on the executor's thread.
class watched {
 public:
  watched() = default;
  watched(const watched&) = delete;
  watched& operator=(const watched&) = delete;

  // Called once per watch(), with the events that poll(2) would report, unless it is unwatched
  // before. It is not watched any more.
  virtual void happened(short events) noexcept = 0;
  // Called by another thread while it is watched, if the executor's thread has not looked at its
  // descriptors for long: whoever else can hear what happens should. May be repeated. The executor
  // keeps it apart from happened(), and watch() and unwatch() wait until it has returned.
  virtual void not_looked_at() noexcept {}

 protected:
  ~watched() = default;

 private:
  friend class watch_set;  // the executor's
  int fd_ = -1;            // negative: it is not watched
  short asked_ = 0;
  watched* next_ = nullptr;  // that watches the same descriptor
};

class executor {
 public:
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  // Calls r.run() on the executor's thread, once. Any thread may call it. The node may be gone when
  // this returns, but the executor does not end before.
  void post(ready& r) noexcept { post(r, r); }
  // The same for many, which are linked by `next` from the first to the last.
  virtual void post(ready& first, ready& last) noexcept = 0;

  // The rest on the executor's own thread only. Disarming and unwatching what is not armed or
  // watched does nothing.
  virtual void arm(timed& t, std::chrono::steady_clock::time_point when) noexcept = 0;
  virtual void disarm(timed& t) noexcept = 0;
  // Watches until one of the events of poll(2), an error or a hang-up is reported. Returns the
  // error of the system if the descriptor cannot be watched.
  virtual std::error_code watch(watched& w, int fd, short events) noexcept = 0;
  virtual void unwatch(watched& w) noexcept = 0;
  // Whether somebody calls watched::not_looked_at() when it has to be called.
  virtual bool is_looked_after() const noexcept = 0;

 protected:
  executor() = default;
  ~executor() = default;
};

// Tasks that one thread wakes: those of an executor are posted together, so that it is not woken
// for each of them.
class posts {
 public:
  posts() = default;
  posts(const posts&) = delete;
  posts& operator=(const posts&) = delete;
  ~posts() { flush(); }

  void add(executor& on, ready& r) noexcept {
    auto* to = chains_.begin();
    while (to->on != nullptr && to->on != &on && to != &chains_.back()) {
      ++to;
    }
    if (to->on != &on) {
      to->flush();
      *to = {&on, &r, &r};
    } else {
      to->last->next = &r;
      to->last = &r;
    }
    if (++count_ == at_once) {
      flush();
    }
  }
  void flush() noexcept {
    for (auto& one : chains_) {
      one.flush();
    }
    count_ = 0;
  }

 private:
  struct chain {
    executor* on = nullptr;
    ready* first = nullptr;
    ready* last = nullptr;
    void flush() noexcept {
      if (on != nullptr) {
        std::exchange(on, nullptr)->post(*first, *last);
      }
    }
  };
  static constexpr int at_once = 256;  // the first of them should not wait for all
  std::array<chain, 4> chains_{};      // those that are used come first
  int count_ = 0;
};

inline void suspended::wake_as(state how) noexcept {
  // After the exchange, the task may run and destroy this, unless it is still to be posted.
  executor& on = *on_;
  if (state_.exchange(how, std::memory_order_acq_rel) == sleeping) {
    on.post(*this);
  }
}

inline void suspended::last_wake(posts& to) noexcept {
  executor& on = *on_;
  if (state_.exchange(woken_for_good, std::memory_order_acq_rel) == sleeping) {
    to.add(on, *this);
  }
}

inline void suspended::resume() noexcept {
  task_.resume();
}

}  // namespace hangup::tree

#pragma GCC visibility pop
