// Jobs and events for tests of pools.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "hangup/worker/pool.h"
#include "tests/unit/context/support.h"

namespace hangup::test {

// Unlike a promise it may be destroyed as soon as await() has returned.
class event {
 public:
  void set() {
    const std::lock_guard hold(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool await() {
    std::unique_lock hold(mutex_);
    return changed_.wait_for(hold, patience, [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

// Counts what became of it.
struct counted final : job {
  void run() noexcept override {
    ++runs;
    if (on_run) {
      on_run();
    }
    over.set();
  }
  void dropped() noexcept override {
    ++drops;
    if (on_drop) {
      on_drop();
    }
    over.set();
  }
  bool await() { return over.await(); }

  std::atomic<int> runs{0};
  std::atomic<int> drops{0};
  std::function<void()> on_run;
  std::function<void()> on_drop;
  event over;
};

// Keeps one worker of a pool busy until it is told to go on.
class busy {
 public:
  explicit busy(pool& p) {
    const auto ec = p.submit(background(), [events = events_](const context&) {
      events->in.set();
      EXPECT_TRUE(events->go.await());
    });
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_TRUE(events_->in.await());
  }
  ~busy() { go_on(); }
  void go_on() { events_->go.set(); }

 private:
  struct both {
    event in;
    event go;
  };
  const std::shared_ptr<both> events_ = std::make_shared<both>();
};

inline bool is_idle(const pool& p) {
  const auto now = p.now();
  return now.running == 0 && now.queued == 0;
}

}  // namespace hangup::test
