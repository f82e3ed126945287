// Two operations at the same time, the second of no use without the first: when the first fails it
// cancels the context of both. (The same with less to write is a task_group: 18_fan_out.cpp.)
#include <chrono>
#include <iostream>
#include <system_error>
#include <thread>

#include "hangup/context/context.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

std::error_code operation1(const context& ctx) {
  if (const std::error_code ec = hangup::sleep_for(ctx, 100ms)) {
    return ec;
  }
  return std::make_error_code(std::errc::io_error);
}

void operation2(const context& ctx) {
  if (hangup::sleep_for(ctx, 5s)) {  // the tutorial has 500 ms
    std::cout << "halted operation2" << std::endl;
    std::cout << "because of operation1: " << ctx.cause()->code.message() << std::endl;
    return;
  }
  std::cout << "done" << std::endl;
}

int main() {
  const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
  const std::jthread first([ctx = ctx, &cancel = cancel] {
    if (const auto ec = operation1(ctx)) {
      cancel({.code = ec});
    }
  });
  operation2(ctx);
}

// Watch:
//   0.1 s | halted operation2
//         | because of operation1: Input/output error
//         | exit 0
