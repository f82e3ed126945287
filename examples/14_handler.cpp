// A handler that passes its context on to do_work(), which knows nothing of HTTP (15_do_work.cpp).
// When the client leaves, the tutorial's handler writes a 500 into a connection that nobody reads,
// and alerts go off. Here nothing is written, and the log says 499: the client left first.
#include <chrono>
#include <iostream>
#include <string>
#include <syncstream>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/server.h"

using namespace std::chrono_literals;
using hangup::context;

std::error_code do_work(const context& ctx, std::string& result) {
  if (const std::error_code ec = hangup::sleep_for(ctx, 1s)) {
    return ec;
  }
  result = "done\n";
  return {};
}

void answer(const context& ctx, const hangup::http::request&, hangup::http::reply& res) {
  std::string result;
  if (!do_work(ctx, result)) {
    res.body("text/plain", result);
  }
}

// Is told of every request at its end.
class request_log final : public hangup::http::observer {
  void ended(const hangup::http::request_report& r) noexcept override {
    std::osyncstream line(std::cerr);
    line << "log: " << r.method << " " << r.target << " " << r.status;
    if (!r.cause.empty()) {
      line << ", " << r.cause;
    }
    line << std::endl;
  }
};

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::pool slow({.name = "slow", .workers = 4});
  request_log log;
  hangup::http::server server;
  server.handle({.method = "GET", .path = "/work", .runs_on = &slow, .answer = answer});
  server.observe(log);
  if (const auto ec = server.start("127.0.0.1", 0)) {
    throw std::system_error(ec);
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  hangup::wait_done(stop).get();
}

// Watch:
//         | listening on 127.0.0.1:PORT
//         | $ curl -s 127.0.0.1:PORT/work
//   1.0 s ~ done
//   1.0 s ~ log: GET /work 200
//         | $ curl -s --max-time 0.5 127.0.0.1:PORT/work
//   0.5 s | log: GET /work 499, client closed (FIN)
//         | $ kill PID
//         | exit 0
