// How long it takes until a thread that waits for the end of a context runs again.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/measure.h"
#include "hangup/context/context.h"
#include "hangup/context/wait.h"

namespace bench {
namespace {

struct context_end {
  hangup::cancelable made = hangup::with_cancel(hangup::background());
  void wait() { DoNotOptimize(hangup::wait_done(made.ctx).get()); }
  void end() { made.cancel(); }
};

struct stop_source_end {
  std::stop_source source;
  std::mutex mutex;
  std::condition_variable_any wake;
  void wait() {
    std::unique_lock hold(mutex);
    wake.wait(hold, source.get_token(), [] { return false; });
  }
  void end() { source.request_stop(); }
};

struct futex_end {
  std::atomic<std::uint32_t> word{0};
  void wait() {
    while (word.load(std::memory_order_acquire) == 0) {
      ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    }
  }
  void end() {
    word.store(1, std::memory_order_release);
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }
};

// From just before the end until the last of the waiters runs again. Whether a core sleeps
// meanwhile decides more than all else: scripts/bench-context keeps them awake.
template <class End>
void wake(State& state, int waiters) {
  std::optional<End> what;
  std::atomic<int> round{0};  // negative: over
  std::atomic<int> about_to_wait{0};
  std::atomic<int> awake{0};
  std::atomic<clock::rep> last{0};
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(waiters));
  for (int i = 0; i < waiters; ++i) {
    threads.emplace_back([&] {
      for (int seen = 0;;) {
        round.wait(seen);
        seen = round;
        if (seen < 0) {
          return;
        }
        ++about_to_wait;
        what->wait();
        const auto now = clock::now().time_since_epoch().count();
        for (auto before = last.load(); before < now && !last.compare_exchange_weak(before, now);) {
        }
        if (++awake == waiters) {
          awake.notify_one();
        }
      }
    });
  }
  std::vector<double> took;
  for (auto _ : state) {
    what.emplace();
    about_to_wait = awake = 0;
    ++round;
    round.notify_all();
    while (about_to_wait != waiters) {
    }
    for (const auto start = clock::now(); clock::now() - start < asleep;) {
    }
    const auto start = clock::now();
    what->end();
    for (int n = awake; n != waiters; n = awake) {
      awake.wait(n);
    }
    const nanoseconds one = clock::time_point(clock::duration(last.load())) - start;
    took.push_back(static_cast<double>(one.count()));
  }
  round = -1;
  round.notify_all();
  threads.clear();
  report_median(state, std::move(took));
}

template <class End>
void add_wake(const std::string& family) {
  for (const int waiters : {1, 100}) {
    const auto name = family + (waiters == 1 ? "wake_one" : "wake_100");
    add(name, wake<End>, waiters)->Iterations(wake_ups);
  }
}

}  // namespace

void add_wake_ups() {
  add_wake<context_end>("");
  add_wake<stop_source_end>("stop_source/");
  add_wake<futex_end>("floor/");
}

}  // namespace bench
