// A std::jthread and its stop token beside contexts: who asks the thread to stop ends a context,
// and who ends a context wakes code that knows only stop tokens.
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <thread>

#include "hangup/context/bridge.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

// Code that takes a context.
void work(const context& ctx) {
  if (hangup::sleep_for(ctx, 10s)) {
    std::cout << "work: " << describe(*ctx.cause()) << std::endl;
  }
}

// Code of somebody else's, which takes a stop token.
void wait_for_mail(std::stop_token token) {
  std::mutex mutex;
  std::condition_variable_any arrived;
  std::unique_lock lock(mutex);
  const bool mail = arrived.wait(lock, std::move(token), [] { return false; });
  std::cout << "wait_for_mail: " << (mail ? "there is some" : "told to stop") << std::endl;
}

// What a std::jthread runs. The context ends when the thread is asked to stop, be it by its
// destructor, and when the parent ends.
void run(const std::stop_token& token, const context& parent) {
  const auto [ctx, cancel] = with_stop_token(parent, token);
  work(ctx);
}

int main() {
  {
    const std::jthread thread(run, hangup::background());
    std::this_thread::sleep_for(100ms);
  }
  const auto parent = with_cancel(hangup::background());
  std::jthread thread(run, parent.ctx);
  parent.cancel({.text = "nobody wants it any more"});
  thread.join();

  // The other way round: the deadline, a hang-up or cancel() requests the stop.
  const auto [ctx, cancel] = with_timeout(hangup::background(), 100ms);
  wait_for_mail(ctx.stop_token());
  std::cout << "why: " << describe(*ctx.cause()) << std::endl;
}

// Watch:
//   0.1 s | work: canceled
//         | work: canceled: nobody wants it any more
//   0.2 s | wait_for_mail: told to stop
//         | why: deadline exceeded
//         | exit 0
