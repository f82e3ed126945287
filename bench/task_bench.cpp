// What coroutine tasks cost, next to goroutines: the namesakes in go/context_test.go do the same.
#include <atomic>
#include <functional>
#include <latch>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/measure.h"
#include "hangup/context/channel.h"
#include "hangup/context/context.h"
#include "hangup/context/task.h"
#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/loop.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using hangup::context;
using hangup::task;

constexpr int started_at_once = 1'000;

// What the tasks of one round have in common.
struct awaited_end {
  hangup::cancelable made = hangup::with_cancel(hangup::background());
  std::atomic<int> about_to_wait{0};
  std::atomic<int> awake{0};
  std::atomic<clock::rep> last{0};
  alignas(64) std::atomic<bool> over{false};  // so that who waits does not disturb the others
};

task<> wait_for(context ctx, awaited_end& end, int waiters) {
  ++end.about_to_wait;
  DoNotOptimize(co_await hangup::wait_done(ctx));
  const auto now = clock::now().time_since_epoch().count();
  for (auto before = end.last.load();
       before < now && !end.last.compare_exchange_weak(before, now);) {
  }
  if (++end.awake == waiters) {
    end.over = true;
    end.over.notify_one();
  }
}

task<> wait_together(context ctx, awaited_end& end, int waiters) {
  DoNotOptimize(co_await hangup::with_task_group(ctx, [&](hangup::awaited_task_group& group) {
    for (int i = 0; i < waiters; ++i) {
      group.go([&](const context& own) { return wait_for(own, end, waiters); });
    }
  }));
}

void wait_until_empty(const hangup::loop& tasks) {
  while (tasks.now().tasks != 0) {
  }
}

// From just before the end until the last of the tasks runs again, as for threads in
// wake_bench.cpp. All wait on one context, that of a group, or each on one of its own, as spawn()
// makes them.
void wake_tasks(State& state, int waiters, bool own_contexts) {
  std::optional<awaited_end> what;
  hangup::loop tasks({.name = "bench"});
  std::vector<double> took;
  for (auto _ : state) {
    auto& end = what.emplace();
    std::error_code refused;
    if (own_contexts) {
      for (int i = 0; i < waiters && !refused; ++i) {
        refused = hangup::spawn(tasks, end.made.ctx,
                                [&](const context& ctx) { return wait_for(ctx, end, waiters); });
      }
    } else {
      refused = hangup::spawn(tasks, end.made.ctx,
                              [&](const context& ctx) { return wait_together(ctx, end, waiters); });
    }
    if (refused) {
      state.SkipWithError("a task was not started");
      return;
    }
    while (end.about_to_wait != waiters) {
    }
    for (const auto start = clock::now(); clock::now() - start < asleep;) {
    }
    const auto start = clock::now();
    end.made.cancel();
    end.over.wait(false);
    const nanoseconds one = clock::time_point(clock::duration(end.last.load())) - start;
    took.push_back(static_cast<double>(one.count()));
    wait_until_empty(tasks);  // they use `end`
  }
  report_median(state, std::move(took));
}

task<> do_nothing(context ctx) {
  DoNotOptimize(ctx);
  co_return;
}

task<> start_and_join(context ctx, State& state) {
  nanoseconds sum{};
  for (auto _ : state) {
    const auto start = clock::now();
    DoNotOptimize(co_await hangup::with_task_group(ctx, [](hangup::awaited_task_group& group) {
      for (int i = 0; i < started_at_once; ++i) {
        group.go(do_nothing);
      }
    }));
    sum += clock::now() - start;
  }
  state.counters["ns"] =
      static_cast<double>(sum.count()) / static_cast<double>(state.iterations()) / started_at_once;
}

// The child does nothing, or lets others have their turn once.
task<> with_time_limit(context ctx, State& state, bool yields) {
  for (auto _ : state) {
    co_await hangup::with_timeout(ctx, 1h, [yields](const context& own) -> task<> {
      if (yields) {
        DoNotOptimize(co_await hangup::yield(own));
      }
    });
  }
}

void start_tasks(State& state) {
  hangup::run_blocking(start_and_join(hangup::background(), state));
}

void task_timeout(State& state, bool yields) {
  const auto parent = hangup::with_cancel(hangup::background());
  hangup::run_blocking(with_time_limit(parent.ctx, state, yields));
}

// What it saves that a task stays on its thread: two tasks take turns, on one thread or on two.
struct turns {
  static constexpr int count = 1'000;
  hangup::channel<int> mine{1};
  hangup::channel<int> yours{1};
};

task<> take_turns(context ctx, hangup::channel<int>& from, hangup::channel<int>& to,
                  std::latch& left) {
  int ball = 0;
  while (ball < turns::count) {
    DoNotOptimize(co_await from.receive(ctx, ball));
    DoNotOptimize(co_await to.send(ctx, ball + 1));
  }
  left.count_down();
}

// Spawned from outside of the loop, tasks begin on its threads in turn.
void spawn_each(hangup::loop& tasks, const std::vector<std::function<task<>(const context&)>>& all,
                State& state) {
  for (const auto& one : all) {
    if (hangup::spawn(tasks, hangup::background(), one)) {
      state.SkipWithError("a task was not started");
    }
  }
}

void task_turns(State& state, unsigned threads) {
  hangup::loop tasks({.name = "bench", .threads = threads});
  each(state, turns::count, [&] {
    turns t;
    std::latch left(2);
    const auto start = clock::now();
    spawn_each(tasks,
               {[&](const context& ctx) { return take_turns(ctx, t.mine, t.yours, left); },
                [&](const context& ctx) { return take_turns(ctx, t.yours, t.mine, left); }},
               state);
    DoNotOptimize(t.mine.try_send(0));
    left.wait();
    const auto took = clock::now() - start;
    wait_until_empty(tasks);  // they use the channels
    return took;
  });
}

// And what it costs: a hundred tasks that compute for 100 us each, on a loop of two threads.
void task_burst(State& state, bool spawned_by_a_task) {
  constexpr int count = 100;
  hangup::loop tasks({.name = "bench", .threads = 2});
  std::optional<std::latch> left;  // who waits for them must not compute as well
  const auto computes = [&](const context&) -> task<> {
    for (const auto start = clock::now(); clock::now() - start < 100us;) {
    }
    left->count_down();
    co_return;
  };
  const std::vector<std::function<task<>(const context&)>> all(count, computes);
  each(state, count, [&] {
    left.emplace(count);
    const auto start = clock::now();
    if (spawned_by_a_task) {
      spawn_each(tasks, {[&](const context&) -> task<> {
                   spawn_each(tasks, all, state);
                   co_return;
                 }},
                 state);
    } else {
      spawn_each(tasks, all, state);
    }
    left->wait();
    const auto took = clock::now() - start;
    wait_until_empty(tasks);
    return took;
  });
}

}  // namespace

void add_tasks() {
  for (const int waiters : {1, 100, 1'000}) {
    const auto name = "wake_tasks_" + std::to_string(waiters);
    add(name, wake_tasks, waiters, false)->Iterations(wake_ups);
    add(name + "_own_contexts", wake_tasks, waiters, true)->Iterations(wake_ups);
  }
  add("start_tasks", start_tasks);
  add("task_timeout", task_timeout, false);
  add("task_timeout_yield", task_timeout, true);
  add("task_turns", task_turns, 1U);
  add("task_turns_two_threads", task_turns, 2U);
  add("task_burst", task_burst, true);
  add("task_burst_from_outside", task_burst, false);
}

}  // namespace bench
