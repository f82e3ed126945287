// What the tests of tasks that wait for each other share.
#pragma once

#include <future>
#include <memory>
#include <system_error>
#include <utility>

#include "hangup/context/task.h"
#include "hangup/worker/loop.h"
#include "tests/unit/context/channel_support.h"

namespace hangup::test {

// Runs f(ctx), a task<std::error_code>, on the loop. The destructor of the loop waits for it.
template <class F>
std::future<std::error_code> in_task(loop& on, const context& ctx, F f) {
  auto done = std::make_shared<std::promise<std::error_code>>();
  auto result = done->get_future();
  const auto run = [done, f = std::move(f)](const context& own) -> task<> {
    try {
      done->set_value(co_await f(own));
    } catch (...) {
      done->set_exception(std::current_exception());
    }
  };
  EXPECT_EQ(spawn(on, ctx, run), std::error_code());
  return result;
}

// The same for a test of the thread's wait beside the task's: f(ctx) returns an error.
template <class F>
std::future<std::error_code> in_thread(const context& ctx, F f) {
  return aside([ctx, f = std::move(f)]() -> std::error_code { return f(ctx); });
}

}  // namespace hangup::test
