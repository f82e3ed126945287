// The fastest of three mirrors: all are asked for the same file, the first answer is taken, and the
// other two stop and say why. Each waits on a thread of its own. So two may answer at the same
// moment, and an atomic variable decides who was first.
#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <syncstream>
#include <system_error>

#include "hangup/context/context.h"
#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

constexpr std::chrono::milliseconds answers_after[] = {5s, 100ms, 10s};

// Stands for a download.
std::error_code fetch(const context& ctx, int mirror) {
  const std::error_code ec = hangup::sleep_for(ctx, answers_after[mirror]);
  if (ec) {
    std::osyncstream(std::cout) << "mirror " << mirror << " stopped: " << describe(*ctx.cause())
                                << std::endl;
  }
  return ec;
}

int fastest(const context& parent) {
  const auto race = with_cancel(parent);
  std::atomic<int> winner{-1};
  hangup::task_group mirrors(race.ctx);
  for (int i = 0; i < 3; ++i) {
    mirrors.go([&, i](const context& ctx) {
      int none = -1;
      if (!fetch(ctx, i) && winner.compare_exchange_strong(none, i)) {
        race.cancel({.text = "mirror " + std::to_string(i) + " was faster"});
      }
    });
  }
  mirrors.wait();
  return winner;
}

int main() {
  const int winner = fastest(hangup::background());
  std::cout << "the file of mirror " << winner << std::endl;
}

// Watch:
//   0.1 s ~ mirror 0 stopped: canceled: mirror 1 was faster
//   0.1 s ~ mirror 2 stopped: canceled: mirror 1 was faster
//         | the file of mirror 1
//         | exit 0
