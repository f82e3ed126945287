// The fastest of three mirrors (fastest_mirror.cpp) as tasks. They take turns on one thread. So the
// first that has an answer ends the others before any of them goes on: a wait that is over at the
// same moment returns the end of its context. No lock and no atomic variable is needed.
#include <chrono>
#include <iostream>
#include <string>
#include <system_error>

#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/loop.h"

using namespace std::chrono_literals;
using hangup::context;
using hangup::task;

constexpr std::chrono::milliseconds answers_after[] = {5s, 100ms, 10s};

// Stands for a download.
task<std::error_code> fetch(context ctx, int mirror) {
  const std::error_code ec = co_await hangup::sleep_for(ctx, answers_after[mirror]);
  if (ec) {
    std::cout << "mirror " << mirror << " stopped: " << describe(*ctx.cause()) << std::endl;
  }
  co_return ec;
}

task<int> fastest(context parent) {
  const auto race = with_cancel(parent);
  int winner = -1;
  co_await with_task_group(race.ctx, [&](hangup::awaited_task_group& mirrors) {
    for (int i = 0; i < 3; ++i) {
      mirrors.go([&, i](context ctx) -> task<> {
        const std::error_code ec = co_await fetch(ctx, i);
        if (!ec) {
          winner = i;
          race.cancel({.text = "mirror " + std::to_string(i) + " was faster"});
        }
      });
    }
  });
  co_return winner;
}

int main() {
  const int winner = hangup::run_blocking(fastest(hangup::background()));
  std::cout << "the file of mirror " << winner << std::endl;
}

// Watch:
//   0.1 s ~ mirror 0 stopped: canceled: mirror 1 was faster
//   0.1 s ~ mirror 2 stopped: canceled: mirror 1 was faster
//         | the file of mirror 1
//         | exit 0
