#include "tests/unit/context/model_lockstep.h"

#include "tests/unit/context/support.h"

namespace hangup::model {

lockstep::held& lockstep::any() {
  if (held_.empty()) {
    hold(0, background());
  }
  auto* one = s_.any(held_).get();
  for (int n = 0; n < 3 && model_.done(one->node); ++n) {
    one = s_.any(held_).get();
  }
  return *one;
}

std::unique_ptr<lockstep::held> lockstep::take_out() {
  (void)any();  // there is one
  const auto place = held_.begin() + s_.below(static_cast<int>(held_.size()));
  auto one = std::move(*place);
  held_.erase(place);
  return one;
}

void lockstep::begin(int step) {
  step_ = step;
  model_.next_step();
  began_ = context::clock::now();
}

void lockstep::compare() {
  const auto all = model_.count();
  shown_.clear();
  owners_.clear();
  for (const auto& h : held_) {
    look(*h, all);
  }
  compare_some_pair();
  for (int f = 0; f < static_cast<int>(functions_.size()); ++f) {
    expect(at(f).ran == model_.function(f).ran, "function ", f, " has run ", at(f).ran, " times");
  }
  for (const auto& t : tokens_) {
    const bool done = model_.done(t.node);
    expect(t.token.stop_requested() == done, "the token of #", t.node, " has stopped: ", !done);
    expect(t.ran == (done ? 1 : 0), "the callback of #", t.node, " has run ", t.ran, " times");
  }
  expect(tree::armed_timers() == all.timers, "timers: ", static_cast<int>(tree::armed_timers()));
}

void lockstep::look(const held& h, const dependants& all) {
  check_look(s_, model_, h.node, h.ctx, began_, context::clock::now());
  const int n = model_.at(h.node).scope;
  if (n == none) {
    return;
  }
  const auto& scope = test::scope_of(h.ctx);
  expect(kids_of(scope) == all.kids[index(n)], "#", n, " has ", kids_of(scope), " kids");
  expect(hooks_of(scope) == all.hooks[index(n)], "#", n, " has ", hooks_of(scope), " hooks");
  // One object for all that one end has taken along, and for no other.
  if (const int owner = model_.at(n).owner; owner != none) {
    const auto* const why = h.ctx.cause();
    expect(shown_.try_emplace(owner, why).first->second == why &&
               owners_.try_emplace(why, owner).first->second == owner,
           "#", n, " has not the cause of #", owner, " itself");
  }
}

void lockstep::compare_some_pair() {
  if (held_.empty()) {
    return;
  }
  const auto& a = any();
  const auto& b = any();
  expect((a.ctx == b.ctx) == (a.node == b.node), "#", a.node, " is #", b.node);
  bool threw = false;
  try {
    a.ctx.throw_if_done();
  } catch (const canceled_error& e) {
    threw = e.code() == a.ctx.err();
  }
  expect(threw == model_.done(a.node), "throw_if_done() of #", a.node, " threw: ", threw);
}

}  // namespace hangup::model
