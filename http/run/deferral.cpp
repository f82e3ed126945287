#include "http/run/deferral.h"

#include <stdexcept>

#include "context/early_end.h"
#include "hangup/http/deferred.h"
#include "http/run/reply_access.h"

namespace hangup::http {

// A thread that sleeps on the context of a deferred answer is none that the server waits for, so it
// must not call the watcher.
deferral::deferral(const context& ctx, const request& req)
    : ctx_(with_value<early_end>(ctx, {})),
      reply_(std::in_place, ctx_, req),
      registration_(ctx, on_end{this}) {
  reply_access::defers(*reply_) = true;
}

std::error_code deferral::send(const std::function<void(reply& res)>& make) {
  {
    const std::lock_guard hold(mutex_);
    if (state_ == state::ended) {
      return ctx_.err();
    }
    if (state_ != state::waiting) {
      return std::make_error_code(std::errc::already_connected);
    }
    state_ = state::sending;
  }
  std::exception_ptr thrown;
  try {
    make(*reply_);
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::lock_guard hold(mutex_);
  thrown_ = std::move(thrown);
  state_ = state::answered;
  wake_up();
  return {};
}

bool deferral::wait(std::function<void()> wake) {
  const std::lock_guard hold(mutex_);
  if (state_ == state::answered || state_ == state::ended) {
    return false;
  }
  wake_ = std::move(wake);
  return true;
}

reply* deferral::answer() {
  const std::lock_guard hold(mutex_);
  if (thrown_) {
    std::rethrow_exception(thrown_);
  }
  return state_ == state::answered ? &*reply_ : nullptr;
}

void deferral::close() noexcept {
  {
    const std::lock_guard hold(mutex_);
    state_ = state::ended;
    wake_ = nullptr;
  }
  reply_.reset();  // nobody uses it any more, and the request that it answers will be gone
}

// What is being sent is an answer already.
void deferral::context_ended() noexcept {
  const std::lock_guard hold(mutex_);
  if (state_ == state::waiting) {
    state_ = state::ended;
    wake_up();
  }
}

// With the lock held, for which close() waits: afterwards the server may not exist any more.
void deferral::wake_up() noexcept {
  if (const auto wake = std::exchange(wake_, nullptr)) {
    wake();
  }
}

// Destroyed with the last copy of a `deferred`.
struct deferred::handle {
  explicit handle(std::shared_ptr<deferral> to) noexcept : of(std::move(to)) {}
  ~handle() {
    try {
      static_cast<void>(
          of->send([](reply&) { throw std::runtime_error("the deferred answer was given up"); }));
    } catch (...) {  // no memory: the request ends with its context
    }
  }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;

  const std::shared_ptr<deferral> of;
};

const context& deferred::ctx() const noexcept {
  return of_->of->ctx();
}

std::error_code deferred::send(const std::function<void(reply& res)>& make) const {
  return of_->of->send(make);
}

deferred reply::defer() {
  if (defers_) {
    throw std::logic_error("the reply has been deferred already");
  }
  auto later = std::make_shared<deferral>(ctx_, req_);
  auto made = deferred(std::make_shared<const deferred::handle>(later));
  later_ = std::move(later);
  defers_ = true;
  return made;
}

const reply* reply::sent_later() {
  return later_ != nullptr ? later_->answer() : nullptr;
}

}  // namespace hangup::http
