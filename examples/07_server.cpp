// A server whose handler does slow work, and stops it when the client closes the connection first.
#include <chrono>
#include <iostream>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/server.h"

using namespace std::chrono_literals;
using hangup::context;

constexpr auto work_takes = 500ms;  // the tutorial has 2 s

void answer(const context& ctx, const hangup::http::request&, hangup::http::reply& res) {
  std::cout << "processing request" << std::endl;
  if (hangup::sleep_for(ctx, work_takes)) {
    std::cerr << "request cancelled" << std::endl;
    return;  // nothing is written: nobody is there to read it
  }
  res.body("text/plain", "request processed");
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::pool slow({.name = "slow", .workers = 4});
  hangup::http::server server;
  server.handle({.method = "GET", .path = "/", .runs_on = &slow, .answer = answer});
  if (const auto ec = server.start("127.0.0.1", 0)) {  // a free port; the tutorial has 8000
    throw std::system_error(ec);
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  hangup::wait_done(stop).get();
}  // the server ends what is still running, and waits for it

// Watch:
//         | listening on 127.0.0.1:PORT
//         | $ curl -s 127.0.0.1:PORT; echo
//         | processing request
//   0.5 s | request processed
//         | $ curl -s 127.0.0.1:PORT
//         | processing request
//         | ^C
//     0 s | request cancelled
//         | $ kill PID
//         | exit 0
