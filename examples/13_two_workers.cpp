// Two workers under one time limit. The tutorial promises a line from each; its Go program prints
// none, because main returns first and takes the workers with it. Here main cannot: a thread is
// joined where its scope ends.
#include <chrono>
#include <iostream>
#include <syncstream>
#include <thread>

#include "hangup/context/context.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

void worker(const context& ctx, int id) {
  while (!hangup::sleep_for(ctx, 50ms)) {
    // a piece of work, every 50 ms
  }
  std::osyncstream(std::cout) << "Worker " << id << " stopped: " << ctx.err().message()
                              << std::endl;
}

int main() {
  const auto [ctx, cancel] = hangup::with_timeout(hangup::background(), 200ms);
  const std::jthread first([ctx = ctx] { worker(ctx, 1); });
  const std::jthread second([ctx = ctx] { worker(ctx, 2); });
}

// Watch:
//   0.2 s ~ Worker 1 stopped: context deadline exceeded
//   0.2 s ~ Worker 2 stopped: context deadline exceeded
//         | exit 0
