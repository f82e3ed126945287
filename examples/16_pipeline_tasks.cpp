// A pipeline of ten thousand stages on one thread: a number comes in, and each stage adds one. A
// stage that is idle on its input holds no thread, so the pipeline may be as long as memory allows.
// At its ends there is a thread, main(), which uses the same channels without co_await.
#include <deque>
#include <iostream>
#include <system_error>

#include "hangup/context/channel.h"
#include "hangup/worker/loop.h"

using hangup::channel;
using hangup::context;

hangup::task<> plus_one(context ctx, channel<int>& in, channel<int>& out) {
  std::error_code ec;
  int number = 0;
  while (!ec && !(ec = co_await in.receive(ctx, number))) {  // both waits end with the context
    ec = co_await out.send(ctx, number + 1);
  }
  out.close();
}

int main() {
  const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
  std::deque<channel<int>> pipes;
  pipes.emplace_back(1);
  hangup::loop stages({.name = "stages", .threads = 1});
  for (int i = 0; i < 10'000; ++i) {
    channel<int>& in = pipes.back();
    channel<int>& out = pipes.emplace_back(1);
    if (const auto ec = spawn(stages, ctx, [&](context own) { return plus_one(own, in, out); })) {
      throw std::system_error(ec);
    }
  }

  int result = 0;
  if (!pipes.front().send(ctx, 0) && !pipes.back().receive(ctx, result)) {
    std::cout << "0 gives " << result << std::endl;
  }

  cancel();  // all stages are idle on their inputs now
  const std::error_code output =
      pipes.back().receive(hangup::background(), result);  // waits for the close
  std::cout << "the output: " << output.message() << std::endl;
}  // the loop waits for its tasks: none is left

// Watch:
//         | 0 gives 10000
//         | the output: the channel is closed
//         | exit 0
