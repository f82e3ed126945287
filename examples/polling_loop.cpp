// The first pattern of docs/from-polling.md: a loop that asked is_connection_closed() in each round
// looks at the context of its request. It costs no system call, so the loop may look at it as often
// as it likes; and a wait between two rounds ends as soon as the client leaves.
#include <httplib.h>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/context_of.h"
#include "hangup/http/hosted.h"

using namespace std::chrono_literals;

// Stands for what takes 5 ms of a processor.
std::string computed(int row) {
  const auto until = std::chrono::steady_clock::now() + 5ms;
  while (std::chrono::steady_clock::now() < until) {
  }
  return std::to_string(row) + "\n";
}

void report(const httplib::Request& req, httplib::Response& res) {
  const hangup::context& ctx = hangup::http::context_of(req);
  std::string csv;
  for (int row = 1; row <= 2000; ++row) {
    if (ctx.done()) {  // was: req.is_connection_closed()
      std::cout << "report stopped: " << describe(*ctx.cause()) << std::endl;
      return;
    }
    csv += computed(row);
  }
  res.set_content(csv, "text/csv");
}

void result(const httplib::Request& req, httplib::Response&) {
  const hangup::context& ctx = hangup::http::context_of(req);
  const auto is_ready = [] { return false; };  // stands for a question to another server
  while (!is_ready()) {
    if (hangup::sleep_for(ctx, 10s)) {  // was: std::this_thread::sleep_for(10s)
      std::cout << "result stopped: " << describe(*ctx.cause()) << std::endl;
      return;
    }
  }
}

void events(const httplib::Request& req, httplib::Response& res) {
  const auto next = [ctx = hangup::http::context_of(req)](std::size_t, httplib::DataSink& sink) {
    if (hangup::sleep_for(ctx, 10s)) {  // was: a shorter wait, and then sink.is_writable()
      std::cout << "events stopped: " << describe(*ctx.cause()) << std::endl;
      return false;
    }
    const std::string event = "data: a new row\n\n";  // stands for what has been waited for
    return sink.write(event.data(), event.size());
  };
  res.set_chunked_content_provider("text/event-stream", next);
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::http::hosted<httplib::Server> server;
  server.Get("/report", report);
  server.Get("/result", result);
  server.Get("/events", events);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  const std::jthread stops([&, ctx = stop] {
    hangup::wait_done(ctx).get();
    server.stop();
  });
  server.listen_after_bind();
}

// Watch, with a client that gives up after half a second:
//         | listening on 127.0.0.1:PORT
//         | $ curl -sm 0.5 127.0.0.1:PORT/report
//   0.5 s | report stopped: client closed (FIN)
//         | $ curl -sm 0.5 127.0.0.1:PORT/result
//   0.5 s | result stopped: client closed (FIN)
//         | $ curl -sm 0.5 127.0.0.1:PORT/events
//   0.5 s | events stopped: client closed (FIN)
//         | $ kill PID
//         | exit 0
