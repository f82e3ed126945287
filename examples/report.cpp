// One slow route, whose work stops when its client hangs up: the program of the README.
#include <iostream>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/server.h"

using namespace std::chrono_literals;

// It returns as soon as its client has left.
void report(const hangup::context& ctx, const hangup::http::request&, hangup::http::reply& res) {
  for (int row = 0; row < 1000; ++row) {
    if (hangup::sleep_for(ctx, 10ms)) {  // stands for any wait: it returns as soon as ctx ends
      std::cout << "stopped: " << describe(*ctx.cause()) << std::endl;
      return;
    }
  }
  res.body("text/plain", "1000 rows\n");
}

int main() {
  hangup::pool reports({.name = "reports", .workers = 16, .queue = 64});
  hangup::http::server server;
  server.handle(
      {.method = "GET", .path = "/report", .runs_on = &reports, .deadline = 30s, .answer = report});
  if (const auto ec = server.start("127.0.0.1", 0)) {  // 0: a free port
    std::cerr << "cannot listen: " << ec.message() << std::endl;
    return 1;
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::wait_done(stop).get();
}

// Watch:
//         | listening on 127.0.0.1:PORT
//         | $ curl -sS --max-time 0.5 127.0.0.1:PORT/report
//   0.5 s ~ curl: (28) Operation timed out after ... milliseconds with 0 bytes received
//   0.5 s ~ stopped: client closed (FIN)
//         | $ kill PID
//         | exit 0
