// A stage of a pipeline: numbers come in, doubled they go out. When the context ends the stage ends
// and its output closes, also when it waits for a number that never comes. The tutorial's Go
// program looks at the context only when it has something to send: idle on its input, its goroutine
// stays for ever.
#include <iostream>
#include <system_error>

#include "hangup/context/channel.h"
#include "hangup/context/context.h"
#include "hangup/context/task_group.h"

using hangup::channel;
using hangup::context;

std::error_code doubled(const context& ctx, channel<int>& in, channel<int>& out) {
  std::error_code ec;
  int number = 0;
  while (!ec && !(ec = in.receive(ctx, number))) {  // both waits end with the context
    ec = out.send(ctx, 2 * number);
  }
  out.close();
  return ec;
}

int main() {
  const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
  channel<int> numbers(1);
  channel<int> results(1);
  hangup::task_group stages(ctx);
  stages.go([&](const context& stage_ctx) { return doubled(stage_ctx, numbers, results); });

  int result = 0;
  if (!numbers.send(ctx, 2) && !results.receive(ctx, result)) {
    std::cout << "2 gives " << result << std::endl;
  }

  cancel();  // the stage is idle on its input now
  const std::error_code output =
      results.receive(hangup::background(), result);  // waits for the close
  std::cout << "the output: " << output.message() << std::endl;
  const auto stage = stages.wait();  // no task is left when it returns
  std::cout << "the stage: " << stage.message() << std::endl;
}

// Watch:
//         | 2 gives 4
//         | the output: the channel is closed
//         | the stage: context canceled
//         | exit 0
