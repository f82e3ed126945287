// Asks three mirrors for the same file and takes the fastest: hangup::context, alone.
#include <atomic>
#include <cstdio>
#include <string>

#include "hangup/context/signal.h"
#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"

using namespace hangup;
using namespace std::chrono_literals;

// Stands for a download: waits as wait_fd() would, and returns as soon as ctx ends.
std::error_code fetch(const context& ctx, std::chrono::milliseconds time) {
  return sleep_for(ctx, time);
}

int main() {
  const auto interrupted = with_signal(background(), {SIGINT, SIGTERM});
  const auto download = with_timeout(interrupted.ctx, 2s, {.text = "the download"});
  std::atomic<int> fastest{-1};
  task_group mirrors(download.ctx);
  const std::chrono::milliseconds times[] = {5s, 50ms, 10s};
  for (int i = 0; i < 3; ++i) {
    mirrors.go([&, i](const context& ctx) {
      const auto ec = fetch(ctx, times[i]);
      std::printf("mirror %d: %s\n", i, ec ? ec.message().c_str() : "done");
      if (!ec && fastest.exchange(i) == -1)
        download.cancel({.text = "mirror " + std::to_string(i) + " won"});
      return ec;
    });
  }
  mirrors.wait();
  std::printf("%s\n", describe(*download.ctx.cause()).c_str());
}
