// What the tests of contexts share.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <barrier>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hangup/context/after_func.h"
#include "hangup/context/context.h"
#include "tests/support/patience.h"
#include "tests/support/resources.h"
#include "tests/support/sanitized.h"

namespace hangup::test {

using namespace std::chrono_literals;
using clock = context::clock;

// A time that no test lives to see.
inline constexpr auto never = 1h;

// Keys of values.
struct user_key {
  using type = std::string;
};
struct level_key {
  using type = int;
};

inline cause because(std::string text) {
  return {cause_kind::caller, {}, std::move(text)};
}

// Runs f(0) ... f(count - 1) on threads that start at the same moment, and joins them.
template <class F>
void together(int count, const F& f) {
  std::barrier start(count);
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&start, &f, i] {
      start.arrive_and_wait();
      f(i);
    });
  }
}

// Waits by spinning, so that the very first moment is seen; lets go of the core now and then, as
// there are often fewer cores than threads. False: it took too long.
template <class Ready>
bool spin_until(const Ready& ready) {
  const auto limit = clock::now() + patience;
  for (;;) {
    for (int i = 0; i < 2000; ++i) {
      if (ready()) {
        return true;
      }
    }
    if (clock::now() > limit) {
      return false;
    }
    std::this_thread::yield();
  }
}

// A parent with many children: its end takes long enough to be met in the middle. The child that
// was made first is ended last by some orders, the one made last by others: tests look at both.
struct wide {
  explicit wide(const context& above, int width) : top(with_cancel(above)) { grow(width); }
  wide(cancelable own, int width) : top(std::move(own)) { grow(width); }
  void grow(int width) {
    for (int i = 0; i < width; ++i) {
      kids.push_back(with_cancel(top.ctx));
    }
  }
  bool all_done() const {
    return top.ctx.done() && kids.front().ctx.done() && kids.back().ctx.done();
  }

  cancelable top;
  std::vector<cancelable> kids;
};

// Keeps the thread of the timer service busy for as long as it lives, as a slow hook or a machine
// without a free core would.
class stalled_timer {
 public:
  stalled_timer() {
    const auto here = std::this_thread::get_id();
    for (auto time = 20ms; !hook_; time *= 2) {
      // If this thread is held up, the context ends before the hook is there, which then runs here:
      // again with more time.
      bool too_late = false;
      auto c = with_timeout(background(), time);
      auto block = [this, here, &too_late] {
        if (std::this_thread::get_id() == here) {
          too_late = true;
          return;
        }
        stalled_.set_value();
        go_.get_future().wait();
      };
      hook_ = std::make_unique<after_func<std::function<void()>>>(c.ctx, std::move(block));
      if (too_late) {
        hook_.reset();
        continue;
      }
      stalled_.get_future().wait();
    }
  }
  ~stalled_timer() {
    go_.set_value();
    hook_.reset();
  }

 private:
  std::promise<void> stalled_;
  std::promise<void> go_;
  std::unique_ptr<after_func<std::function<void()>>> hook_;
};

struct sockets {
  sockets() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0); }
  ~sockets() {
    ::close(fd[0]);
    if (fd[1] >= 0) {
      ::close(fd[1]);
    }
  }
  sockets(const sockets&) = delete;
  sockets& operator=(const sockets&) = delete;
  void hang_up() { ::close(std::exchange(fd[1], -1)); }
  int fd[2] = {-1, -1};
};

// Holds the lock of the timer service: whoever ends a context with a deadline stops in the middle,
// after it has ended that one and before it has ended the next.
class locked_timers final : tree::timer {
 public:
  locked_timers() {
    arm(clock::now());
    locked_.get_future().wait();
  }
  ~locked_timers() {
    unlock();
    (void)tree::armed_timers();  // waits for the lock: the timer thread is done with this object
  }
  void unlock() {
    if (!std::exchange(unlocked_, true)) {
      go_.set_value();
    }
  }

 private:
  bool acquire() noexcept override {  // on the timer thread, with its lock held
    locked_.set_value();
    go_.get_future().wait();
    return false;
  }
  void expire() noexcept override {}

  std::promise<void> locked_;
  std::promise<void> go_;
  bool unlocked_ = false;
};

inline tree::scope& scope_of(const context& ctx) {
  return *context_access::scope(ctx);
}

}  // namespace hangup::test
