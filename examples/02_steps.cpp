// A handler that works in steps and looks at its context between them. The client leaves in the
// middle of a step: on / the step is a wait that ends with the context; on /naive it is a call that
// takes no context (Go's time.Sleep), and the rest of it is done for nobody.
#include <chrono>
#include <iostream>
#include <thread>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/server.h"

using namespace std::chrono_literals;
using hangup::context;

std::error_code wakeable(const context& ctx) {
  return hangup::sleep_for(ctx, 500ms);
}

std::error_code naive(const context&) {
  std::this_thread::sleep_for(500ms);
  return {};
}

template <std::error_code (*work)(const context&)>
void ten_steps(const context& ctx, const hangup::http::request&, hangup::http::reply& res) {
  for (int step = 0; step < 10; ++step) {
    if (const auto ec = ctx.err()) {
      std::cerr << "Failed: step " << step << ": " << ec.message() << std::endl;
      return;  // nobody is there to be answered
    }
    std::cout << "step " << step << std::endl;
    if (const auto broken_off = work(ctx); ctx.done()) {
      std::cout << (broken_off ? "broken off" : "done, for nobody") << std::endl;
    }
  }
  res.body("text/plain", "ok\n");
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::pool slow({.name = "slow"});
  hangup::http::server server;
  server.handle({.method = "GET", .path = "/", .runs_on = &slow, .answer = ten_steps<wakeable>});
  server.handle({.method = "GET", .path = "/naive", .runs_on = &slow, .answer = ten_steps<naive>});
  if (const auto ec = server.start("127.0.0.1", 0)) {
    throw std::system_error(ec);
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  hangup::wait_done(stop).get();
}

// Watch:
//         | listening on 127.0.0.1:PORT
//         | $ curl -s 127.0.0.1:PORT
//     0 s | step 0
//   0.5 s | step 1
//   1.0 s | step 2
//         | ^C
//     0 s | broken off
//         | Failed: step 3: context canceled
//         | $ curl -s 127.0.0.1:PORT/naive
//         | step 0
//         | ^C
//         | done, for nobody
//         | Failed: step 1: context canceled
//         | $ curl -s 127.0.0.1:PORT
//         | step 0
//         | step 1
//         | step 2
//         | step 3
//         | step 4
//         | step 5
//         | step 6
//         | step 7
//         | step 8
//         | step 9
//   5.0 s | ok
//         | $ kill PID
//         | exit 0
