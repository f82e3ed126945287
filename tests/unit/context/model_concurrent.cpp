// Several threads do what a seed has planned, at once. Too many orders are possible to list them;
// but in each of them some things hold at once, and the rest when all is quiet again. The model
// gets to know what was done, in any order, and says for each context which causes it may show.
#include <algorithm>
#include <deque>

#include "hangup/context/wait.h"
#include "tests/unit/context/model_crew.h"
#include "tests/unit/context/model_worker.h"
#include "tests/unit/context/support.h"

namespace hangup::model {
namespace {

using namespace std::chrono_literals;
using clock = context::clock;

class concurrent_run {
 public:
  explicit concurrent_run(schedule& s) : s_(s), all_(s), p_(all_.p) {}

  void run() {
    workers_.emplace_back(all_, std::vector<std::optional<handle>>(index(p_.model.size())));
    for (const auto& o : p_.lists[0]) {
      workers_[0].perform(o);
    }
    for (std::size_t t = 1; t < p_.lists.size(); ++t) {
      workers_.emplace_back(all_, workers_[0].held);
    }
    std::fill(workers_[0].held.begin(), workers_[0].held.end(), std::nullopt);
    start();
    get_quiet();
    check_functions();
    tell_the_model();
    for (auto& w : workers_) {
      check_all(w);
    }
    check_nothing_left();
  }

 private:
  void start() {
    static crew threads;
    threads.together(static_cast<unsigned>(p_.lists.size()) - 1, [this](unsigned number) {
      for (const auto& o : p_.lists[number + 1]) {
        workers_[number + 1].perform(o);
      }
    });
  }

  // Waits for the deadlines that were to pass meanwhile, and for the thread of the timers.
  void get_quiet() {
    for (auto& w : workers_) {
      for (int n = 0; n < p_.model.size(); ++n) {
        const int scope = p_.model.at(n).scope;
        const int owner = scope == none ? none : p_.model.at(scope).deadline_owner;
        if (owner != none && p_.soon[index(owner)] && w.find(n) != nullptr) {
          (void)wait_done(w.find(n)->ctx);
        }
      }
    }
    if (std::find(p_.soon.begin(), p_.soon.end(), true) != p_.soon.end()) {
      const test::locked_timers none_expires;
    }
  }

  void check_functions() {
    for (std::size_t f = 0; f < all_.functions.size(); ++f) {
      auto& fn = all_.functions[f];
      const int number = static_cast<int>(f);
      if (fn.on == nullptr) {
        s_.check(fn.ran <= 1 && fn.stops <= 1, "function ", number, " ran or was stopped twice");
        continue;
      }
      const bool runs = fn.ctx.done() && fn.stops == 0;
      bool threw = false;
      bool stopped = false;
      try {
        stopped = fn.on->stop_and_wait();
      } catch (const thrown&) {
        threw = true;
      }
      s_.check(fn.stops + (stopped ? 1 : 0) + fn.ran == 1, "function ", number, " has run ", fn.ran,
               " times, was stopped ", fn.stops.load(), " times before");
      s_.check(runs == (fn.ran == 1), "function ", number, " must have run: ", runs);
      s_.check(threw == (runs && p_.functions[f].what == reaction::fail), "function ", number,
               " threw: ", threw);
    }
  }

  void tell_the_model() {
    p_.model.in_any_order();
    for (const auto& r : p_.raises) {
      if (r.made) {
        p_.model.cancel(r.node, r.why);
      }
    }
    for (int n = 0; n < p_.model.size(); ++n) {
      if (all_.cells[index(n)].dropped) {
        p_.model.cancel(n, p_.model.plain(n));
      }
      if (p_.soon[index(n)]) {
        p_.model.expire(n);
      }
    }
    for (int source = 0; source < plan::sources; ++source) {
      if (all_.sources[source].stop_requested()) {
        p_.model.request_stop(source);
      }
    }
  }

  void check_all(worker& w) {
    for (int n = 0; n < p_.model.size(); ++n) {
      if (w.find(n) == nullptr) {
        continue;
      }
      const auto& ctx = w.find(n)->ctx;
      check_look(s_, p_.model, n, ctx, began_, clock::now());
      const auto* const before = w.seen[index(n)];
      s_.check(before == nullptr || before == ctx.cause(), "#", n, " had another cause");
      if (ctx.done()) {
        check_end(p_.model.at(n).scope, test::scope_of(ctx), *ctx.cause());
      }
    }
    for (const auto& t : w.tokens) {
      const bool stopped = t.token.stop_requested();
      s_.check(stopped == p_.model.done(t.node), "the token of #", t.node,
               " has stopped: ", stopped);
      s_.check(t.ran == (stopped ? 1 : 0), "the callback of #", t.node, " has run ", t.ran,
               " times");
    }
  }

  void check_end(int scope, const tree::scope& s, const cause& why) {
    check_empty(scope, s);
    s_.check(&why == &s.own || (s.up != nullptr && &why == s.up->why), "#", scope,
             " has neither a cause of its own nor that of the context above");
    // Who raised this cause? Nobody else can have been ready, here or above, before he began.
    auto begin = time_point::max();
    for (const auto& r : p_.raises) {
      if (r.made && alike(r.why, why)) {
        begin = std::min(begin, r.begin);
      }
    }
    for (const auto& r : p_.raises) {
      s_.check(
          !r.made || begin == time_point::max() || r.end >= begin || !p_.model.below(scope, r.node),
          "#", scope, " has ended because of ", why, ", but ", r.why, " came first");
    }
  }

  void check_empty(int scope, const tree::scope& s) {
    s_.check(s.kids == nullptr && s.hooks == nullptr, "#", scope, " has ended, and still has ",
             kids_of(s), " kids and ", hooks_of(s), " hooks");
  }

  void check_nothing_left() {
    for (const auto& [node, kids] : all_.crowds) {
      for (const auto& kid : kids) {
        s_.check(kid.ctx.done() == p_.model.done(node), "a child of #", node,
                 " is done: ", kid.ctx.done());
        s_.check(!kid.ctx.done() || kid.ctx.cause() == test::scope_of(kid.ctx).up->why,
                 "a child of #", node, " has another cause");
      }
    }
    for (int n = 0; n < p_.model.size(); ++n) {
      for (auto& w : workers_) {
        if (w.find(n) != nullptr && w.find(n)->end != nullptr) {
          w.find(n)->end->cancel();
          check_empty(n, test::scope_of(w.find(n)->ctx));
        }
      }
    }
    all_.crowds.clear();
    all_.functions.clear();
    workers_.clear();
    all_.cells.clear();
    s_.check(tree::armed_timers() == 0, "no timer is left");
    s_.check(counted::living == 0, "every node is destroyed");
  }

  schedule& s_;
  const time_point began_ = clock::now();
  shared_things all_;
  plan& p_;
  std::deque<worker> workers_;
};

}  // namespace

std::string run_concurrent(unsigned seed) {
  schedule s("concurrent", seed);
  concurrent_run(s).run();
  return s.failed() ? s.report() : "";
}

}  // namespace hangup::model
