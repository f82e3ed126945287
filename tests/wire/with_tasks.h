// A server with a loop of two threads, for the tests of handlers that are tasks.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "tests/support/between_turns.h"
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
