// What coroutine tasks cost, next to goroutines: the namesakes in go/context_test.go do the same.
#include <atomic>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/measure.h"
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
    while (tasks.now().tasks != 0) {  // they use `end`
    }
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
}

}  // namespace bench
