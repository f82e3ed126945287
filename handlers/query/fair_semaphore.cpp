#include "handlers/query/fair_semaphore.h"

#include <algorithm>

#include "handlers/query/database.h"
#include "hangup/http/request.h"

namespace hangup::query {

// One that waits, from its arrival until it has a place or gives up.
class fair_semaphore::turn {
 public:
  turn(fair_semaphore& of, std::uint64_t whose) : of_(of) {
    const std::lock_guard hold(of_.mutex_);
    self_ = of_.waiting_.emplace(of_.waiting_.end(), whose);
  }
  // Whether it takes a place or gives up, another client may have been waiting behind it.
  ~turn() {
    const std::lock_guard hold(of_.mutex_);
    of_.waiting_.erase(self_);
    of_.call_next();
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  // If it is not its turn, it is to wait until it is woken, and to try again.
  bool take(permit& to) {
    const std::lock_guard hold(of_.mutex_);
    if (!of_.may_take(self_->whose)) {
      self_->called = false;  // another client was faster
      self_->woken.reset();
      return false;
    }
    of_.all_.take(self_->whose);
    to = permit(&of_, self_->whose);
    return true;
  }
  event& woken() noexcept { return self_->woken; }

 private:
  fair_semaphore& of_;
  std::list<waiter>::iterator self_;
};

std::error_code fair_semaphore::take(const context& ctx, permit& to) {
  const auto whose = http::client_of(ctx);
  if (const auto ended = ctx.err()) {
    return ended;
  }
  if (take_now(ctx, whose, to)) {
    return {};
  }
  turn mine(*this, whose);
  permit got;
  while (!mine.take(got)) {
    if (const std::error_code ec = mine.woken().wait(ctx)) {
      return ec;
    }
  }
  to = std::move(got);
  return {};
}

task<std::error_code> fair_semaphore::take_later(const context& ctx, permit& to) {
  const auto whose = http::client_of(ctx);
  if (const auto ended = ctx.err()) {
    co_return ended;
  }
  if (take_now(ctx, whose, to)) {
    co_return std::error_code();
  }
  turn mine(*this, whose);
  permit got;
  while (!mine.take(got)) {
    if (const std::error_code ec = co_await mine.woken().wait(ctx)) {
      co_return ec;
    }
  }
  to = std::move(got);
  co_return std::error_code();
}

std::error_code fair_semaphore::take(const context& ctx, std::chrono::milliseconds patience,
                                     permit& to) {
  if (take_now(ctx, http::client_of(ctx), to)) {  // without setting a timer
    return {};
  }
  const auto [soon, cancel] = with_timeout(ctx, patience);
  return !take(soon, to) ? std::error_code() : ctx.done() ? ctx.err() : errc::busy;
}

task<std::error_code> fair_semaphore::take_later(const context& ctx,
                                                 std::chrono::milliseconds patience, permit& to) {
  if (take_now(ctx, http::client_of(ctx), to)) {
    co_return std::error_code();
  }
  const auto soon = with_timeout(ctx, patience);
  const auto ec = co_await take_later(soon.ctx, to);
  co_return !ec ? ec : ctx.done() ? ctx.err() : std::error_code(errc::busy);
}

bool fair_semaphore::take_now(const context& ctx, std::uint64_t whose, permit& to) {
  permit got;
  {
    const std::lock_guard hold(mutex_);
    if (ctx.done() || !may_take(whose)) {
      return false;
    }
    all_.take(whose);
    got = permit(this, whose);
  }
  to = std::move(got);  // what it had is given back, which takes the lock
  return true;
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
    next->woken.set();
  }
}

void fair_semaphore::leave(std::uint64_t whose) noexcept {
  const std::lock_guard hold(mutex_);
  all_.give_back(whose);
  call_next();
}

}  // namespace hangup::query
