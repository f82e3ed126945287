// One request and its answer, from the whole head to the one end that is reported. It keeps what is
// known of both, and nothing of the connection. What it reports at its end is what log, pages and
// metrics say. It belongs to the owner of its connection; what others may call says so. Not for
// users.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "context/early_end.h"
#include "hangup/context/context.h"
#include "hangup/http/clock.h"
#include "hangup/http/follower.h"
#include "hangup/http/limit.h"
#include "hangup/http/observer.h"
#include "hangup/http/route.h"
#include "hangup/http/trace.h"
#include "http/exchange/following.h"
#include "http/exchange/request_life.h"

namespace hangup::http {

// The part of an exchange that is a value of the context, and so may outlive the request.
struct request_stamp {
  request_stamp(std::string request_id, trace of, pool::owner by = pool::nobody)
      : id(std::move(request_id)), journey(std::move(of)), client(by) {}
  request_stamp(request_stamp&& other) noexcept  // only before it is shared
      : id(std::move(other.id)), journey(std::move(other.journey)), client(other.client) {}

  std::string id;
  trace journey;
  pool::owner client;
  mutable std::atomic<clock::time_point::rep> stopped{0};
  mutable std::atomic<std::chrono::nanoseconds::rep> expected{0};  // 0 or less: not known
};

struct request_key {
  using type = request_stamp;
};

class exchange {
 public:
  // Makes the context as soon as the head is complete, so that the deadline includes the time in
  // the queue. `patience` is what the client asked for: the earlier of it and the route's deadline
  // counts.
  exchange(const context& parent, const route& to, request_stamp as, std::string method,
           std::string target, clock::time_point now,
           std::optional<std::chrono::milliseconds> patience, const early_end::type& heard_at);

  std::uint64_t number() const noexcept { return number_; }
  const route& to() const noexcept { return to_; }
  const std::string& id() const noexcept { return stamp_.id; }
  // The handler's context. Any thread may use it.
  const context& ctx() const noexcept { return ctx_; }
  // Ends the context, unless it has ended. Thread-safe.
  void cancel(cause why) const noexcept { scope_.cancel(std::move(why)); }
  // --- somebody else wants it to end: these under the lock that guards it from being destroyed ---
  // Returns false if the context has ended, or somebody has asked before.
  bool asked_to_end(asker by);
  // For the one for whom that returned true: ends the context, also if the exchange has gone.
  cancel_handle canceler() const noexcept { return cancel_handle(scope_.cancel); }
  // Whether somebody had asked, and the context has ended: then its connection must be woken, if it
  // is parked.
  bool was_asked_to_end() const noexcept { return asked_by_ && ctx_.done(); }

  // What its client is told if an operator has ended it; empty: nobody has.
  std::string told_of_operator() const;
  // Whether the context has ended for any other reason than a FIN. A client that has closed only
  // its sending direction still reads, so what the handler writes for it is sent.
  bool cut_off() const noexcept;
  // Whether the deadline has passed or the context has ended for another reason. If only the clock
  // shows that the deadline has passed, this ends the context, without waiting for the timer
  // thread.
  bool overdue() const noexcept;

  // --- who looks at it: these under that lock, too ---
  // Asks the follower what it wants to know: once when the request begins, and earlier ones again
  // until it is all of it.
  void follow(follower& by, std::string_view client, bool earlier) noexcept;
  // Before the end: from now on the follower is told nothing, and none is asked.
  void stop_following() noexcept;
  request_step step(std::string_view client) const noexcept;
  std::size_t& counted_in(in_flight_counts& n) const noexcept;
  clock::time_point started() const noexcept { return started_; }

  // --- what becomes of it: the states only go forward ---
  void queued() noexcept {
    life_.advance(request_state::queued);
    entered();
  }
  void running(clock::time_point now) noexcept;
  // Its handler is a task: `started` tells it from the other tasks of the loop of its route.
  void is_task(const location& started) noexcept {
    task_.store(&started, std::memory_order_relaxed);
  }
  // Its handler has returned, and the answer comes later; or it has come.
  void deferred(bool is) noexcept {
    task_.store(nullptr, std::memory_order_relaxed);
    deferred_.store(is, std::memory_order_relaxed);
    if (is) {
      entered();
    }
  }
  // Whether it holds no thread, while it is running. Thread-safe.
  bool waits() const noexcept;
  // The handler, and the stream that it may have set up, have returned. The first call counts.
  void work_over(clock::time_point now) noexcept;
  // A limit was reached. The first one counts.
  void reached(limit which) noexcept { over_ = over_ == limit::none ? which : over_; }
  limit over() const noexcept { return over_; }
  // It has one of the places of its route (route::max_in_flight), which its end gives back.
  void has_place(bool is) noexcept { has_place_ = is; }
  bool has_place() const noexcept { return has_place_; }
  // What went wrong in the handler: for the log, never for the client. The last call counts.
  void broke(std::string_view why) { broken_ = why; }
  // The same if nothing is known yet. Needs no memory for up to 15 characters.
  void broke_at_last(std::string_view why) noexcept;
  // Its work goes on although its context ended long ago, or has stopped at last. Thread-safe.
  void late(bool is) noexcept { late_.store(is, std::memory_order_relaxed); }

  // --- its answer ---
  void answering() noexcept {
    life_.advance(request_state::writing);
    entered();
  }
  // The status that the answer has, if any of it is sent.
  void has_status(int status) noexcept { status_ = status; }
  // Only the close of the connection marks the end of the answer.
  void ends_by_close() noexcept { outcome_.ends_by_close = true; }
  // A part of the answer is about to be sent, which may be the last.
  void sending() noexcept { outcome_.left_before_last = ctx_.done(); }
  // All that there is of it has been handed to the kernel or to the connection, or will never be.
  void answered(bool anything, bool complete) noexcept;
  // Nothing more of it is sent.
  void cut_short() noexcept { outcome_.complete = false; }
  bool is_silent() const noexcept { return outcome_.status == 0; }
  // The client cannot tell that it is incomplete, unless the connection is reset.
  bool seems_whole() const noexcept { return outcome_.ends_by_close && !outcome_.complete; }

  // --- for observers and pages ---
  late_request late_report(const std::string& client, const cause& why, clock::duration since,
                           bool is_over) const noexcept;
  // Others call this under the lock that guards the exchange from being destroyed. `connection`:
  // its descriptor.
  request_view view(const std::string& client, int connection) const;

  // --- the end ---
  // Decides how the request has ended. `client` is that of the connection; it and the exchange must
  // outlive the report.
  request_report finish(const std::string& client, clock::time_point now) noexcept;
  // After the report: ends the context, if it has not ended.
  void close() const noexcept { cancel({.kind = cause_kind::handler_returned}); }

 private:
  request_state shown_state() const noexcept;
  void entered() const noexcept {
    if (const auto* const f = is_followed_.load(std::memory_order_acquire)) [[unlikely]] {
      f->entered();
    }
  }

  const std::uint64_t number_;
  const route& to_;
  const std::string method_;
  const std::string target_;
  const cancelable scope_;
  const context ctx_;           // that of scope_, with the stamp as a value
  const request_stamp& stamp_;  // stored in ctx_
  request_life life_;
  const clock::time_point started_;
  clock::time_point work_began_{};  // unset: the handler was never called
  clock::time_point work_ended_{};
  std::atomic<const location*> task_{nullptr};
  std::atomic<bool> deferred_{false};
  std::atomic<const following*> is_followed_{nullptr};
  std::atomic<bool> late_{false};
  bool has_place_ = false;
  int status_ = 0;
  outcome outcome_;
  limit over_ = limit::none;
  std::string broken_;
  std::optional<asker> asked_by_;         // written before the context ends by it
  bool is_over_ = false;                  // nobody may follow it any more
  std::optional<interest> followed_;      // what its follower has said; empty: not asked
  std::unique_ptr<following> following_;  // last: it tells what is above
};

}  // namespace hangup::http
