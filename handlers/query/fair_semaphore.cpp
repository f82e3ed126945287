#include "handlers/query/fair_semaphore.h"

#include <algorithm>

#include "handlers/query/database.h"
#include "hangup/context/wait.h"
#include "hangup/http/request.h"

namespace hangup::query {

std::error_code fair_semaphore::take(const context& ctx, permit& to) {
  const auto whose = http::client_of(ctx);
  {
    std::unique_lock hold(mutex_);
    if (const auto ended = ctx.err()) {
      return ended;
    }
    if (!may_take(whose)) {
      if (const auto ec = wait_for_one(ctx, whose, hold)) {
        return ec;
      }
    } else {
      all_.take(whose);
    }
  }
  to = permit(this, whose);
  return {};
}

std::error_code fair_semaphore::take(const context& ctx, std::chrono::milliseconds patience,
                                     permit& to) {
  const auto whose = http::client_of(ctx);
  {
    std::unique_lock hold(mutex_);
    if (!ctx.done() && may_take(whose)) {  // without setting a timer
      all_.take(whose);
      hold.unlock();
      to = permit(this, whose);
      return {};
    }
  }
  const auto [soon, cancel] = with_timeout(ctx, patience);
  return !take(soon, to) ? std::error_code() : ctx.done() ? ctx.err() : errc::busy;
}

std::error_code fair_semaphore::wait_for_one(const context& ctx, std::uint64_t whose,
                                             std::unique_lock<std::mutex>& hold) {
  // Whether it takes a place or gives up, another client may have been waiting behind it.
  struct turn {
    ~turn() {
      of.waiting_.erase(self);
      of.call_next();
    }
    fair_semaphore& of;
    const std::list<waiter>::iterator self;
  };
  const turn mine{*this, waiting_.emplace(waiting_.end(), whose)};
  const auto ec = wait(ctx, mine.self->changed, hold, [&] {
    const bool may = may_take(whose);
    mine.self->called = mine.self->called && may;  // another client was faster
    return may;
  });
  if (!ec) {
    all_.take(whose);
  }
  return ec;
}

std::size_t fair_semaphore::taken() const {
  const std::lock_guard hold(mutex_);
  return all_.taken();
}

std::size_t fair_semaphore::waiting() const {
  const std::lock_guard hold(mutex_);
  return waiting_.size();
}

// Whether a place is free and no client with fewer places is waiting for it.
bool fair_semaphore::may_take(std::uint64_t whose) const {
  return all_.free_for(whose) &&
         std::none_of(waiting_.begin(), waiting_.end(), [&](const waiter& w) {
           return w.whose != whose && all_.held_by(w.whose) < all_.held_by(whose);
         });
}

void fair_semaphore::call_next() noexcept {
  waiter* next = nullptr;
  for (auto& w : waiting_) {
    if (!w.called && all_.free_for(w.whose) &&
        (next == nullptr || all_.held_by(w.whose) < all_.held_by(next->whose))) {
      next = &w;
    }
  }
  if (next != nullptr) {
    next->called = true;
    next->changed.notify_one();
  }
}

void fair_semaphore::leave(std::uint64_t whose) noexcept {
  const std::lock_guard hold(mutex_);
  all_.give_back(whose);
  call_next();
}

}  // namespace hangup::query
