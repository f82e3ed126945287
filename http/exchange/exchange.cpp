#include "http/exchange/exchange.h"

#include "hangup/http/causes.h"
#include "hangup/http/request.h"

namespace hangup::http {
namespace {

cancelable scope_for(const context& parent, const route& to, clock::time_point now,
                     std::optional<std::chrono::milliseconds> patience) {
  const bool bounded = to.deadline.count() > 0;
  if (patience && (!bounded || *patience < to.deadline)) {
    return with_deadline(parent, later(now, *patience), {.text = "the client's own"});
  }
  return bounded ? with_deadline(parent, later(now, to.deadline)) : with_cancel(parent);
}

}  // namespace

exchange::exchange(const context& parent, const route& r, request_stamp as, clock::time_point now,
                   std::optional<std::chrono::milliseconds> patience,
                   const early_end::type& heard_at)
    : to(r),
      scope(scope_for(parent, r, now, patience)),
      // A thread without a pool never sleeps on the context.
      ctx(with_value<request_key>(
          r.runs_on != nullptr ? with_value<early_end>(scope.ctx, heard_at) : scope.ctx,
          std::move(as))),
      stamp(*ctx.value<request_key>()),
      started(now) {}

bool exchange::cut_off() const noexcept {
  const auto* const why = ctx.cause();
  return why != nullptr && why->kind != causes::client_closed;
}

bool exchange::overdue() const noexcept {
  if (clock::now() >= ctx.deadline().value_or(clock::time_point::max())) {
    scope.cancel({.kind = cause_kind::deadline});
  }
  return ctx.done();
}

const std::string& request_id(const context& ctx) noexcept {
  static const std::string none;
  const auto* const stamp = ctx.value<request_key>();
  return stamp != nullptr ? stamp->id : none;
}

const trace* trace_of(const context& ctx) noexcept {
  const auto* const stamp = ctx.value<request_key>();
  return stamp != nullptr ? &stamp->journey : nullptr;
}

pool::owner client_of(const context& ctx) noexcept {
  const auto* const stamp = ctx.value<request_key>();
  return stamp != nullptr ? stamp->client : pool::nobody;
}

void work_stopped(const context& ctx) noexcept {
  if (const auto* const stamp = ctx.value<request_key>()) {
    clock::time_point::rep unset = 0;
    stamp->stopped.compare_exchange_strong(unset, clock::now().time_since_epoch().count(),
                                           std::memory_order_relaxed);
  }
}

}  // namespace hangup::http
