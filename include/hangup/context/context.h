// A context travels with a request through every function that works for it. It says whether the
// request has ended, why, and by when it must be done, and it carries typed values. It is modelled
// on Go's package context and needs only threads and the standard library.
//
// Rules for users
// - Pass a context as the first parameter, named `ctx`, to every function that can block or take
//   long.
// - Do not store a context beyond the request that it belongs to.
// - Check `ctx.done()` in loops, use the waits of wait.h instead of sleeping, and return
//   `ctx.err()`.
// - Work that must go on after the request (writing an audit record) uses without_cancel(ctx).
// - Values are for what belongs to a request (its id, its trace), not for ordinary parameters.
//
// A context is a handle. It is never null, it is cheap to copy (one atomic increment; none for the
// roots), and it is immutable: deriving a child never changes the parent. Every function here may
// be called from any thread.
//
// `err()` is non-empty exactly when `done()` is true. When cancel() returns, this holds for the
// context that was ended, for every copy of it and for everything derived from it. Reading takes no
// lock and allocates nothing; done() is two loads (about a nanosecond).
//
// Memory order: what a thread does before it ends a context happens before whatever another thread
// does after its done() has returned true, or after its wait has reported the end (release /
// acquire).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <system_error>
#include <utility>

#include "hangup/context/cause.h"
#include "hangup/context/detail/tree.h"
#include "hangup/context/error.h"

#pragma GCC visibility push(default)

namespace hangup {

struct cancelable;

// Converts a duration to that of steady_clock. A duration that is too long (or too negative)
// becomes the longest (most negative) one. NaN becomes zero.
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

// `time` after `start`, on any clock that counts nanoseconds. Returns Point::max() where the sum
// would overflow; a wait until Point::max() has no time limit.
template <class Point, class Rep, class Period>
constexpr Point later(Point start, std::chrono::duration<Rep, Period> time) {
  const auto by = saturated(time);
  return by < Point::max() - start ? start + by : Point::max();
}

class context {
 public:
  using clock = std::chrono::steady_clock;

  context(const context& other) noexcept : node_(other.node_) { node_->ref(); }
  context(context&& other) noexcept;  // the moved-from context becomes background()
  context& operator=(context other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~context() { node_->unref(); }

  // Whether the context has ended. Once true, it stays true.
  [[nodiscard]] bool done() const noexcept {
    return node_->ends != nullptr && node_->ends->word.how_ended() != 0;
  }

  // Empty while the context is alive; afterwards errc::canceled or errc::deadline_exceeded, which
  // never changes. As cheap as done().
  [[nodiscard]] std::error_code err() const noexcept {
    const auto how = node_->ends == nullptr ? 0U : node_->ends->word.how_ended();
    if (how == 0) [[likely]] {
      return no_error();
    }
    return how == tree::state_word::expired ? errc::deadline_exceeded : errc::canceled;
  }

  // Why the context ended; null while it is alive. The first cause is kept for ever. Contexts that
  // ended because their parent did return the parent's cause, the same object. Valid as long as a
  // handle to this context, or to one derived from it, exists.
  [[nodiscard]] const hangup::cause* cause() const noexcept;

  // The earliest deadline of this context and its ancestors, also after the end; empty if there is
  // none.
  [[nodiscard]] std::optional<clock::time_point> deadline() const noexcept;

  // A token for std::jthread, std::condition_variable_any and std::stop_callback: stop is requested
  // when this context ends. The first call makes it (one allocation). The token of a context that
  // never ends is never stopped, and that of one that has ended has stopped. Stop callbacks run on
  // the thread that ends the context, before its cancel() returns.
  [[nodiscard]] std::stop_token stop_token() const;

  // The nearest value with this key, in this context or an ancestor; null if there is none. The key
  // is a type:
  //   struct trace_id { using type = std::string; };
  // The pointer is valid as long as a handle to this context exists. A look-up costs a fraction of
  // a nanosecond per value that it passes; ancestors without a value cost nothing.
  template <class Key>
  [[nodiscard]] const typename Key::type* value() const noexcept {
    const auto* const nearest = node_->values;
    const auto* const v = nearest == nullptr ? nullptr : nearest->find(&tree::key_tag<Key>);
    return v == nullptr ? nullptr : static_cast<const typename Key::type*>(v->get());
  }

  // Throws canceled_error if the context has ended: for code that stops by exceptions.
  void throw_if_done() const;

  // Whether both are handles to the same context.
  friend bool operator==(const context& a, const context& b) noexcept { return a.node_ == b.node_; }

 private:
  explicit context(tree::node* adopted) noexcept : node_(adopted) {}
  friend struct context_access;
  friend class cancel_func;

  tree::node* node_;
};

// The roots: they never end, have no deadline and no values, and allocate nothing. todo() marks a
// place in the code to which the right context has not been passed yet.
[[nodiscard]] context background() noexcept;
[[nodiscard]] context todo() noexcept;

// The function object that ends a context. It is returned together with the context, and whoever
// derived the context keeps it. Move-only. Its destructor cancels, so that a context does not
// outlive the function that made it (Go: `defer cancel()`).
class cancel_func {
 public:
  cancel_func() noexcept : ctx_(background()) {}  // ends nothing
  cancel_func(cancel_func&& other) noexcept = default;
  cancel_func& operator=(cancel_func&& other) noexcept;  // cancels the context that it had before
  // The source of the cause is then the place where the context was made.
  ~cancel_func() { (*this)(location()); }

  // Ends the context and everything derived from it, and returns when err() is set in all of them.
  // Stop tokens are triggered and after_func() functions run inside this call. A second call ends
  // nothing. If the first one is still running, the second waits until the whole subtree has ended,
  // but not for the functions that the first call runs. Thread-safe.
  //
  // If the context has already ended, the new cause is ignored. Unless the cause names another
  // source, its source is the place of this call.
  void operator()(location from = location::current()) const noexcept {
    if (auto* const s = ctx_.node_->ends; s != nullptr && tree::must_end(*s)) {
      tree::cancel(*s, from);
    }
  }
  void operator()(hangup::cause why, location from = location::current()) const noexcept;

 private:
  explicit cancel_func(context ctx) noexcept : ctx_(std::move(ctx)) {}
  friend struct context_access;
  friend class cancel_handle;

  context ctx_;  // after a move: a context that never ends
};

// Ends the same context as the cancel_func that it was made from. It can be copied, and its
// destructor ends nothing: for somebody else who may end the context, but does not own it (the
// watcher of a server ends requests when their clients leave). It keeps the context's memory, not
// the context alive. Only who has the cancel_func can make one. Thread-safe.
class cancel_handle {
 public:
  explicit cancel_handle(const cancel_func& of) noexcept : ctx_(of.ctx_) {}
  // As cancel_func's.
  void operator()(hangup::cause why, location from = location::current()) const noexcept;

 private:
  context ctx_;
};

struct cancelable {
  context ctx;
  cancel_func cancel;
};

// Derives a context that ends when the returned cancel_func is called, or with its parent. One
// allocation. If the parent has already ended, the new context has ended from the start, with the
// parent's err() and cause().
[[nodiscard]] cancelable with_cancel(const context& parent, location made = location::current());

// What cause() reports, besides cause_kind::deadline, when the deadline has passed: e.g. {.text =
// "the budget of the audit"}.
struct on_expiry {
  std::error_code code{};
  std::string text{};
};

// Like with_cancel(), and the context also ends at the deadline, with errc::deadline_exceeded. If
// the parent's deadline is earlier, that one counts; this call is then the same as
// with_cancel(parent), and `says` is not used. `says` is not used either when something else ends
// the context first. With a deadline in the past, the context has ended from the start. One
// allocation and one timer of the process-wide service.
[[nodiscard]] cancelable with_deadline(const context& parent, context::clock::time_point when,
                                       on_expiry says = {}, location made = location::current());
// The wall-clock deadline is converted once, in this call: if the wall clock is set later, the
// deadline does not move.
[[nodiscard]] cancelable with_deadline(const context& parent,
                                       std::chrono::system_clock::time_point when,
                                       on_expiry says = {}, location made = location::current());
// For time points of any resolution. One that the clock cannot represent is replaced by the nearest
// that it can.
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
// For durations of any unit. One that the clock cannot represent is replaced by the longest that it
// can. NaN counts as zero, so that the context has ended from the start.
template <class Rep, class Period>
[[nodiscard]] cancelable with_timeout(const context& parent,
                                      std::chrono::duration<Rep, Period> time, on_expiry says = {},
                                      location made = location::current()) {
  return with_timeout(parent, saturated(time), std::move(says), made);
}

// Derives a context that has the parent's values, but neither its end nor its deadline.
[[nodiscard]] context without_cancel(const context& parent);

// How a context was derived, from the root down: "background.with_value(trace_id).with_deadline(in
// 1500 ms)". It shows the keys of values, never the values, since values may be secrets or personal
// data.
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
};

// Derives a context with one more value. It ends with its parent. One allocation; nothing is
// registered with the parent.
template <class Key>
[[nodiscard]] context with_value(const context& parent, typename Key::type value) {
  return context_access::adopt(
      new tree::value_of<Key>(context_access::node(parent), std::move(value)));
}

}  // namespace hangup

#pragma GCC visibility pop
