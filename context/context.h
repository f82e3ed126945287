// What a request carries through everything that works for it: whether it has ended, why, until
// when it has time, and typed values. Modelled on Go's package context; made of threads and the
// standard library only.
//
// Rules for users
//   - Pass a context as the first parameter, named `ctx`, to everything that can block or take
//   long.
//   - Do not store one beyond the request it came with. Derive, pass down, let go.
//   - Look at `ctx.done()` in loops; use the waits of wait.h instead of sleeping; return
//   `ctx.err()`.
//   - A function that must go on after the request (an audit write) takes without_cancel(ctx).
//   - Values are for what belongs to a request (its id, its trace), not for parameters.
//
// Handles are never null, cheap to copy (one atomic increment; none for roots) and immutable:
// deriving never changes what the parent answers. Every function here may be called from any
// thread.
//
// One state, one truth: `err()` is set exactly when `done()` is true, for a context, everything
// derived from it and every copy, before cancel() returns. Reading takes no lock and allocates
// nothing: done() is two loads (under 1 ns).
//
// Memory order: what a thread did before it ended a context happens before whatever another thread
// does after done() has told it true, or after a wait has told it the end (release / acquire).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <system_error>
#include <utility>

#include "context/cause.h"
#include "context/error.h"
#include "context/tree.h"

namespace hangup {

struct cancelable;

// The duration on the clock of contexts, or the longest (shortest) that it can count. What is not a
// number is no time at all.
template <class Rep, class Period>
constexpr std::chrono::steady_clock::duration saturated(std::chrono::duration<Rep, Period> time) {
  using target = std::chrono::steady_clock::duration;
  using wide = std::chrono::duration<long double>;
  if (!(time <= time.zero() || time > time.zero())) {
    return target::zero();
  }
  if (wide(time) >= wide(target::max())) {
    return target::max();
  }
  return wide(time) <= wide(target::min()) ? target::min()
                                           : std::chrono::duration_cast<target>(time);
}

// `time` after `start`, on any clock that counts nanoseconds; Point::max() if the clock cannot
// count that far. A wait until Point::max() has no time limit, so the longest duration is no limit
// either.
template <class Point, class Rep, class Period>
constexpr Point later(Point start, std::chrono::duration<Rep, Period> time) {
  const auto by = saturated(time);
  return by < Point::max() - start ? start + by : Point::max();
}

class context {
 public:
  using clock = std::chrono::steady_clock;

  context(const context& other) noexcept : node_(other.node_) { node_->ref(); }
  context(context&& other) noexcept;  // leaves background() behind
  context& operator=(context other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~context() { node_->unref(); }

  // True from the moment it has ended; then for ever.
  [[nodiscard]] bool done() const noexcept {
    return node_->ends != nullptr && node_->ends->word.how_ended() != 0;
  }

  // Empty while it lives; then for ever errc::canceled or errc::deadline_exceeded. As cheap as
  // done().
  [[nodiscard]] std::error_code err() const noexcept {
    const auto how = node_->ends == nullptr ? 0U : node_->ends->word.how_ended();
    if (how == 0) [[likely]] {
      return no_error();
    }
    return how == tree::state_word::expired ? errc::deadline_exceeded : errc::canceled;
  }

  // Null while it lives; then for ever the first cause, the same object for all that it took along.
  // Valid as long as any handle to this context or one derived from it.
  [[nodiscard]] const hangup::cause* cause() const noexcept;

  // The earliest deadline here or above, also after the end; none if there is none.
  [[nodiscard]] std::optional<clock::time_point> deadline() const noexcept;

  // The bridge to std::jthread, std::condition_variable_any, std::stop_callback: stop is requested
  // when this context ends. Made on first use (one allocation). A context that never ends gives a
  // token that never stops. Callbacks run on the thread that ends the context.
  [[nodiscard]] std::stop_token stop_token() const;

  // The nearest value stored under this key, null if there is none. The key is a type:
  //   struct trace_id { using type = std::string; };
  // Valid as long as any handle to this context. Costs a fraction of a nanosecond per value in
  // between, and nothing for what else is in between.
  template <class Key>
  [[nodiscard]] const typename Key::type* value() const noexcept {
    const auto* const nearest = node_->values;
    const auto* const v = nearest == nullptr ? nullptr : nearest->find(&tree::key_tag<Key>);
    return v == nullptr ? nullptr : static_cast<const typename Key::type*>(v->get());
  }

  // Throws canceled_error if it has ended: for code that unwinds by exceptions.
  void throw_if_done() const;

  // The same context: a copy of the same handle.
  friend bool operator==(const context& a, const context& b) noexcept { return a.node_ == b.node_; }

 private:
  explicit context(tree::node* adopted) noexcept : node_(adopted) {}
  friend struct context_access;
  friend class cancel_func;

  tree::node* node_;
};

// The roots: never end, no deadline, no values; allocate nothing. todo() marks a place where the
// right context is not there yet.
[[nodiscard]] context background() noexcept;
[[nodiscard]] context todo() noexcept;

// Ends a context: returned with it, and to be kept by whoever derived it. Move-only. Its destructor
// cancels, so that a context cannot outlive the function that made it (Go: `defer cancel()`).
class cancel_func {
 public:
  cancel_func() noexcept : ctx_(background()) {}  // ends nothing
  cancel_func(cancel_func&& other) noexcept = default;
  cancel_func& operator=(cancel_func&& other) noexcept;  // cancels what it had
  ~cancel_func() { (*this)(location()); }  // the cause's source: where the context was made

  // Ends the context and everything derived from it, and returns when all of them say so. Stop
  // tokens are triggered and hooks run here, in this call (see after_func). The second and later
  // calls do nothing, but return no earlier than the first has ended the whole subtree; its hooks
  // may still run then. Thread-safe.
  //
  // The cause is ignored if the context has ended already. Its source becomes the place of this
  // call, unless it names another.
  void operator()(location from = location::current()) const noexcept {
    if (auto* const s = ctx_.node_->ends; s != nullptr && tree::must_end(*s)) {
      tree::cancel(*s, from);
    }
  }
  void operator()(hangup::cause why, location from = location::current()) const noexcept;

 private:
  explicit cancel_func(context ctx) noexcept : ctx_(std::move(ctx)) {}
  friend struct context_access;

  context ctx_;  // a moved-from context is one that never ends
};

struct cancelable {
  context ctx;
  cancel_func cancel;
};

// A context that ends when the returned cancel_func says so, or with its parent. One allocation. If
// the parent has ended, it is born ended, with the parent's err and cause.
[[nodiscard]] cancelable with_cancel(const context& parent, location made = location::current());

// What the cause says of a deadline that has passed, next to its kind, which is
// cause_kind::deadline: e.g. {.text = "the budget of the audit"}.
struct on_expiry {
  std::error_code code{};
  std::string text{};
};

// As with_cancel, and ends by itself at the deadline with errc::deadline_exceeded. The earlier of
// parent and child wins: with a later deadline than the parent's this is with_cancel(parent), and
// `says` is not used; nor is it when something else ends the context first. A past deadline has
// ended at creation. One allocation, one timer in the process-wide service.
[[nodiscard]] cancelable with_deadline(const context& parent, context::clock::time_point when,
                                       on_expiry says = {}, location made = location::current());
// A wall-clock deadline is converted once, now: later steps of the wall clock do not move it.
[[nodiscard]] cancelable with_deadline(const context& parent,
                                       std::chrono::system_clock::time_point when,
                                       on_expiry says = {}, location made = location::current());
// Any point in time of either clock: one that the clock cannot count is as far as it can.
template <class Duration>
[[nodiscard]] cancelable with_deadline(const context& parent,
                                       std::chrono::time_point<context::clock, Duration> when,
                                       on_expiry says = {}, location made = location::current()) {
  return with_deadline(parent, context::clock::time_point(saturated(when.time_since_epoch())),
                       std::move(says), made);
}
template <class Duration>
[[nodiscard]] cancelable with_deadline(
    const context& parent, std::chrono::time_point<std::chrono::system_clock, Duration> when,
    on_expiry says = {}, location made = location::current()) {
  using wall = std::chrono::system_clock;
  return with_deadline(parent,
                       wall::time_point(std::chrono::duration_cast<wall::duration>(
                           saturated(when.time_since_epoch()))),
                       std::move(says), made);
}
[[nodiscard]] cancelable with_timeout(const context& parent, context::clock::duration time,
                                      on_expiry says = {}, location made = location::current());
// Any duration: one that the clock cannot count is as long as it can; one that is not a number is
// no time at all, and so the context has ended at creation.
template <class Rep, class Period>
[[nodiscard]] cancelable with_timeout(const context& parent,
                                      std::chrono::duration<Rep, Period> time, on_expiry says = {},
                                      location made = location::current()) {
  return with_timeout(parent, saturated(time), std::move(says), made);
}

// Keeps the values of the parent and drops its end and its deadline.
[[nodiscard]] context without_cancel(const context& parent);

// How it came about, from the root down: "background.with_value(trace_id).with_deadline(in 1500
// ms)". Names keys, never values: tokens and names of people do not belong in logs.
std::string describe(const context& ctx);

struct context_access {  // for the functions of this library, not for users
  static tree::node& node(const context& ctx) noexcept { return *ctx.node_; }
  static tree::scope* scope(const context& ctx) noexcept { return ctx.node_->ends; }
  static context adopt(tree::node* fresh) noexcept {
    if (fresh->parent != nullptr) {
      fresh->parent->ref();
    }
    return context(fresh);
  }
  static cancelable adopt_scope(tree::scope* fresh) noexcept;
  // What cancel_func does, for whoever has to end a context without owning its end.
  static void end(const context& ctx, cause why) noexcept;
};

// A context with one more value. Registers nothing, ends with its parent. One allocation.
template <class Key>
[[nodiscard]] context with_value(const context& parent, typename Key::type value) {
  return context_access::adopt(
      new tree::value_of<Key>(context_access::node(parent), std::move(value)));
}

}  // namespace hangup
