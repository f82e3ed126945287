// A fan-out: four parts of an answer at the same time. Without one of them the others are of no
// use, so the first failure ends them all, and wait() says what it was (in Go: errgroup).
#include <chrono>
#include <iostream>
#include <syncstream>
#include <system_error>

#include "hangup/context/context.h"
#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

std::error_code fetch(const context& ctx, int part) {
  if (part == 2) {
    const std::error_code ec = hangup::sleep_for(ctx, 100ms);
    return ec ? ec : std::make_error_code(std::errc::connection_refused);
  }
  const std::error_code ec = hangup::sleep_for(ctx, 5s);
  if (ec) {
    std::osyncstream(std::cout) << "part " << part << " stopped: " << describe(*ctx.cause())
                                << std::endl;
  }
  return ec;
}

int main() {
  hangup::task_group parts(hangup::background());
  for (int part = 1; part <= 4; ++part) {
    parts.go([part](const context& ctx) { return fetch(ctx, part); });
  }
  // Returns when all four have: none of them outlives the group.
  if (const auto ec = parts.wait()) {
    std::cout << "the answer: " << ec.message() << std::endl;
  }
}

// Watch:
//   0.1 s ~ part 1 stopped: a sibling task failed: Connection refused
//   0.1 s ~ part 3 stopped: a sibling task failed: Connection refused
//   0.1 s ~ part 4 stopped: a sibling task failed: Connection refused
//         | the answer: Connection refused
//         | exit 0
