// What contexts cost. Three families, told apart by name: `create_cancel` is hangup's, and has a
// namesake in go/context_test.go; `stop_source/create_cancel` does the same with nothing but
// std::stop_source; `floor/create_cancel` is what no implementation can avoid.
// scripts/bench-context runs all of them next to Go and prints the table.
//
// Times are nanoseconds per operation, loop included (about a third of one). Where an iteration is
// not one operation, or has to prepare one, the counter `ns` says the time of one.
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/measure.h"
#include "hangup/context/after_func.h"
#include "hangup/context/context.h"
#include "hangup/context/task_group.h"

namespace {

using namespace std::chrono_literals;
using bench::add;
using bench::clock;
using bench::DoNotOptimize;
using bench::each;
using bench::nanoseconds;
using bench::on_two_threads;
using bench::State;

constexpr int kids = 1'000;    // of a cancelled parent
constexpr int levels = 1'000;  // of a chain
constexpr int tasks = 1'000;   // started before the group is waited for

// --- making and ending ---

void create_cancel(State& state) {
  for (auto _ : state) {
    const auto made = hangup::with_cancel(hangup::background());
    DoNotOptimize(made);
    made.cancel();
  }
}

void create_cancel_stop_source(State& state) {
  for (auto _ : state) {
    std::stop_source made;
    DoNotOptimize(made);
    made.request_stop();
  }
}

void create_cancel_floor(State& state) {
  struct bytes {
    std::byte of[sizeof(hangup::tree::scope)];
  };
  for (auto _ : state) {
    auto* made = new bytes;
    DoNotOptimize(made);
    delete made;
  }
}

void child(State& state) {
  const auto parent = hangup::with_cancel(hangup::background());
  for (auto _ : state) {
    const auto made = hangup::with_cancel(parent.ctx);
    DoNotOptimize(made);
    made.cancel();
  }
}

// A context as it is often made by hand: a stop_source that is stopped by its parent's.
class linked_source {
 public:
  explicit linked_source(const std::stop_source& parent) : up_(parent.get_token(), stop{own_}) {}
  bool request_stop() { return own_.request_stop(); }

 private:
  struct stop {
    std::stop_source source;
    void operator()() noexcept { source.request_stop(); }
  };
  std::stop_source own_;
  std::stop_callback<stop> up_;
};

void child_stop_source(State& state) {
  const std::stop_source parent;
  for (auto _ : state) {
    linked_source made(parent);
    DoNotOptimize(made);
    made.request_stop();
  }
}

void common_parent(State& state) {
  const auto parent = hangup::with_cancel(hangup::background());
  on_two_threads(state, 20'000, [&parent] {
    const auto made = hangup::with_cancel(parent.ctx);
    DoNotOptimize(made);
    made.cancel();
  });
}

void common_parent_stop_source(State& state) {
  const std::stop_source parent;
  on_two_threads(state, 20'000, [&parent] {
    linked_source made(parent);
    DoNotOptimize(made);
    made.request_stop();
  });
}

// Others are due from half an hour before to half an hour after the one that is measured, and were
// made in no order.
void timeout(State& state, int pending) {
  std::vector<hangup::cancelable> others;
  others.reserve(static_cast<std::size_t>(pending));
  for (std::int64_t i = 0; i < pending; ++i) {
    const auto part = i * 7'919 % pending;
    others.push_back(hangup::with_timeout(hangup::background(), 30min + 60min * part / pending));
  }
  for (auto _ : state) {
    const auto made = hangup::with_timeout(hangup::background(), 1h);
    DoNotOptimize(made);
    made.cancel();
  }
}

void after_func(State& state) {
  const auto parent = hangup::with_cancel(hangup::background());
  for (auto _ : state) {
    hangup::after_func registered(parent.ctx, [] {});
    DoNotOptimize(registered.stop());
  }
}

void after_func_stop_source(State& state) {
  const std::stop_source parent;
  for (auto _ : state) {
    std::stop_callback registered(parent.get_token(), [] {});
    DoNotOptimize(registered);
  }
}

void task_start(State& state) {
  each(state, tasks, [] {
    int unused = 0;
    const auto start = clock::now();
    hangup::task_group group;
    for (int i = 0; i < tasks; ++i) {
      group.go([&unused] { DoNotOptimize(unused); });
    }
    DoNotOptimize(group.wait());
    return clock::now() - start;
  });
}

// --- ending many ---

void propagate(State& state) {
  each(state, kids, [] {
    const auto parent = hangup::with_cancel(hangup::background());
    std::vector<hangup::cancelable> made;
    made.reserve(kids);
    for (int i = 0; i < kids; ++i) {
      made.push_back(hangup::with_cancel(parent.ctx));
    }
    const auto start = clock::now();
    parent.cancel();
    return clock::now() - start;
  });
}

void propagate_stop_source(State& state) {
  each(state, kids, [] {
    std::stop_source parent;
    std::deque<linked_source> made;
    for (int i = 0; i < kids; ++i) {
      made.emplace_back(parent);
    }
    const auto start = clock::now();
    parent.request_stop();
    return clock::now() - start;
  });
}

// A list of what a context is at least: a word that says that it has ended.
void propagate_floor(State& state) {
  struct least {
    std::atomic<std::uint32_t> word{0};
    std::byte rest[sizeof(hangup::tree::scope) - 2 * sizeof(void*)];
    std::unique_ptr<least> next;
  };
  each(state, kids, [] {
    std::unique_ptr<least> head;
    for (int i = 0; i < kids; ++i) {
      auto fresh = std::make_unique<least>();
      fresh->next = std::move(head);
      head = std::move(fresh);
    }
    const auto start = clock::now();
    for (auto* one = head.get(); one != nullptr; one = one->next.get()) {
      one->word.exchange(1);
    }
    const auto took = clock::now() - start;
    while (head != nullptr) {
      head = std::move(head->next);
    }
    return took;
  });
}

std::vector<hangup::cancelable> chain(const hangup::context& root) {
  std::vector<hangup::cancelable> made;
  made.reserve(levels);
  for (int i = 0; i < levels; ++i) {
    made.push_back(hangup::with_cancel(i == 0 ? root : made.back().ctx));
  }
  return made;
}

void propagate_chain(State& state) {
  each(state, levels, [] {
    const auto root = hangup::with_cancel(hangup::background());
    const auto made = chain(root.ctx);
    const auto start = clock::now();
    root.cancel();
    return clock::now() - start;
  });
}

// The chain made, ended from its root, and taken down again.
void cancel_tree(State& state) {
  each(state, levels, [] {
    const auto start = clock::now();
    {
      const auto root = hangup::with_cancel(hangup::background());
      const auto made = chain(root.ctx);
      root.cancel();
    }
    return clock::now() - start;
  });
}

// --- looking ---

// What is looked at is read anew in every round: DoNotOptimize(ctx) says that it may have changed.
void done(State& state, bool ended) {
  auto made = hangup::with_cancel(hangup::background());
  if (ended) {
    made.cancel();
  }
  auto& ctx = made.ctx;
  for (auto _ : state) {
    DoNotOptimize(ctx);
    DoNotOptimize(ctx.done());
  }
}

void err(State& state, bool ended) {
  auto made = hangup::with_cancel(hangup::background());
  if (ended) {
    made.cancel();
  }
  auto& ctx = made.ctx;
  for (auto _ : state) {
    DoNotOptimize(ctx);
    DoNotOptimize(static_cast<bool>(ctx.err()));
  }
}

void done_shared(State& state) {
  auto made = hangup::with_cancel(hangup::background());
  on_two_threads(state, 1'000'000, [ctx = made.ctx]() mutable {
    DoNotOptimize(ctx);
    DoNotOptimize(ctx.done());
  });
}

void done_stop_source(State& state, bool ended) {
  std::stop_source made;
  if (ended) {
    made.request_stop();
  }
  auto token = made.get_token();
  for (auto _ : state) {
    DoNotOptimize(token);
    DoNotOptimize(token.stop_requested());
  }
}

void done_floor(State& state) {
  std::atomic<std::uint32_t> word{0};
  for (auto _ : state) {
    DoNotOptimize(word.load(std::memory_order_acquire));
  }
}

struct wanted {
  using type = int;
};
struct absent {
  using type = int;
};
struct between {
  using type = int;
};

// The value is the outermost of the layers. Per layer.
template <class Key>
void value(State& state, int layers) {
  auto ctx = hangup::with_value<wanted>(hangup::background(), 1);
  for (int i = 1; i < layers; ++i) {
    ctx = hangup::with_value<between>(ctx, i);
  }
  const auto start = clock::now();
  for (auto _ : state) {
    DoNotOptimize(ctx);
    DoNotOptimize(ctx.value<Key>());
  }
  const nanoseconds took = clock::now() - start;
  state.counters["ns"] =
      static_cast<double>(took.count()) / static_cast<double>(state.iterations()) / layers;
}

}  // namespace

int main(int argc, char** argv) {
  add("create_cancel", create_cancel);
  add("stop_source/create_cancel", create_cancel_stop_source);
  add("floor/create_cancel", create_cancel_floor);
  add("child", child);
  add("stop_source/child", child_stop_source);
  add("common_parent", common_parent);
  add("stop_source/common_parent", common_parent_stop_source);
  add("timeout", timeout, 0);
  for (const int pending : {40, 4'000, 400'000}) {
    add("timeout_" + std::to_string(pending), timeout, pending);
  }
  add("after_func", after_func);
  add("stop_source/after_func", after_func_stop_source);
  add("task_start", task_start);
  add("propagate", propagate);
  add("stop_source/propagate", propagate_stop_source);
  add("floor/propagate", propagate_floor);
  add("propagate_chain", propagate_chain);
  add("cancel_tree", cancel_tree);
  for (const bool ended : {false, true}) {
    const std::string when = ended ? "ended" : "live";
    add("done_" + when, done, ended);
    add("stop_source/done_" + when, done_stop_source, ended);
    add("err_" + when, err, ended);
  }
  add("floor/done_live", done_floor);
  add("done_shared", done_shared);
  for (const int layers : {10, 100}) {
    add("value_hit_" + std::to_string(layers), value<wanted>, layers);
    add("value_miss_" + std::to_string(layers), value<absent>, layers);
  }
  bench::add_wake_ups();
  bench::add_tasks();

  // The C and C++ libraries take short cuts in a process of one thread, which no server is.
  std::mutex mutex;
  std::condition_variable_any never;
  const std::jthread bystander([&](const std::stop_token& stop) {
    std::unique_lock hold(mutex);
    never.wait(hold, stop, [] { return false; });
  });

  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
}
