// Uses hangup::context and nothing else: two tasks wait, one fails, the other ends with it.
#include <cstdio>
#include <string>
#include <system_error>

#include "hangup/context/context.h"
#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "hangup/version.h"

using namespace std::chrono_literals;

int main() {
  hangup::task_group group(hangup::background());
  std::string heard = "nothing";
  group.go([&](const hangup::context& ctx) {
    const std::error_code ec = hangup::sleep_for(ctx, 30s);
    heard = ec ? describe(*ctx.cause()) : "nothing";
    return ec;
  });
  group.go([](const hangup::context&) { return std::make_error_code(std::errc::io_error); });
  const auto first = group.wait();
  std::printf("context %s: %s\n", hangup::version(), heard.c_str());
  return first == std::errc::io_error && heard != "nothing" ? 0 : 1;
}
