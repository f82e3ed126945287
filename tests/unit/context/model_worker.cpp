#include "tests/unit/context/model_worker.h"

#include <chrono>

#include "hangup/context/bridge.h"
#include "hangup/context/task.h"
#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "tests/unit/context/support.h"

namespace hangup::model {

using namespace std::chrono_literals;

void shared_things::fire(int f) {
  auto& self = functions[index(f)];
  ++self.ran;
  self.runs = true;
  s.check(self.ctx.done(), "function ", f, " runs before the end of its context");
  s.check(!self.gone, "function ", f, " runs after the end of its registration");
  react(p.functions[index(f)], self.ctx);
  self.runs = false;
  if (p.functions[index(f)].what == reaction::fail) {
    throw thrown{};
  }
}

void shared_things::react(const planned_function& planned, const context& ctx) {
  switch (planned.what) {
    case reaction::pause:
    case reaction::fail:
      return pause(planned.number);
    case reaction::derive: {
      const auto kid = with_cancel(ctx);
      s.check(kid.ctx.done() && kid.ctx.cause() == ctx.cause(),
              "a child of an ended context is born ended");
      return;
    }
    case reaction::cancel: {
      auto& r = p.raises[index(planned.number)];
      const auto& victim = cells[index(r.node)];
      if (victim.there.load(std::memory_order_acquire)) {
        const auto held = *victim.of;
        made(r, [&] { held.end->cancel(r.why); });
        s.check(held.ctx.done(), "#", r.node, " is done when cancel() has returned");
      }
      return;
    }
    case reaction::stop:
      if (planned.number < p.first_functions) {
        stop(planned.number, false);
      }
      return;
  }
}

void shared_things::stop(int f, bool and_wait) {
  auto& fn = functions[index(f)];
  if (!fn.there.load(std::memory_order_acquire)) {
    return;
  }
  try {
    const bool stopped = and_wait ? fn.on->stop_and_wait() : fn.on->stop();
    fn.stops += stopped ? 1 : 0;
    s.check(!stopped || fn.ran == 0, "function ", f, " has run and was stopped");
  } catch (const thrown&) {
    s.check(fn.ran == 1 && p.functions[index(f)].what == reaction::fail, "function ", f, " threw");
  }
  s.check(!and_wait || !fn.runs, "function ", f, " runs when it has been waited for");
}

worker::worker(shared_things& all, std::vector<std::optional<handle>> first)
    : held(std::move(first)), seen(held.size()), all_(all), s_(all.s) {
  held[0] = {background()};
}

handle* worker::find(int node) {
  auto& mine = held[index(node)];
  const auto& cell = all_.cells[index(node)];
  if (!mine && cell.there.load(std::memory_order_acquire)) {
    mine = cell.of;
  }
  return mine ? &*mine : nullptr;
}

void worker::perform(const operation& o) {
  if (o.node != none && find(o.node) == nullptr) {
    return;
  }
  switch (o.what) {
    case op::crowd: {
      auto& crowd = all_.crowds.emplace_back(o.node, std::vector<cancelable>());
      for (int n = 0; n < o.number; ++n) {
        crowd.second.push_back(with_cancel(find(o.node)->ctx));
      }
      break;
    }
    case op::cancel:
    case op::expire:
      return cancel(o, o.what == op::expire);
    case op::request_stop:
      all_.sources[o.second].request_stop();
      break;
    case op::drop:
      held[index(o.node)].reset();
      break;
    case op::look:
      return look(o.node);
    case op::token:
      return take_token(o.node);
    case op::add:
      return add(o);
    case op::stop:
    case op::stop_and_wait:
      return all_.stop(o.number, o.what == op::stop_and_wait);
    case op::destroy: {
      auto& fn = all_.functions[index(o.number)];
      fn.there.store(false, std::memory_order_relaxed);
      fn.on.reset();
      s_.check(!fn.runs, "function ", o.number, " runs after the end of its registration");
      fn.gone = true;
      break;
    }
    case op::sleep: {
      const auto ctx = find(o.node)->ctx;
      const std::error_code ec = sleep_for(ctx, 1us * o.number);
      s_.check(!ec || ec == ctx.err(), "a sleep on #", o.node, " says ", ec.message());
      break;
    }
    case op::sleep_as_task: {
      const auto ctx = find(o.node)->ctx;
      const auto until = context::clock::now() + 1us * o.number;
      int returns = 0;
      const auto sleeps = [&]() -> task<std::error_code> {
        const std::error_code ec = co_await sleep_until(ctx, until);
        ++returns;
        co_return ec;
      };
      const auto ec = run_blocking(sleeps());
      s_.check(returns == 1, "a sleep of a task returns ", returns, " times");
      s_.check(ec ? ec == ctx.err() : context::clock::now() >= until, "a sleep of a task on #",
               o.node, " says ", ec.message());
      break;
    }
    case op::pause:
      return pause(o.number);
    default:
      return derive(o);
  }
}

void worker::derive(const operation& o) {
  const auto from = find(o.node)->ctx;
  const bool late = (from.done() && o.what != op::without_cancel) ||
                    (o.what == op::with_deadline && o.when <= context::clock::now());
  const location made{"made", static_cast<unsigned>(o.number)};
  const auto second = [&]() -> const context& { return find(o.second)->ctx; };
  if ((o.what == op::with_either || o.what == op::with_token_of) && find(o.second) == nullptr) {
    return;
  }
  auto& fresh = held[index(o.number)];
  auto& cell = all_.cells[index(o.number)];
  const auto take = [&](cancelable both) {
    fresh = handle{both.ctx, std::make_shared<const ender>(std::move(both.cancel), cell.dropped)};
  };
  switch (o.what) {
    case op::with_deadline:
      take(with_deadline(from, o.when, {{}, words("expiry ", o.number)}, made));
      break;
    case op::with_value:
      fresh = handle{with_value_of(from, o.second, o.number)};
      break;
    case op::without_cancel:
      fresh = handle{without_cancel(from)};
      break;
    case op::with_either:
      take(with_either(from, second(), made));
      break;
    case op::with_token_of:
      take(with_stop_token(from, second().stop_token(), made));
      break;
    case op::with_source:
      take(with_stop_token(from, all_.sources[o.second].get_token(), made));
      break;
    default:
      take(with_cancel(from, made));
      break;
  }
  look(o.number, late);
  if (all_.p.shared[index(o.number)]) {
    cell.of = fresh;
    cell.there.store(true, std::memory_order_release);
  }
}

void worker::cancel(const operation& o, bool expires) {
  const auto one = *find(o.node);
  auto& r = all_.p.raises[index(o.number)];
  if (expires) {
    all_.made(r, [&] { tree::expire(*test::scope_of(one.ctx).due_owner); });
    look(o.node, all_.p.model.below(o.node, r.node));
  } else {
    all_.made(r, [&] { one.end->cancel(r.why); });
    check_ended(o.node, r.why);
  }
}

// After an end of this context: whoever may have ended it first.
void worker::check_ended(int node, const cause& with) {
  const auto& m = all_.p.model;
  const int scope = m.at(node).scope;
  for (int n = 0; n < m.size(); ++n) {
    if (m.below(n, scope) && find(n) != nullptr) {
      look(n, true);
    }
  }
  for (const auto& [parent, kids] : all_.crowds) {
    s_.check(!m.below(parent, scope) || (kids.front().ctx.done() && kids.back().ctx.done()),
             "all children of #", parent, " must be done");
  }
  // What this end itself has taken along has no function left to run, and no second child to end.
  const auto* const why = find(node)->ctx.cause();
  if (why == nullptr || !alike(*why, with)) {
    return;
  }
  const auto ours = [&](int n) {
    return n != none && find(n) != nullptr && find(n)->ctx.cause() == why;
  };
  for (int n = 0; n < m.size(); ++n) {
    if (find(n) != nullptr && m.at(n).scope != none &&
        (ours(m.at(m.at(n).scope).other) || ours(m.at(m.at(n).scope).token_of))) {
      look(n, true);
    }
  }
  for (const int f : own_functions_) {
    const auto& fn = all_.functions[index(f)];
    if (fn.on != nullptr && fn.stops == 0 && fn.ctx.cause() == why) {
      s_.check(fn.ran == 1, "function ", f, " has run when cancel() has returned");
    }
  }
  for (const auto& t : tokens) {
    s_.check(!ours(t.node) || t.token.stop_requested(), "the token of #", t.node, " has stopped");
  }
}

void worker::look(int node, bool must_be_done) {
  const auto& ctx = find(node)->ctx;
  auto& before = seen[index(node)];
  const auto ec = ctx.err();
  const bool done = ctx.done();
  const auto* const why = ctx.cause();
  s_.check(done || (!must_be_done && before == nullptr), "#", node, " must be done");
  s_.check(!ec || done, "#", node, " has an error and is not done");
  s_.check(!done || (why != nullptr && ctx.err()), "#", node, " is done without error or cause");
  if (why != nullptr) {
    const bool expired = why->kind == cause_kind::deadline;
    s_.check(ctx.err() == (expired ? errc::deadline_exceeded : errc::canceled), "#", node, " says ",
             ctx.err().message(), " because of ", *why);
    s_.check(before == nullptr || before == why, "#", node, " has another cause than before");
    before = why;
  }
  check_constants(s_, all_.p.model, node, ctx);
}

void worker::take_token(int node) {
  const auto& ctx = find(node)->ctx;
  const bool done = ctx.done();
  auto& t = tokens.emplace_back(taken_token{node, ctx.stop_token()});
  s_.check(!done || t.token.stop_requested(), "the token of #", node, " has stopped");
  s_.check(!t.token.stop_requested() || ctx.done(), "the token of #", node, " stops early");
  t.callback =
      std::make_unique<std::stop_callback<std::function<void()>>>(t.token, [&t] { ++t.ran; });
}

void worker::add(const operation& o) {
  auto& fn = all_.functions[index(o.number)];
  fn.ctx = find(o.node)->ctx;
  const bool late = fn.ctx.done();
  const int f = o.number;
  auto* const all = &all_;
  fn.on = register_function(fn.ctx, [all, f] { all->fire(f); });
  fn.there.store(true, std::memory_order_release);
  own_functions_.push_back(f);
  s_.check(!late || fn.ran == 1, "function ", f, " runs at once when its context has ended");
}

}  // namespace hangup::model
