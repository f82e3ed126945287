// A server of cpp-httplib with one type changed: its handlers hear their client leave, and its
// logger is told 499 for who left.
#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/watched.h"

using namespace std::chrono_literals;

int main() {
  hangup::http::watched<httplib::Server> server;  // was: httplib::Server server;

  server.Get("/report", [](const httplib::Request& req, httplib::Response& res) {
    const hangup::context& ctx = hangup::http::context_of(req);  // new
    for (int row = 0; row < 1000; ++row) {
      if (hangup::sleep_for(ctx, 10ms)) {  // stands for any wait; was: std::this_thread::sleep_for
        std::cout << "stopped: " + describe(*ctx.cause()) + "\n" << std::flush;
        return;
      }
    }
    res.set_content("1000 rows\n", "text/plain");
  });
  server.set_logger([](const httplib::Request& req, const httplib::Response& res) {
    std::cout << req.path + " " + std::to_string(res.status) + "\n" << std::flush;
  });

  const auto [ended, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread listens([&server] { server.listen_after_bind(); });
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  hangup::wait_done(ended).get();
  server.stop();
  listens.join();
}

// Watch:
//         | listening on 127.0.0.1:PORT
//         | $ curl -sS --max-time 0.5 127.0.0.1:PORT/report
//   0.5 s ~ curl: (28) Operation timed out after ... milliseconds with 0 bytes received
//   0.5 s ~ stopped: client closed (FIN)
//   0.5 s ~ /report 499
//         | $ curl -sS 127.0.0.1:PORT/none
//         | /none 404
//         | $ kill PID
//         | exit 0
