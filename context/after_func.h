// A function that runs once, when a context ends. The registration is an object on the caller's
// stack or in the caller's object: no allocation.
//
//   auto on_end = after_func(ctx, [&] { ::shutdown(fd, SHUT_RDWR); });
//
// The function runs on the thread that ends the context: inside cancel(), on the timer thread, on a
// thread whose wait (wait.h) is the first to find the deadline passed, on the watcher of
// connections; or at once, here, if the context has ended. So it must be short, must not block and
// must not take a lock that is held while waiting for, or ending, this context; it may cancel,
// derive, register and unregister, also on this context. What is not short runs on a pool:
// after_func_on (worker/after_func_on.h). On a context that never ends it never runs. The order of
// several is not specified.
//
// An exception does not reach the thread that ends the context, nor keep the others from running:
// it is kept, and stop_and_wait() rethrows it.
#pragma once

#include <atomic>
#include <exception>
#include <type_traits>
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
      tree::withdraw(*s, *this);
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

  // The same, and returns when the function does not run: what it uses can be taken away. Called
  // from inside the function it does not wait. Rethrows what the function has thrown, each time.
  bool stop_and_wait() {
    const bool stopped = stop();
    if (!stopped) {
      if (auto* const s = context_access::scope(ctx_)) {
        tree::wait_not_running(*s, *this);
      }
      if constexpr (may_throw) {
        if (thrown_) {
          std::rethrow_exception(thrown_);
        }
      }
    }
    return stopped;
  }

 private:
  static constexpr bool may_throw = !std::is_nothrow_invocable_v<F&>;
  struct nothing {};

  void fire() noexcept override {
    if constexpr (may_throw) {
      const bool* const gone = destroyed;
      try {
        f_();
      } catch (...) {
        if (gone == nullptr || !*gone) {  // else it has destroyed its own registration
          thrown_ = std::current_exception();
        }
      }
    } else {
      f_();
    }
  }

  const context ctx_;
  F f_;
  std::atomic<bool> stopped_{false};  // on a context that never ends
  [[no_unique_address]] std::conditional_t<may_throw, std::exception_ptr, nothing> thrown_{};
};

}  // namespace hangup
