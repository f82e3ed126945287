// Work that must outlive its client, for docs/from-polling.md. A part of a handler that must finish
// is a shield. Work that goes on when the handler has returned gets the context without its end,
// and a limit of its own.
#include <httplib.h>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "hangup/context/shield.h"
#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/context_of.h"
#include "hangup/http/hosted.h"
#include "hangup/worker/pool.h"

using namespace std::chrono_literals;

// Stands for a database.
std::error_code write_down(const hangup::context& ctx, const std::string& what) {
  const std::error_code ec = hangup::sleep_for(ctx, 1s);
  std::cout << what << (ec ? ": lost, " + ec.message() : ": written down") << std::endl;
  return ec;
}

// The handler waits for it, and the client gets an answer if it is still there.
void order(const httplib::Request& req, httplib::Response& res) {
  const hangup::shield region(hangup::http::context_of(req), 5s);
  if (const auto ec = write_down(region.ctx(), "order")) {
    res.status = 503;
    return;
  }
  if (region.leave()) {
    std::cout << "order: nobody waits for the answer" << std::endl;
  }
  res.set_content("ordered\n", "text/plain");
}

hangup::pool later({.name = "later", .workers = 2, .queue = 64});

// The client gets its answer at once, and the work goes on.
void upload(const httplib::Request& req, httplib::Response& res) {
  const auto kept = hangup::without_cancel(hangup::http::context_of(req));
  const auto refused = later.submit(kept, [](const hangup::context& ctx) {
    const auto limited = hangup::with_timeout(ctx, 1min);
    write_down(limited.ctx, "upload");
  });
  res.status = refused ? 503 : 202;
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::http::hosted<httplib::Server> server;
  server.Post("/order", order);
  server.Post("/upload", upload);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  const std::jthread stops([&, ctx = stop] {
    hangup::wait_done(ctx).get();
    server.stop();
  });
  server.listen_after_bind();
}

// Watch, with a client that gives up before the order has been written down:
//         | listening on 127.0.0.1:PORT
//         | $ curl -sm 0.3 -d '' 127.0.0.1:PORT/order
//   1.0 s | order: written down
//         | order: nobody waits for the answer
//         | $ curl -sd '' -w '%{http_code}\n' 127.0.0.1:PORT/upload
//     0 s | 202
//   1.0 s | upload: written down
//         | $ kill PID
//         | exit 0
