// What contexts promise, written down in the plainest way: one thread, no locks, nothing is ever
// forgotten, and a search through everything where the library keeps lists. Contexts, functions and
// stop sources are numbers, in the order in which they were made.
//
// One thing is left open by the promises: in which order an end sets off functions, second parents
// and stop tokens. Within one step two of them may reach the same context with different causes;
// then `why` has all that are allowed, until somebody has looked which one it is.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "hangup/context/context.h"

namespace hangup::model {

inline constexpr int none = -1;
using time_point = context::clock::time_point;

struct plain_context {
  int parent = none;
  int scope = none;  // the one that ends it: itself, or one above; none: it never ends
  int key = none;
  int value = 0;

  // Of a context that can end by itself:
  int up = none;        // it ends with this one
  int other = none;     // and with this one, for the same reason
  int token_of = none;  // and with this one, as a plain cancellation
  int source = none;    // and with this stop source, likewise
  location made{};
  cause says{};  // by its own deadline
  std::optional<time_point> deadline{};
  int deadline_owner = none;  // which one that deadline ends

  bool done = false;
  std::vector<cause> why{};
  int owner = none;    // the one with whose end it ended, maybe itself; none: that is left open
  int open_step = -1;  // the step in which another cause might have come first
};

struct plain_function {
  int scope = none;
  bool registered = true;
  int ran = 0;
  int ran_step = -1;
};

struct dependants {
  std::vector<int> kids;   // of each context
  std::vector<int> hooks;  // of each context: functions, and contexts whose second parent it is
  std::size_t timers = 0;
};

class plain_tree {
 public:
  int root() { return add(none); }
  int with_cancel(int parent, location made) { return add_scope(parent, made); }
  int with_deadline(int parent, time_point when, bool passed, const on_expiry& says, location made);
  int with_value(int parent, int key, int value);
  int without_cancel(int parent);
  int with_either(int parent, int second, location made);
  int with_token_of(int parent, int second, location made);
  int with_source(int parent, int source, location made);

  void cancel(int ctx, const cause& why) { end(at(ctx).scope, why, ordered_); }
  void expire(int ctx) { end(ctx, at(ctx).says, ordered_); }

  int add_source();
  void request_stop(int source);
  bool requested(int source) const { return sources_[index(source)]; }

  int add_function(int ctx);
  // It has been unregistered; perhaps before its turn, in the very step in which its context ends.
  void stop(int f);
  bool runs_now(int f) const { return functions_[index(f)].ran_step == step_; }
  const plain_function& function(int f) const { return functions_[index(f)]; }

  void next_step() { ++step_; }
  // All that follows happens at once.
  void in_any_order() { ordered_ = false; }

  int size() const { return static_cast<int>(all_.size()); }
  const plain_context& at(int n) const { return all_[index(n)]; }
  bool done(int ctx) const { return at(ctx).scope != none && at(at(ctx).scope).done; }
  std::optional<time_point> deadline(int ctx) const;
  std::optional<int> value(int ctx, int key) const;
  // The plain cancellation: by a cancel_func that was destroyed, by a stop token.
  cause plain(int ctx) const;
  // Whether it is `scope`, or one of its descendants.
  bool below(int ctx, int scope) const;
  dependants count() const;

  // Whether a context that has ended, at a time between these two, may show this cause. If so, that
  // is its cause from now on.
  bool may_show(int ctx, const cause& real, time_point from, time_point to);

 private:
  static std::size_t index(int n) { return static_cast<std::size_t>(n); }
  plain_context& change(int n) { return all_[index(n)]; }
  int add(int parent);
  int add_scope(int parent, location made);
  void end(int scope, cause why, bool certain);
  bool reach(int scope, int owner, const cause& why, bool certain);
  void run(plain_function& f) const;

  std::vector<plain_context> all_;
  std::vector<plain_function> functions_;
  std::vector<bool> sources_;
  int step_ = 0;
  bool ordered_ = true;
};

bool alike(const cause& a, const cause& b);  // in all but the time

}  // namespace hangup::model
