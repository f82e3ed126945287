// A limited number of places that are taken and given back, shared fairly between clients. Threads
// and tasks may wait for the same places.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <system_error>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/event.h"
#include "hangup/context/task.h"
#include "worker/shares.h"

namespace hangup::query {

class fair_semaphore;

// A place that has been taken, or none. Move-only. The destructor gives the place back.
class permit {
 public:
  permit() = default;
  permit(permit&& other) noexcept : of_(std::exchange(other.of_, nullptr)), whose_(other.whose_) {}
  permit& operator=(permit&& other) noexcept {
    std::swap(of_, other.of_);
    std::swap(whose_, other.whose_);
    return *this;
  }
  ~permit();

  explicit operator bool() const noexcept { return of_ != nullptr; }

 private:
  friend class fair_semaphore;
  permit(fair_semaphore* of, std::uint64_t whose) noexcept : of_(of), whose_(whose) {}
  fair_semaphore* of_ = nullptr;
  std::uint64_t whose_ = 0;
};

// Thread-safe. Must outlive all its places.
class fair_semaphore {
 public:
  // `spare`: additional places, for clients that have none.
  explicit fair_semaphore(std::size_t ordinary, std::size_t spare = 0)
      : all_({.ordinary = ordinary, .spare = spare}) {}

  // Waits for a free place. It goes to the client that has the fewest, and among several of those
  // to the one that came first; but a client that has as few and asks at that moment may get it
  // before. The client is http::client_of(ctx). Returns ctx.err() if the context has ended; then
  // nothing was taken.
  std::error_code take(const context& ctx, permit& to);

  // The same, but waits at most for `patience` and then returns errc::busy.
  std::error_code take(const context& ctx, std::chrono::milliseconds patience, permit& to);

  // Both for a task, which holds no thread while it waits.
  task<std::error_code> take_later(const context& ctx, permit& to);
  task<std::error_code> take_later(const context& ctx, std::chrono::milliseconds patience,
                                   permit& to);

  std::size_t taken() const;
  std::size_t waiting() const;

 private:
  friend class permit;
  struct waiter {
    explicit waiter(std::uint64_t w) : whose(w) {}
    const std::uint64_t whose;
    bool called = false;  // a place is free for this waiter, which has been woken
    event woken;          // set when it is called
  };
  class turn;

  bool take_now(const context& ctx, std::uint64_t whose, permit& to);
  // The lock must be held for the functions below.
  bool may_take(std::uint64_t whose) const;
  void call_next() noexcept;
  void leave(std::uint64_t whose) noexcept;  // takes the lock

  mutable std::mutex mutex_;
  shares all_;                 // guarded by mutex_
  std::list<waiter> waiting_;  // guarded by mutex_
};

inline permit::~permit() {
  if (of_ != nullptr) {
    of_->leave(whose_);
  }
}

}  // namespace hangup::query
