// A function that is called once, when a context ends. The registration is an object on the
// caller's stack or in the caller's object, so it needs no allocation.
//
//   auto on_end = after_func(ctx, [&] { ::shutdown(fd, SHUT_RDWR); });
//
// The function runs on the thread that ends the context. That may be a thread inside cancel(), the
// timer thread, a thread whose wait (wait.h) is the first to notice that the deadline has passed,
// or the thread that watches connections. If the context has already ended, the function runs at
// once, in the constructor. On a context that never ends, it never runs. Several functions on one
// context run in no particular order.
//
// So the function must be short and must not block. It must not take a lock that another thread
// holds while it ends this context or waits for its end. It may cancel, derive, register and
// unregister, also on this context. Functions that take long run on a pool instead: after_func_on
// (include/hangup/worker/after_func_on.h).
//
// An exception thrown by the function does not reach the thread that ends the context, and does not
// keep other functions from running. It is stored, and stop_and_wait() rethrows it.
#pragma once

#include <atomic>
#include <exception>
#include <type_traits>
#include <utility>

#include "hangup/context/context.h"

#pragma GCC visibility push(default)

namespace hangup {

template <class F>
class [[nodiscard]] after_func final : private tree::hook {
 public:
  after_func(const context& ctx, F f) : ctx_(ctx), f_(std::move(f)) {
    if (auto* const s = context_access::scope(ctx_)) {
      tree::add(*s, *this);
    }
  }

  // Unregisters the function. If it is running on another thread, waits until it has returned.
  // Called from inside the function, it does not wait.
  ~after_func() {
    if (auto* const s = context_access::scope(ctx_)) {
      tree::withdraw(*s, *this);
    }
  }

  after_func(const after_func&) = delete;
  after_func& operator=(const after_func&) = delete;

  // Unregisters the function. Returns true if that succeeded and the function will never run; false
  // if it has run, is running, or had already been unregistered. Does not wait.
  bool stop() noexcept {
    auto* const s = context_access::scope(ctx_);
    return s != nullptr ? tree::remove(*s, *this) : !stopped_.exchange(true);
  }

  // The same, and waits until the function is not running, so that what it uses can be destroyed.
  // Called from inside the function, it does not wait. Rethrows the exception that the function
  // threw, if any, on every call.
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
        if (gone == nullptr || !*gone) {  // otherwise it has destroyed its own registration
          thrown_ = std::current_exception();
        }
      }
    } else {
      f_();
    }
  }

  const context ctx_;
  F f_;
  std::atomic<bool> stopped_{false};  // used only on a context that never ends
  [[no_unique_address]] std::conditional_t<may_throw, std::exception_ptr, nothing> thrown_{};
};

}  // namespace hangup

#pragma GCC visibility pop
