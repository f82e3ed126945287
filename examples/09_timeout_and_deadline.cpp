// The two ways to give a context an end in time: so long from now, or at a time of day. A time that
// has passed already is no special case: the context is born ended.
#include <chrono>
#include <iostream>

#include "hangup/context/context.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;

constexpr auto relative = 300ms;  // the tutorial has 3 s
constexpr auto absolute = std::chrono::sys_days{2009y / 11 / 10} + 23h;

int main() {
  const auto [late, cancel_late] = hangup::with_deadline(hangup::background(), absolute);
  std::cout << "2009-11-10 23:00 UTC: " << late.err().message() << std::endl;  // nobody has waited

  const auto [ctx, cancel] = hangup::with_timeout(hangup::background(), relative);
  const std::error_code ec = hangup::wait_done(ctx);
  std::cout << "in 300 ms: " << ec.message() << std::endl;
}

// Watch:
//         | 2009-11-10 23:00 UTC: context deadline exceeded
//   0.3 s | in 300 ms: context deadline exceeded
//         | exit 0
