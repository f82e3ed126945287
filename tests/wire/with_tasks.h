// A server with a loop of two threads, for the tests of handlers that are tasks.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/loop.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {

inline setup and_also(setup how, std::function<void(live_server&)> add) {
  how.more.push_back(std::move(add));
  return how;
}

class with_tasks {
 public:
  // `add`: makes the routes of the test.
  using adder = std::function<void(live_server& s, loop& tasks)>;
  explicit with_tasks(const adder& add, setup how = {},
                      loop_options of = {.name = "tasks", .threads = 2})
      : tasks(std::move(of)),
        server_(and_also(std::move(how), [this, &add](live_server& s) { add(s, this->tasks); })) {}

  live_server* operator->() { return &server_; }
  live_server& operator*() { return server_; }

  loop tasks;

 private:
  live_server server_;
};

// How much a task moves between two turns of another task of its thread.
class between_turns {
 public:
  static constexpr std::size_t allowed = 512 * 1024;

  // Runs `work` next to a task that is always ready.
  task<std::error_code> run(const context& ctx,
                            std::function<task<std::error_code>(const context&)> work) {
    bool over = false;
    const auto both = [&](awaited_task_group& tasks) {
      tasks.go([&](const context& c) -> task<std::error_code> {
        const auto ec = co_await work(c);
        over = true;
        co_return ec;
      });
      tasks.go([&](const context& c) -> task<> {
        while (!over) {
          now_ = 0;
          static_cast<void>(co_await yield(c));
        }
      });
    };
    const auto ec = co_await with_task_group(ctx, both);
    co_return ec;
  }
  void moved(std::size_t bytes) noexcept {
    now_ += bytes;
    most_ = std::max(most_.load(), now_);
  }
  std::size_t most() const noexcept { return most_; }

 private:
  std::size_t now_ = 0;
  std::atomic<std::size_t> most_{0};
};

// A route whose task tells that it has begun, and waits for the end of its context.
inline void add_waiting(live_server& s, loop& tasks, const std::string& path = "/task/wait",
                        std::chrono::milliseconds deadline = 0ms) {
  s.server.handle({.method = "GET",
                   .path = path,
                   .on_loop = &tasks,
                   .deadline = deadline,
                   .answer = [&s, path](context ctx, http::request&, http::reply&) -> task<> {
                     s.at.tell(path);
                     co_await wait_done(ctx);
                   }});
}

}  // namespace hangup::wire
