// A time limit: work that takes longer than its caller can wait is stopped at the limit.
#include <chrono>
#include <iostream>

#include "hangup/context/context.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;

constexpr auto work_takes = 2s;
constexpr auto limit = 50ms;  // the tutorial has 500 ms

int main() {
  const auto [ctx, cancel] = hangup::with_timeout(hangup::background(), limit);

  if (const std::error_code ec = hangup::sleep_for(ctx, work_takes)) {
    std::cout << "stopped: " << ec.message() << std::endl;
  } else {
    std::cout << "finished" << std::endl;
  }
}

// Watch:
//  0.05 s | stopped: context deadline exceeded
//         | exit 0
