// "Is this safe?" do_something() derives a context, starts do_something_else() with it in the
// background, and returns. It is not: leaving the function cancels what it has derived. In Go that
// is `defer cancel()`, in C++ the destructor of `cancel`, and nobody can forget it.
// The safe form is 12_without_cancel.cpp.
#include <chrono>
#include <iostream>
#include <thread>

#include "hangup/context/context.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

void do_something_else(const context& ctx) {
  if (const std::error_code ec = hangup::sleep_for(ctx, 5s)) {
    std::cout << "something else: " << ec.message() << std::endl;
    return;
  }
  std::cout << "something else: done" << std::endl;
}

std::jthread do_something(const context& parent) {
  const auto [ctx, cancel] = hangup::with_cancel(parent);
  return std::jthread([ctx = ctx] { do_something_else(ctx); });
}  // here `cancel` goes, and with it ctx

int main() {
  const auto in_the_background = do_something(hangup::background());
}

// Watch:
//     0 s | something else: context canceled
//         | exit 0
