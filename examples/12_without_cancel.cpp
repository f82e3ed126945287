// What must go on after its caller (11_outlived.cpp) gets a context without the caller's end. The
// values stay: the audit record still knows which request it belongs to.
#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "hangup/context/context.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

struct request_id {
  using type = std::string;
};

void do_something_else(const context& ctx) {
  if (const std::error_code ec = hangup::sleep_for(ctx, 100ms)) {
    std::cout << "something else: " << ec.message() << std::endl;
    return;
  }
  std::cout << "something else: done, for " << *ctx.value<request_id>() << std::endl;
}

std::jthread do_something(const context& parent) {
  const auto [ctx, cancel] = hangup::with_cancel(parent);
  return std::jthread([ctx = hangup::without_cancel(ctx)] { do_something_else(ctx); });
}  // `cancel` goes here as well, but do_something_else() is not below it

int main() {
  const auto ctx = hangup::with_value<request_id>(hangup::background(), "request 17");
  const auto in_the_background = do_something(ctx);
}

// Watch:
//   0.1 s | something else: done, for request 17
//         | exit 0
