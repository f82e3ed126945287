// Do not begin what must have ended already: before expensive work, look at the deadline.
//
// The tutorial's snippet returns Err() when the deadline has passed. In Go that can be nil: Err is
// set by a timer, which runs a little later than the clock says, and then the snippet says "no
// error" for work that it has not begun. Here the answer comes from the clock itself.
#include <chrono>
#include <iostream>

#include "hangup/context/context.h"

using namespace std::chrono_literals;
using hangup::context;

constexpr int rounds = 500;

// Empty: there is time to begin.
std::error_code may_begin(const context& ctx) {
  const auto deadline = ctx.deadline();
  if (deadline && *deadline <= context::clock::now()) {
    return hangup::errc::deadline_exceeded;
  }
  return ctx.err();  // it may have ended otherwise
}

int main() {
  const auto [late, no_more] = hangup::with_timeout(hangup::background(), -1s);
  std::cout << "a deadline in the past: " << may_begin(late).message() << std::endl;

  // At the very moment of the deadline, many times.
  int by_err = 0;
  int by_the_clock = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto [ctx, cancel] = hangup::with_timeout(hangup::background(), 200us);
    while (context::clock::now() < *ctx.deadline()) {
    }
    by_err += ctx.err() ? 0 : 1;  // first: what the timer has not got round to yet
    by_the_clock += may_begin(ctx) ? 0 : 1;
  }
  std::cout << "begun too late, of " << rounds << ", looking at err() only: " << by_err
            << std::endl;
  std::cout << "begun too late, of " << rounds << ", looking at the clock: " << by_the_clock
            << std::endl;
}

// Watch:
//         | a deadline in the past: context deadline exceeded
//         | begun too late, of 500, looking at err() only: ...
//         | begun too late, of 500, looking at the clock: 0
//         | exit 0
