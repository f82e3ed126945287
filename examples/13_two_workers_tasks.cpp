// The two workers of 13_two_workers.cpp as tasks. Both run on the main thread, which serves them
// until they have returned. While they wait they hold no thread, and they print in turn, so the
// output needs no lock.
#include <chrono>
#include <iostream>
#include <system_error>

#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/loop.h"

using namespace std::chrono_literals;
using hangup::context;

hangup::task<> worker(context ctx, int id) {
  std::error_code ec;
  while (!ec) {
    ec = co_await hangup::sleep_for(ctx, 50ms);  // stands for a piece of work
  }
  std::cout << "Worker " << id << " stopped: " << ec.message() << std::endl;
}

int main() {
  const auto [ctx, cancel] = hangup::with_timeout(hangup::background(), 200ms);
  hangup::run_blocking(with_task_group(ctx, [](hangup::awaited_task_group& workers) {
    workers.go(worker(workers.ctx(), 1));
    workers.go(worker(workers.ctx(), 2));
  }));
}

// Watch:
//   0.2 s ~ Worker 1 stopped: context deadline exceeded
//   0.2 s ~ Worker 2 stopped: context deadline exceeded
//         | exit 0
