// A handler that starts work in the background and answers at once. The request is over when its
// handler has returned and the answer is sent; so is its context, and with it the work that was
// given it. The tutorial suggests that `work done` appears a second later; its Go program never
// prints it, and says nothing. Work that is to survive its request takes without_cancel(ctx).
#include <chrono>
#include <iostream>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/server.h"

using namespace std::chrono_literals;
using hangup::context;

void work(const context& ctx) {
  if (hangup::sleep_for(ctx, 1s)) {
    std::cout << "work stopped: " << describe(*ctx.cause()) << std::endl;
    return;
  }
  std::cout << "work done" << std::endl;
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::pool background_work({.name = "background", .workers = 2, .queue = 8});
  hangup::http::server server;
  server.handle(
      {.method = "POST",
       .path = "/bound",
       .answer = [&](const context& ctx, const hangup::http::request&, hangup::http::reply&) {
         // Not submit(ctx, work): that would drop the work if the request is over before
         // it begins, and there would be nothing to see.
         background_work.submit(hangup::background(), [ctx](const context&) { work(ctx); });
       }});
  server.handle(
      {.method = "POST",
       .path = "/detached",
       .answer = [&](const context& ctx, const hangup::http::request&, hangup::http::reply&) {
         background_work.submit(hangup::without_cancel(ctx), work);
       }});
  if (const auto ec = server.start("127.0.0.1", 0)) {
    throw std::system_error(ec);
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  hangup::wait_done(stop).get();
}

// Watch, with a client that stays to the end:
//         | listening on 127.0.0.1:PORT
//         | $ curl -sX POST -w '%{http_code} %{size_download}\n' 127.0.0.1:PORT/{bound,detached}
//     0 s ~ 200 0
//     0 s ~ 200 0
//     0 s ~ work stopped: handler returned
//   1.0 s | work done
//         | $ kill PID
//         | exit 0
