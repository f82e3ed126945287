// A function that runs once, when a context ends. The registration is an object on the caller's
// stack or in the caller's object: no allocation.
//
//   auto on_end = after_func(ctx, [&] { ::shutdown(fd, SHUT_RDWR); });
//
// The function runs on the thread that ends the context: inside cancel(), on the timer thread, on a
// thread whose wait (wait.h) is the first to find the deadline passed, on the watcher of
// connections; or at once, here, if the context has ended. So it must be short, must not block,
// must not throw and must not take a lock that is held while waiting for, or ending, this context;
// it may cancel, derive, register and unregister, also on this context. On a context that never
// ends it never runs. The order of several is not specified.
#pragma once

#include <atomic>
#include <utility>

#include "context/context.h"

namespace hangup {

template <class F>
class [[nodiscard]] after_func final : private tree::hook {
 public:
  after_func(const context& ctx, F f) : ctx_(ctx), f_(std::move(f)) {
    if (auto* const s = context_access::scope(ctx_)) {
      tree::add(*s, *this);
    }
  }

  // Unregisters. If the function is just running on another thread, waits until it has returned;
  // called from inside the function it does not wait.
  ~after_func() {
    if (auto* const s = context_access::scope(ctx_)) {
      if (!tree::remove(*s, *this)) {
        tree::wait_not_running(*s, *this);
      }
    }
  }

  after_func(const after_func&) = delete;
  after_func& operator=(const after_func&) = delete;

  // True: unregistered, it will never run. False: it has run, is running, or was stopped before.
  // Does not wait.
  bool stop() noexcept {
    auto* const s = context_access::scope(ctx_);
    return s != nullptr ? tree::remove(*s, *this) : !stopped_.exchange(true);
  }

 private:
  void fire() noexcept override { f_(); }

  const context ctx_;
  F f_;
  std::atomic<bool> stopped_{false};  // on a context that never ends
};

}  // namespace hangup
