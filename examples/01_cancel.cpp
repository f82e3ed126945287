// Cancellation: one function waits, another says that nobody needs the result any more.
#include <chrono>
#include <iostream>
#include <thread>

#include "hangup/context/context.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;

constexpr auto work_takes = 5s;
constexpr auto main_cancels_after = 200ms;  // the tutorial has 2 s
constexpr auto main_stays_for = 100ms;      // the tutorial has 1 s

void work(const hangup::context& ctx) {
  // A sleep that ends with the context. Nothing polls, and no thread is needed for it.
  if (const std::error_code ec = hangup::sleep_for(ctx, work_takes)) {
    std::cout << "Stopped: " << ec.message() << std::endl;
    return;
  }
  std::cout << "Work finished" << std::endl;
}

int main() {
  const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
  const std::jthread worker([ctx = ctx] { work(ctx); });

  std::this_thread::sleep_for(main_cancels_after);
  cancel();  // when it returns, everyone who looks at ctx sees that it has ended
  std::this_thread::sleep_for(main_stays_for);
}

// Watch:
//   0.2 s | Stopped: context canceled
//   0.3 s | exit 0
