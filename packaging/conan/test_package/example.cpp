// A wait that ends with its context.
#include <cstdio>

#include "hangup/context/wait.h"
#include "hangup/version.h"

int main() {
  const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
  cancel({.text = "enough"});
  const std::error_code ec = hangup::sleep_for(ctx, std::chrono::hours(1));
  std::printf("hangup %s: %s\n", hangup::version(), describe(*ctx.cause()).c_str());
  return ec ? 0 : 1;
}
