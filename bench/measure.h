// How the benchmarks of contexts measure: what Google Benchmark does not do in the same way in all
// of its versions.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

using benchmark::DoNotOptimize;
using benchmark::State;
using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr int wake_ups = 300;  // of which the median is taken
// After this a thread that was about to block has blocked.
constexpr std::chrono::microseconds asleep{100};

// Reports the time of one of the items that `took` says it took its time for. What it does besides
// counts for how often it is repeated, and for nothing else.
template <class F>
void each(State& state, int items, F took) {
  nanoseconds sum{};
  for (auto _ : state) {
    sum += took();
  }
  state.counters["ns"] =
      static_cast<double>(sum.count()) / static_cast<double>(state.iterations()) / items;
}

// One iteration of `each` on two threads at the same time: the time of one operation of a thread.
template <class F>
void on_two_threads(State& state, int items, F operation) {
  std::atomic<int> arrived{0};
  std::atomic<bool> over{false};
  // Both spin to the same line: the n-th time when 2n have arrived.
  const auto meet = [&arrived](int n) {
    for (++arrived; arrived.load() < 2 * n;) {
    }
  };
  const auto work = [&] {
    for (int i = 0; i < items; ++i) {
      operation();
    }
  };
  std::thread other([&] {
    for (int n = 0;; n += 2) {
      meet(n + 1);
      if (over) {
        return;
      }
      work();
      meet(n + 2);
    }
  });
  int n = 0;
  each(state, items, [&] {
    meet(n + 1);
    const auto start = clock::now();
    work();
    meet(n + 2);
    n += 2;
    return clock::now() - start;
  });
  over = true;
  meet(n + 1);
  other.join();
}

// Reports the median: of a latency, whose mean would be that of the machine's stalls.
inline void report_median(State& state, std::vector<double> took) {
  const auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
  std::nth_element(took.begin(), middle, took.end());
  state.counters["ns"] = *middle;
}

template <class... F>
benchmark::internal::Benchmark* add(const std::string& name, F... f) {
  return benchmark::RegisterBenchmark(name.c_str(), f...)->UseRealTime();
}

// wake_bench.cpp
void add_wake_ups();
// task_bench.cpp
void add_tasks();

}  // namespace bench
