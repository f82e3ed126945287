// A fan-out as a handler: four parts of an answer at the same time, as in 18_fan_out.cpp, but for
// an HTTP client. One thread serves all requests and all of their parts, because what waits is a
// task. The parts end when one of them fails, and also when the client leaves.
#include <chrono>
#include <iostream>
#include <system_error>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/http/server.h"
#include "hangup/worker/loop.h"

using namespace std::chrono_literals;
using hangup::context;
using hangup::task;

task<std::error_code> fetch(context ctx, int part, bool fails) {
  if (fails) {
    const std::error_code ec = co_await hangup::sleep_for(ctx, 100ms);
    co_return ec ? ec : std::make_error_code(std::errc::connection_refused);
  }
  const std::error_code ec = co_await hangup::sleep_for(ctx, 5s);
  if (ec) {
    std::cout << "part " << part << " stopped: " << describe(*ctx.cause()) << std::endl;
  }
  co_return ec;
}

task<> answer(context ctx, hangup::http::request& req, hangup::http::reply& res) {
  const bool one_fails = req.has_parameter("fail");
  const auto ec = co_await with_task_group(ctx, [=](hangup::awaited_task_group& parts) {
    for (int part = 1; part <= 4; ++part) {
      parts.go(fetch(parts.ctx(), part, one_fails && part == 2));
    }
  });
  if (ec) {
    res.problem(502, ec.message());  // goes to nobody if the client has left
  } else {
    res.body("text/plain", "four parts\n");
  }
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::loop tasks({.name = "tasks", .threads = 1});
  hangup::http::server server;
  server.handle({.method = "GET", .path = "/", .on_loop = &tasks, .answer = answer});
  if (const auto ec = server.start("127.0.0.1", 0)) {
    throw std::system_error(ec);
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  hangup::wait_done(stop).get();
}

// Watch:
//         | listening on 127.0.0.1:PORT
//         | $ curl -s -o /dev/null -w '%{http_code}\n' '127.0.0.1:PORT/?fail'
//   0.1 s ~ part 1 stopped: a sibling task failed: Connection refused
//   0.1 s ~ part 3 stopped: a sibling task failed: Connection refused
//   0.1 s ~ part 4 stopped: a sibling task failed: Connection refused
//   0.1 s ~ 502
//         | $ curl -s --max-time 0.5 127.0.0.1:PORT/
//   0.5 s ~ part 1 stopped: client closed (FIN)
//   0.5 s ~ part 2 stopped: client closed (FIN)
//   0.5 s ~ part 3 stopped: client closed (FIN)
//   0.5 s ~ part 4 stopped: client closed (FIN)
//         | $ kill PID
//         | exit 0
