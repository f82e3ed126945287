#include "http/exchange/exchange.h"

#include <algorithm>
#include <new>

#include "hangup/http/causes.h"
#include "hangup/http/request.h"
#include "hangup/worker/loop.h"

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

// If there is no memory for the text, it is empty: the request still ends and is reported.
std::string in_words(const cause& why) noexcept {
  try {
    return describe(why);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

std::uint64_t next_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::optional<clock::time_point> if_set(clock::time_point at) noexcept {
  return at == clock::time_point{} ? std::nullopt : std::optional(at);
}

}  // namespace

exchange::exchange(const context& parent, const route& to, request_stamp as, std::string method,
                   std::string target, clock::time_point now,
                   std::optional<std::chrono::milliseconds> patience,
                   const early_end::type& heard_at)
    : number_(next_number()),
      to_(to),
      method_(std::move(method)),
      target_(std::move(target)),
      scope_(scope_for(parent, to, now, patience)),
      // A front thread never sleeps on the context.
      ctx_(with_value<request_key>(
          !to.is_on_the_spot() ? with_value<early_end>(scope_.ctx, heard_at) : scope_.ctx,
          std::move(as))),
      stamp_(*ctx_.value<request_key>()),
      started_(now) {}

bool exchange::asked_to_end(asker by) {
  if (asked_by_ || ctx_.done()) {
    return false;
  }
  asked_by_ = std::move(by);
  return true;
}

std::string exchange::told_of_operator() const {
  const auto* const why = ctx_.cause();
  return why != nullptr && why->kind == causes::operator_request
             ? "this request was " + describe(*why)
             : std::string();
}

void exchange::follow(follower& by, std::string_view client, bool earlier) noexcept {
  if (followed_ && (!earlier || is_over_ || *followed_ == interest::steps)) {
    return;
  }
  followed_ = by.begins(step(client), earlier);
  if (following_) {
    following_->wants(*followed_);
  } else if (*followed_ != interest::none) {
    try {
      following_ = std::make_unique<following>(*this, by, client, *followed_);
      is_followed_.store(following_.get(), std::memory_order_release);
    } catch (const std::bad_alloc&) {  // its end is told, by its report
    }
  }
}

void exchange::stop_following() noexcept {
  followed_ = followed_.value_or(interest::none);
  is_over_ = true;
  is_followed_.store(nullptr, std::memory_order_relaxed);
  following_.reset();
}

request_step exchange::step(std::string_view client) const noexcept {
  return {number_, stamp_.id,     method_,  target_,        client,
          to_,     shown_state(), started_, &stamp_.journey};
}

request_state exchange::shown_state() const noexcept {
  const auto state = life_.state();
  const bool holds_none =
      deferred_.load(std::memory_order_relaxed) || task_.load(std::memory_order_relaxed) != nullptr;
  return state == request_state::running && holds_none ? request_state::waiting : state;
}

std::size_t& exchange::counted_in(in_flight_counts& n) const noexcept {
  const auto state = shown_state();
  if (ctx_.done() && state != request_state::queued) {
    return n.stopping;
  }
  switch (state) {
    case request_state::queued:
      return n.queued;
    case request_state::running:
      return n.running;
    case request_state::waiting:
      return n.waiting;
    case request_state::writing:
      return n.writing;
    case request_state::received:
    case request_state::ended:
      break;
  }
  return n.received;
}

bool exchange::cut_off() const noexcept {
  const auto* const why = ctx_.cause();
  return why != nullptr && why->kind != causes::client_closed;
}

bool exchange::overdue() const noexcept {
  if (clock::now() >= ctx_.deadline().value_or(clock::time_point::max())) {
    cancel({.kind = cause_kind::deadline});
  }
  return ctx_.done();
}

void exchange::running(clock::time_point now) noexcept {
  life_.advance(request_state::running);
  work_began_ = now;
  entered();
}

bool exchange::waits() const noexcept {
  const auto* const task = task_.load(std::memory_order_relaxed);
  return deferred_.load(std::memory_order_relaxed) ||
         (task != nullptr && !to_.on_loop->runs(*task));
}

void exchange::work_over(clock::time_point now) noexcept {
  if (work_ended_ == clock::time_point{}) {
    work_ended_ = now;
  }
}

void exchange::broke_at_last(std::string_view why) noexcept {
  if (broken_.empty()) {
    broken_ = why;
  }
}

void exchange::answered(bool anything, bool complete) noexcept {
  outcome_.status = anything ? status_ : 0;
  outcome_.complete = complete;
}

late_request exchange::late_report(const std::string& client, const cause& why,
                                   clock::duration since, bool is_over) const noexcept {
  return {stamp_.id, method_, target_,         client,  to_,      in_words(why),
          since,     is_over, &stamp_.journey, number_, started_, why.kind};
}

request_view exchange::view(const std::string& client, int connection) const {
  const auto state = life_.state();
  constexpr std::size_t kept_bytes = 256;  // of text from a client
  const auto* const why = ctx_.cause();
  return {stamp_.id,
          method_.substr(0, kept_bytes),
          target_.substr(0, kept_bytes),
          target_.size(),
          client,
          &to_,
          state == request_state::running && waits() ? request_state::waiting : state,
          late_.load(std::memory_order_relaxed),
          why != nullptr ? describe(*why) : std::string(),
          started_,
          why != nullptr ? std::optional(why->at) : std::nullopt,
          number_,
          std::string(stamp_.journey.trace_id()),
          connection};
}

request_report exchange::finish(const std::string& client, clock::time_point now) noexcept {
  const auto* const why = ctx_.cause();
  request_report r{stamp_.id, method_, target_, client, to_, life_.finish(why, outcome_)};
  r.status = client_left(r.end) ? 499 : outcome_.status;
  r.started = started_;
  r.work_began = if_set(work_began_);
  r.work_ended = if_set(work_ended_);
  r.ended = now;
  r.broken = broken_;
  r.journey = &stamp_.journey;
  r.number = number_;
  r.followed = followed_.value_or(interest::none);
  r.deadline = ctx_.deadline();
  if (const auto ns = stamp_.expected.load(std::memory_order_relaxed); ns > 0) {
    r.expected = clock::duration(ns);
    if (r.deadline && r.work_began) {
      r.expected = std::min(*r.expected, *r.deadline - *r.work_began);
    }
  }
  if (why != nullptr && !(outcome_.complete && !outcome_.left_before_last)) {
    r.cause = in_words(*why);
    r.context_ended = why->at;
    // Only if it was the reason: else it may just be written.
    r.by = why->kind == causes::operator_request && asked_by_ ? &*asked_by_ : nullptr;
    if (r.work_began) {
      const auto stopped = stamp_.stopped.load(std::memory_order_relaxed);
      r.work_stopped = std::max(
          why->at, stopped != 0 ? clock::time_point(clock::duration(stopped)) : work_ended_);
    }
  }
  return r;
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

void work_expected(const context& ctx, std::chrono::nanoseconds in_all) noexcept {
  if (const auto* const stamp = ctx.value<request_key>()) {
    stamp->expected.store(in_all.count(), std::memory_order_relaxed);
  }
}

void work_stopped(const context& ctx) noexcept {
  if (const auto* const stamp = ctx.value<request_key>()) {
    clock::time_point::rep unset = 0;
    stamp->stopped.compare_exchange_strong(unset, clock::now().time_since_epoch().count(),
                                           std::memory_order_relaxed);
  }
}

}  // namespace hangup::http
