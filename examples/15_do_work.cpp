// The shape of a function that can be stopped: it takes a context, returns at once if that has
// ended, and otherwise returns the result, or what has ended it.
#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "hangup/context/context.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

// The first look is in the wait itself: with an ended context it does not wait at all.
std::error_code do_work(const context& ctx, context::clock::duration takes, std::string& result) {
  if (const std::error_code ec = hangup::sleep_for(ctx, takes)) {
    return ec;
  }
  result = "done";
  return {};
}

void show(const char* what, const context& ctx, context::clock::duration takes) {
  std::string result;
  const auto ec = do_work(ctx, takes, result);
  std::cout << what << ": " << (ec ? ec.message() : result) << std::endl;
}

int main() {
  {
    const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
    cancel();
    show("canceled before", ctx, 5s);
  }
  show("left alone", hangup::background(), 100ms);  // the tutorial has 1 s
  {
    const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
    const std::jthread other([&cancel = cancel] {
      std::this_thread::sleep_for(100ms);
      cancel();
    });
    show("canceled on the way", ctx, 5s);
  }
}

// Watch:
//     0 s | canceled before: context canceled
//   0.1 s | left alone: done
//   0.2 s | canceled on the way: context canceled
//         | exit 0
