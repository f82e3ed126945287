// What many tasks cost that sleep: asleep_bench COUNT [own]. go/asleep does the same with
// goroutines. Prints, for one of them: the bytes of resident memory while it sleeps, and the
// nanoseconds of its share of the time from one cancel() until all are over.
//
// All sleep on one context, as the tasks of a group on one thread. With `own`, each is spawned on
// its own, and has a context of its own; two threads share them.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "hangup/context/task.h"
#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/loop.h"

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using hangup::context;
using hangup::task;

std::atomic<int> started{0};

long resident_bytes() {
  long all = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

task<> sleep_long(context ctx) {
  ++started;
  static_cast<void>(co_await hangup::sleep_for(ctx, 1h));
}

task<> sleep_in_a_group(context ctx, int count) {
  static_cast<void>(co_await hangup::with_task_group(ctx, [=](hangup::awaited_task_group& group) {
    for (int i = 0; i < count; ++i) {
      group.go(sleep_long);
    }
  }));
}

void report(int count, long bytes, clock::duration took) {
  std::printf("{\"bytes\": %.0f, \"ns\": %.1f}\n", static_cast<double>(bytes) / count,
              std::chrono::duration<double, std::nano>(took).count() / count);
}

// Calls begin(), which starts the tasks, and end(), which returns when all are over.
template <class Begin, class End>
void measure(int count, Begin begin, End end) {
  const long before = resident_bytes();
  begin();
  while (started < count) {
    std::this_thread::sleep_for(1ms);
  }
  std::this_thread::sleep_for(200ms);  // until the last of them sleeps as well
  const long bytes = resident_bytes() - before;
  const auto start = clock::now();
  end();
  report(count, bytes, clock::now() - start);
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 0;
  const bool own = argc > 2 && std::strcmp(argv[2], "own") == 0;
  if (count < 1) {
    std::fputs("usage: asleep_bench COUNT [own]\n", stderr);
    return 2;
  }
  const auto all = hangup::with_cancel(hangup::background());
  if (own) {
    hangup::loop tasks({.name = "bench", .threads = 2});
    measure(
        count,
        [&] {
          for (int i = 0; i < count; ++i) {
            if (const auto refused = hangup::spawn(tasks, all.ctx, sleep_long)) {
              std::abort();
            }
          }
        },
        [&] {
          all.cancel();
          while (tasks.now().tasks != 0) {
            std::this_thread::sleep_for(100us);
          }
        });
  } else {
    std::thread group;
    measure(
        count,
        [&] {
          group = std::thread([&] { hangup::run_blocking(sleep_in_a_group(all.ctx, count)); });
        },
        [&] {
          all.cancel();
          group.join();
        });
  }
}
