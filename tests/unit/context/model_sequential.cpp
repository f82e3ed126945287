// One thread does thousands of operations at random; after each of them all that can be seen must
// be what the model says.
#include <algorithm>
#include <iterator>

#include "hangup/context/bridge.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/model_lockstep.h"
#include "tests/unit/context/support.h"

namespace hangup::model {
namespace {

using namespace std::chrono_literals;
using clock = context::clock;

constexpr std::size_t most_held = 24;

class sequence : lockstep {
 public:
  explicit sequence(schedule& s) : lockstep(s) {
    add_source();
    add_source();
  }

  void run(int steps) {
    for (int n = 0; n < steps && !s_.failed(); ++n) {
      begin(n);
      step();
      compare();
    }
    while (!held_.empty() && !s_.failed()) {
      begin(steps);
      drop();
      compare();
    }
    functions_.clear();
    held_.clear();
    expect(counted::living == 0, "every node is destroyed");
  }

 private:
  location place(const char* what) { return {what, static_cast<unsigned>(++places_)}; }

  void step() {
    using operation = void (sequence::*)();
    static constexpr operation often[] = {&sequence::derive, &sequence::timed, &sequence::value,
                                          &sequence::add};
    static constexpr operation now_and_then[] = {
        &sequence::either, &sequence::token_child, &sequence::shield,      &sequence::copy,
        &sequence::move,   &sequence::drop,        &sequence::take_cancel, &sequence::cancel,
        &sequence::stop,   &sequence::destroy,     &sequence::expire,      &sequence::take_token};
    if (held_.size() >= most_held) {
      drop();
    } else if (s_.one_in(80)) {
      request_stop();
    } else if (s_.one_in(2)) {
      (this->*often[s_.below(std::size(often))])();
    } else {
      (this->*now_and_then[s_.below(std::size(now_and_then))])();
    }
  }

  void derive() {
    const auto& from = any();
    const auto made = place("with_cancel");
    const int n = model_.with_cancel(from.node, made);
    log("with_cancel(#", from.node, ") -> #", n);
    hold(n, with_cancel(from.ctx, made));
  }

  // Deadlines far away, which expire() makes pass; and some that have passed.
  void timed() {
    const auto& from = any();
    const auto made = place("with_deadline");
    const on_expiry says{
        s_.one_in(2) ? std::make_error_code(std::errc::host_unreachable) : std::error_code{},
        s_.one_in(2) ? words("expiry ", places_) : ""};
    const bool passed = s_.one_in(6);
    const clock::duration time = passed ? -1s * s_.below(3) : 1h + 5min * s_.below(12);
    const auto before = clock::now();
    const auto wall = std::chrono::system_clock::now() + time;
    const int way = s_.below(3);
    auto both = way == 0   ? with_deadline(from.ctx, before + time, says, made)
                : way == 1 ? with_timeout(from.ctx, time, says, made)
                           : with_deadline(from.ctx, wall, says, made);
    const auto told = both.ctx.deadline();
    const auto left = passed && way == 2 ? 0s : time;
    auto when = before + left;
    if (way != 0 && told && when - 1s <= *told && *told <= clock::now() + left + 1s) {
      when = *told;  // near enough: only the context knows when exactly
    }
    const int n = model_.with_deadline(from.node, when, passed, says, made);
    log(way == 1 ? "with_timeout(#" : "with_deadline(#", from.node, ", in ",
        static_cast<int>(time / 1s), " s) -> #", n);
    hold(n, std::move(both));
  }

  void value() {
    const auto& from = any();
    const int key = s_.below(keys);
    const int n = model_.with_value(from.node, key, step_);
    log("with_value(#", from.node, ", key ", key, ") -> #", n);
    hold(n, with_value_of(from.ctx, key, step_));
  }

  void shield() {
    const auto& from = any();
    const int n = model_.without_cancel(from.node);
    log("without_cancel(#", from.node, ") -> #", n);
    hold(n, without_cancel(from.ctx));
  }

  void either() {
    const auto& from = any();
    const auto& second = any();
    const auto made = place("with_either");
    const int n = model_.with_either(from.node, second.node, made);
    log("with_either(#", from.node, ", #", second.node, ") -> #", n);
    hold(n, with_either(from.ctx, second.ctx, made));
  }

  void token_child() {
    const auto& from = any();
    const auto made = place("with_stop_token");
    if (s_.one_in(2)) {
      const auto& second = any();
      const int n = model_.with_token_of(from.node, second.node, made);
      log("with_stop_token(#", from.node, ", of #", second.node, ") -> #", n);
      hold(n, with_stop_token(from.ctx, second.ctx.stop_token(), made));
    } else {
      const int source = any_source();
      const int n = model_.with_source(from.node, source, made);
      log("with_stop_token(#", from.node, ", of source ", source, ") -> #", n);
      hold(n, with_stop_token(from.ctx, sources_[index(source)].get_token(), made));
    }
  }

  void copy() {
    const auto& from = any();
    log("copy of #", from.node);
    hold(from.node, context(from.ctx));
  }

  void move() {
    auto& from = any();
    const int node = std::exchange(from.node, 0);
    log("move of #", node);
    hold(node, context(std::move(from.ctx)));
  }

  void drop() {
    const auto gone = take_out();
    log("drop of #", gone->node, gone->ends == none ? "" : " and its cancel_func");
    if (gone->ends != none) {
      model_.cancel(gone->ends, model_.plain(gone->ends));
    }
  }

  // A cancel_func goes to the place of another one, whose context is ended.
  void take_cancel() {
    auto from = take_out();
    auto to = take_out();
    log("the end of #", from->ends, " over that of #", to->ends);
    if (to->ends != none) {
      model_.cancel(to->ends, model_.plain(to->ends));
    }
    to->ends = std::exchange(from->ends, none);
    to->cancel = std::move(from->cancel);
    held_.push_back(std::move(from));
    held_.push_back(std::move(to));
  }

  void cancel() {
    const auto& one = any();
    const auto from = place("cancel");
    cause why;
    if (s_.one_in(3)) {
      log("cancel(#", one.ends, ") with no cause");
    } else {
      why.kind = test::kinds::all[static_cast<std::size_t>(
          s_.below(static_cast<int>(test::kinds::all.size())))];
      why.code = s_.one_in(2) ? std::make_error_code(std::errc::io_error) : std::error_code{};
      why.text = words("cause ", places_);
      why.source = s_.one_in(4) ? place("elsewhere") : location{};
      log("cancel(#", one.ends, ") with ", why);
    }
    if (one.ends != none) {
      auto said = why;
      said.source = why.source.line == 0 ? from : why.source;
      model_.cancel(one.ends, said);
    }
    one.cancel(why, from);
  }

  // What the timer would do.
  void expire() {
    const auto& one = any();
    if (model_.deadline(one.node)) {
      const context kept = one.ctx;
      const int owner = model_.at(model_.at(one.node).scope).deadline_owner;
      log("expiry of #", owner, ", the deadline of #", one.node);
      model_.expire(owner);
      tree::expire(*test::scope_of(kept).due_owner);
    }
  }

  void request_stop() {
    const int source = any_source();
    log("request_stop of source ", source);
    model_.request_stop(source);
    auto stopped = sources_[index(source)];
    add_source();
    stopped.request_stop();
  }

  void add_source() {
    model_.add_source();
    sources_.emplace_back();
  }
  int any_source() { return static_cast<int>(sources_.size()) - 1 - s_.below(2); }

  void add() {
    const auto& to = any();
    const int f = model_.add_function(to.node);
    const auto what = static_cast<action>(s_.below(static_cast<int>(action::leave) + 1));
    static constexpr const char* does[] = {
        "nothing", "stop", "cancel", "drop", "with_cancel", "add", "request_stop", "throw", "end"};
    log("function ", f, " on #", to.node, " does: ", does[static_cast<int>(what)]);
    functions_.push_back({to.ctx, what});
    auto& made = functions_.back();
    auto on = s_.one_in(2) && what != action::fail
                  ? register_function(to.ctx, [this, f]() noexcept { fire(f); })
                  : register_function(to.ctx, [this, f] { fire(f); });
    made.on = std::move(on);
  }

  int any_function() {  // rather a young one, which may still be registered
    const int count = static_cast<int>(functions_.size());
    const int f = count - 1 - (count == 0 ? 0 : s_.below(std::min(count, 12)));
    return f >= 0 && at(f).on != nullptr ? f : none;
  }

  void stop() {
    const int f = any_function();
    if (f == none) {
      return;
    }
    const bool and_wait = s_.one_in(2);
    log(and_wait ? "stop_and_wait of function " : "stop of function ", f);
    const bool registered = model_.function(f).registered;
    const bool either = depth_ > 0 && model_.runs_now(f);  // its turn may come yet
    bool threw = false;
    bool stopped = false;
    try {
      stopped = and_wait ? at(f).on->stop_and_wait() : at(f).on->stop();
    } catch (const thrown&) {
      threw = true;
    }
    expect(stopped == registered || (stopped && either), "stop() of function ", f, " is ", stopped);
    expect(threw == (and_wait && at(f).what == action::fail && at(f).ran == 1), "function ", f,
           " threw: ", threw);
    if (stopped) {
      model_.stop(f);
    }
  }

  void destroy() {
    const int f = any_function();
    if (f != none) {
      log("end of the registration of function ", f);
      if (model_.function(f).registered) {
        model_.stop(f);
      }
      at(f).on.reset();
    }
  }

  void take_token() {
    const auto& one = any();
    log("stop token of #", one.node);
    if (tokens_.size() > 6) {
      tokens_.pop_front();
    }
    auto& taken = tokens_.emplace_back(taken_token{one.node, one.ctx.stop_token()});
    expect(model_.done(one.node) || taken.token == one.ctx.stop_token(), "a second token of #",
           one.node, " is another");
    expect(taken.token.stop_possible() == (model_.at(one.node).scope != none), "stop_possible()");
    taken.callback = std::make_unique<std::stop_callback<std::function<void()>>>(
        taken.token, [&taken] { ++taken.ran; });
  }

  // On the end of its context, inside another operation.
  void fire(int f) {
    auto& self = at(f);
    ++self.ran;
    expect(self.ctx.done(), "function ", f, " runs after the end");
    if (self.what == action::fail) {
      throw thrown{};
    }
    if (self.what == action::leave) {
      self.on.reset();
      return;
    }
    using operation = void (sequence::*)();
    static constexpr operation others[] = {
        &sequence::nothing, &sequence::stop, &sequence::cancel,      &sequence::drop,
        &sequence::derive,  &sequence::add,  &sequence::request_stop};
    ++depth_;
    (this->*others[static_cast<int>(self.what)])();
    --depth_;
  }

  void nothing() {}

  int places_ = 0;
  std::deque<std::stop_source> sources_;
};

}  // namespace

std::string run_sequential(unsigned seed) {
  schedule s("sequential", seed);
  sequence(s).run(s.one_in(16) ? 4000 : 20 + s.below(400));
  return s.failed() ? s.report() : "";
}

}  // namespace hangup::model
