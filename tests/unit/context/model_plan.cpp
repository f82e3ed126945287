#include "tests/unit/context/model_plan.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "tests/unit/context/kinds.h"
#include "tests/unit/context/model_real.h"

namespace hangup::model {
namespace {

using namespace std::chrono_literals;

class planner {
 public:
  planner(schedule& s, plan& p) : s_(s), p_(p) {
    contexts_.push_back({keep(p_.model.root(), true)});
    for (int n = 0; n < plan::sources; ++n) {
      p_.model.add_source();
    }
  }

  void before() {
    p_.lists.emplace_back();
    const int count = 3 + s_.below(6);
    for (int n = 0; n < count; ++n) {
      derive(0);
    }
    for (int n = s_.below(5); n > 0; --n) {
      add(0);
    }
    p_.first_functions = static_cast<int>(p_.functions.size());
    first_ = contexts_[0];
    hot_ = {pick(0), pick(0)};
    if (s_.one_in(2)) {
      list(0).push_back({op::crowd, s_.any(hot_), none, 1 + s_.below(200)});
      say(0, "many children of #", list(0).back().node);
    }
    cold_ = s_.one_in(3) ? 2 : 6;
  }

  void meanwhile() {
    const int threads = s_.one_in(2) ? 2 : 2 + s_.below(3);
    const int steps = s_.one_in(3) ? 1 + s_.below(4) : 4 + s_.below(12);
    for (int t = 1; t <= threads; ++t) {
      p_.lists.emplace_back();
      contexts_.push_back(first_);
      own_functions_.emplace_back();
    }
    for (int t = 1; t <= threads && s_.one_in(2); ++t) {
      list(t).push_back({op::pause, none, none, s_.below(150)});
    }
    for (int n = 0; n < steps; ++n) {
      for (int t = 1; t <= threads; ++t) {
        step(t);
      }
    }
  }

 private:
  std::vector<operation>& list(int t) { return p_.lists[static_cast<std::size_t>(t)]; }
  std::vector<int>& contexts(int t) { return contexts_[static_cast<std::size_t>(t)]; }
  std::vector<int>& own_functions(int t) { return own_functions_[static_cast<std::size_t>(t)]; }

  template <class... Parts>
  void say(int t, const Parts&... parts) {
    if (t == 0) {
      s_.log("before: ", parts...);
    } else {
      s_.log("thread ", t, ": ", parts...);
    }
  }

  int keep(int node, bool shared, bool soon = false) {
    p_.shared.push_back(shared);
    p_.soon.push_back(soon);
    return node;
  }

  int pick(int t) { return t == 0 || s_.one_in(cold_) ? s_.any(contexts(t)) : s_.any(hot_); }

  // Of its own, with a cancel_func.
  int pick_scope(int t) {
    int n = pick(t);
    while (n != none && p_.model.at(n).scope != n) {
      n = p_.model.at(n).scope != none ? p_.model.at(n).scope : p_.model.at(n).parent;
    }
    return n;
  }

  void derive(int t) {
    static constexpr op kinds[] = {
        op::with_cancel, op::with_cancel, op::with_deadline, op::with_deadline, op::with_value,
        op::with_either, op::with_either, op::with_token_of, op::with_source,   op::without_cancel};
    auto& m = p_.model;
    operation o{kinds[s_.below(std::size(kinds))], pick(t), pick(t), m.size()};
    const location made{"made", static_cast<unsigned>(m.size())};
    const bool soon = o.what == op::with_deadline && s_.one_in(3);
    switch (o.what) {
      case op::with_deadline: {
        const auto time = soon ? 1us * (s_.below(600) - 100) : 1h + 1min * s_.below(60);
        o.when = context::clock::now() + time;
        m.with_deadline(o.node, o.when, false, {{}, words("expiry ", o.number)}, made);
        say(t, "with_deadline(#", o.node, soon ? ", soon) -> #" : ", late) -> #", o.number);
        break;
      }
      case op::with_value:
        o.second = s_.below(keys);
        m.with_value(o.node, o.second, o.number);
        say(t, "with_value(#", o.node, ", key ", o.second, ") -> #", o.number);
        break;
      case op::with_either:
        m.with_either(o.node, o.second, made);
        say(t, "with_either(#", o.node, ", #", o.second, ") -> #", o.number);
        break;
      case op::with_token_of:
        m.with_token_of(o.node, o.second, made);
        say(t, "with_stop_token(#", o.node, ", of #", o.second, ") -> #", o.number);
        break;
      case op::with_source:
        o.second = s_.below(plan::sources);
        m.with_source(o.node, o.second, made);
        say(t, "with_stop_token(#", o.node, ", of source ", o.second, ") -> #", o.number);
        break;
      case op::without_cancel:
        m.without_cancel(o.node);
        say(t, "without_cancel(#", o.node, ") -> #", o.number);
        break;
      default:
        m.with_cancel(o.node, made);
        say(t, "with_cancel(#", o.node, ") -> #", o.number);
        break;
    }
    // A context with the deadline of its parent is no owner of it.
    contexts(t).push_back(
        keep(o.number, s_.one_in(2), soon && m.at(o.number).deadline_owner == o.number));
    list(t).push_back(o);
    for (int other = 1; t != 0 && p_.shared.back() && other < static_cast<int>(p_.lists.size());
         ++other) {
      if (other != t) {
        contexts(other).push_back(o.number);
      }
    }
  }

  int raise_at(int node) {
    const int number = static_cast<int>(p_.raises.size());
    cause why{test::kinds::all[static_cast<std::size_t>(
                  s_.below(static_cast<int>(test::kinds::all.size())))],
              {},
              words("cause ", number),
              {},
              {"raise", static_cast<unsigned>(number + 1)}};
    p_.raises.push_back({node, std::move(why)});
    return number;
  }

  void add(int t) {
    planned_function f{pick(t), static_cast<reaction>(s_.below(5)), s_.below(400)};
    if (f.what == reaction::cancel) {
      const int victim = pick_scope(t);
      if (victim == none) {
        f.what = reaction::pause;
      } else {
        f.number = raise_at(victim);
      }
    }
    if (f.what == reaction::stop) {
      f.number = s_.below(std::max(p_.first_functions, 1));
    }
    const int number = static_cast<int>(p_.functions.size());
    own_functions(t).push_back(number);
    list(t).push_back({op::add, f.node, none, number});
    static constexpr const char* does[] = {"a pause", "a throw", "with_cancel", "cancel of cause ",
                                           "stop of function "};
    say(t, "function ", number, " on #", f.node, " does ", does[static_cast<int>(f.what)],
        f.what >= reaction::cancel ? std::to_string(f.number) : "",
        f.what == reaction::cancel
            ? words(" on #", p_.raises[static_cast<std::size_t>(f.number)].node)
            : "");
    p_.functions.push_back(f);
  }

  void use_function(int t) {
    const bool own = !own_functions(t).empty() && s_.one_in(2);
    if (!own && p_.first_functions == 0) {
      return add(t);
    }
    const int f = own ? s_.any(own_functions(t)) : s_.below(p_.first_functions);
    const int way = s_.below(own ? 3 : 2);
    static constexpr op ops[] = {op::stop, op::stop_and_wait, op::destroy};
    static constexpr const char* names[] = {"stop", "stop_and_wait", "end of the registration"};
    list(t).push_back({ops[way], none, none, f});
    say(t, names[way], " of function ", f);
  }

  void cancel(int t) {
    const int n = pick_scope(t);
    if (n == none) {
      return derive(t);
    }
    list(t).push_back({op::cancel, n, none, raise_at(n)});
    say(t, "cancel(#", n, ") with cause ", list(t).back().number);
  }

  void expire(int t) {
    const int n = pick(t);
    const int scope = p_.model.at(n).scope;
    const int owner = scope == none ? none : p_.model.at(scope).deadline_owner;
    if (owner == none || p_.soon[static_cast<std::size_t>(owner)]) {
      return cancel(t);
    }
    list(t).push_back({op::expire, n, none, static_cast<int>(p_.raises.size())});
    p_.raises.push_back({owner, p_.model.at(owner).says});
    say(t, "expiry of #", owner, ", the deadline of #", n);
  }

  void simple(int t, op what, const char* name, int number = 0) {
    list(t).push_back({what, pick(t), none, number});
    say(t, name, " #", list(t).back().node);
  }

  void step(int t) {
    switch (s_.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return derive(t);
      case 5:
      case 6:
      case 7:
        return cancel(t);
      case 8:
        return expire(t);
      case 9:
        if (s_.one_in(2)) {
          list(t).push_back({op::request_stop, none, s_.below(plan::sources)});
          return say(t, "request_stop of source ", list(t).back().second);
        }
        return simple(t, op::look, "look at");
      case 10:
      case 11:
        return simple(t, op::drop, "drop of");
      case 12:
        return simple(t, op::look, "look at");
      case 13:
        return simple(t, op::token, "stop token of");
      case 14:
      case 15:
        return add(t);
      case 16:
      case 17:
        return use_function(t);
      case 18:
        return s_.one_in(2) ? simple(t, op::sleep, "sleep on", s_.below(60))
                            : simple(t, op::sleep_as_task, "sleep of a task on", s_.below(60));
      default:
        list(t).push_back({op::pause, none, none, s_.below(300)});
        return say(t, "pause");
    }
  }

  schedule& s_;
  plan& p_;
  std::vector<std::vector<int>> contexts_;          // by thread: which it may use
  std::vector<std::vector<int>> own_functions_{1};  // likewise
  std::vector<int> first_;
  std::vector<int> hot_;  // where they meet; but one pick in `cold_` is any
  int cold_ = 1;
};

}  // namespace

plan::plan(schedule& s) {
  planner planned(s, *this);
  planned.before();
  planned.meanwhile();
}

}  // namespace hangup::model
