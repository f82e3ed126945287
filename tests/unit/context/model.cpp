#include "tests/unit/context/model.h"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace hangup::model {

int plain_tree::add(int parent) {
  plain_context fresh{};
  fresh.parent = parent;
  fresh.scope = parent == none ? none : at(parent).scope;
  all_.push_back(fresh);
  return size() - 1;
}

int plain_tree::add_scope(int parent, location made) {
  const int n = add(parent);
  auto& fresh = change(n);
  fresh.up = fresh.scope;
  fresh.scope = n;
  fresh.made = made;
  if (fresh.up != none) {
    const auto& up = at(fresh.up);
    fresh.deadline = up.deadline;
    fresh.deadline_owner = up.deadline_owner;
    fresh.done = up.done;  // with a parent that has ended it is born ended
    fresh.why = up.why;
    fresh.owner = up.owner;
    fresh.open_step = up.open_step;
  }
  return n;
}

int plain_tree::with_deadline(int parent, time_point when, bool passed, const on_expiry& says,
                              location made) {
  const int n = add_scope(parent, made);
  if (at(n).deadline && *at(n).deadline <= when) {
    return n;
  }
  change(n).deadline = when;
  change(n).deadline_owner = n;
  change(n).says = {cause_kind::deadline, says.code, says.text, {}, made};
  if (passed) {
    expire(n);
  }
  return n;
}

int plain_tree::with_value(int parent, int key, int value) {
  const int n = add(parent);
  change(n).key = key;
  change(n).value = value;
  return n;
}

int plain_tree::without_cancel(int parent) {
  const int n = add(parent);
  change(n).scope = none;
  return n;
}

int plain_tree::with_either(int parent, int second, location made) {
  const int n = add_scope(parent, made);
  const int other = at(second).scope;
  if (other == none) {
    return n;
  }
  change(n).other = other;
  const auto theirs = at(other).deadline;
  if (theirs && (!at(n).deadline || *theirs < *at(n).deadline)) {
    change(n).deadline = theirs;
    change(n).deadline_owner = at(other).deadline_owner;
  }
  if (at(other).done) {
    end(n, at(other).why.front(), ordered_);
  }
  return n;
}

int plain_tree::with_token_of(int parent, int second, location made) {
  const int n = add_scope(parent, made);
  change(n).token_of = at(second).scope;
  if (done(second)) {
    end(n, plain(n), ordered_);
  }
  return n;
}

int plain_tree::with_source(int parent, int source, location made) {
  const int n = add_scope(parent, made);
  change(n).source = source;
  if (requested(source)) {
    end(n, plain(n), ordered_);
  }
  return n;
}

int plain_tree::add_source() {
  sources_.push_back(false);
  return static_cast<int>(sources_.size()) - 1;
}

void plain_tree::request_stop(int source) {
  sources_[index(source)] = true;
  for (int n = 0; n < size(); ++n) {
    if (at(n).source == source) {
      end(n, plain(n), false);
    }
  }
}

int plain_tree::add_function(int ctx) {
  functions_.push_back({});
  functions_.back().scope = at(ctx).scope;
  if (done(ctx)) {
    run(functions_.back());
  }
  return static_cast<int>(functions_.size()) - 1;
}

void plain_tree::stop(int f) {
  auto& fn = functions_[index(f)];
  fn.registered = false;
  fn.ran = runs_now(f) ? 0 : fn.ran;
}

void plain_tree::run(plain_function& f) const {
  f.registered = false;
  ++f.ran;
  f.ran_step = step_;
}

// Everything below has ended before anything else happens. What is set off then comes in any order.
void plain_tree::end(int scope, cause why,
                     bool certain) {  // NOLINT(performance-unnecessary-value-param)
  if (!reach(scope, scope, why, certain)) {
    return;
  }
  std::vector<bool> ended(all_.size());
  const auto has_ended = [&](int n) { return n != none && ended[index(n)]; };
  ended[index(scope)] = true;
  for (int n = scope + 1; n < size(); ++n) {  // descendants are younger than those above them
    if (at(n).scope == n && has_ended(at(n).up)) {
      ended[index(n)] = reach(n, scope, why, certain);
    }
  }
  for (auto& f : functions_) {
    if (f.registered && has_ended(f.scope)) {
      run(f);
    }
  }
  for (int n = 0; n < size(); ++n) {
    if (has_ended(at(n).other)) {
      end(n, why, false);
    }
    if (has_ended(at(n).token_of)) {
      end(n, plain(n), false);
    }
  }
}

// False: nothing changes. The first cause wins.
bool plain_tree::reach(int scope, int owner, const cause& why, bool certain) {
  auto& s = change(scope);
  if (!s.done) {
    s.done = true;
    s.why = {why};
    s.owner = owner;
    s.open_step = certain ? -1 : step_;
    return true;
  }
  if (s.open_step != step_) {
    return false;
  }
  const bool known =
      std::any_of(s.why.begin(), s.why.end(), [&](const cause& w) { return alike(w, why); });
  if (known && s.owner == none) {
    return false;
  }
  if (!known) {
    s.why.push_back(why);
  }
  s.owner = none;
  return true;
}

std::optional<time_point> plain_tree::deadline(int ctx) const {
  return at(ctx).scope == none ? std::nullopt : at(at(ctx).scope).deadline;
}

std::optional<int> plain_tree::value(int ctx, int key) const {
  while (ctx != none && at(ctx).key != key) {
    ctx = at(ctx).parent;
  }
  return ctx == none ? std::nullopt : std::optional(at(ctx).value);
}

cause plain_tree::plain(int ctx) const {
  cause why{};
  why.source = at(at(ctx).scope).made;
  return why;
}

bool plain_tree::below(int ctx, int scope) const {
  int s = at(ctx).scope;
  while (s != none && s != scope) {
    s = at(s).up;
  }
  return s != none;
}

dependants plain_tree::count() const {
  dependants all{std::vector<int>(all_.size()), std::vector<int>(all_.size()), 0};
  const auto add_one = [](std::vector<int>& to, int n) { to[index(n)] += 1; };
  for (int n = 0; n < size(); ++n) {
    const auto& c = at(n);
    if (c.scope != n || c.done) {
      continue;
    }
    all.timers += c.deadline_owner == n ? 1 : 0;
    if (c.up != none) {
      add_one(all.kids, c.up);
    }
    if (c.other != none) {
      add_one(all.hooks, c.other);
    }
  }
  for (const auto& f : functions_) {
    if (f.registered && f.scope != none) {
      add_one(all.hooks, f.scope);
    }
  }
  return all;
}

bool plain_tree::may_show(int ctx, const cause& real, time_point from, time_point to) {
  // A plain cancellation may be dated to the kernel's last tick, which a machine that stalls owes.
  const bool is_plain = real.kind == cause_kind::caller && real.text.empty() && !real.code;
  const auto earliest = from - (is_plain ? std::chrono::seconds(1) : time_point::duration{});
  auto& why = change(at(ctx).scope).why;
  for (const auto& w : why) {
    const bool first_look = w.at == time_point{};
    if (alike(w, real) && (first_look ? earliest <= real.at && real.at <= to : w.at == real.at)) {
      why = {real};
      return true;
    }
  }
  return false;
}

bool alike(const cause& a, const cause& b) {
  return a.kind == b.kind && a.code == b.code && a.text == b.text &&
         a.source.line == b.source.line && std::string_view(a.source.file) == b.source.file;
}

}  // namespace hangup::model
