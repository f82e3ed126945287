// An outgoing HTTP call that may take half a second. The server that is called is here as well. It
// answers /quick at once; on /slow the caller gives up, which it sees as a hang-up, and stops too.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <optional>
#include <syncstream>

#include "hangup/context/after_func.h"
#include "hangup/context/wait.h"
#include "hangup/http/httplib.h"
#include "hangup/http/server.h"

using namespace std::chrono_literals;
using hangup::context;

// A connection that is shut down when the context ends: then cpp-httplib's call on it returns. The
// duplicate is ours alone, so whatever cpp-httplib does with its own, we never touch a stranger's.
class ends_with {
 public:
  ends_with(const context& ctx, int fd)
      : fd_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)),
        on_end_(ctx, [this] { ::shutdown(fd_, SHUT_RDWR); }) {}
  ~ends_with() {
    on_end_.stop_and_wait();
    ::close(fd_);
  }

 private:
  int fd_;
  hangup::after_func<std::function<void()>> on_end_;
};

void call(const context& parent, int port, const char* path) {
  const auto [ctx, cancel] = hangup::with_timeout(parent, 500ms);  // the tutorial has 100
  httplib::Client client("127.0.0.1", port);
  std::optional<ends_with> connection;
  client.set_socket_options([&, ctx = ctx](int fd) { connection.emplace(ctx, fd); });

  if (const auto answer = client.Get(path)) {
    std::cout << "Response received, status code: " << answer->status << std::endl;
  } else {
    const auto why = ctx.done() ? ctx.err().message() : httplib::to_string(answer.error());
    std::osyncstream(std::cout) << "Request failed: Get \"http://127.0.0.1:" << port << path
                                << "\": " << why << std::endl;
  }
}

void quick(const context&, const hangup::http::request&, hangup::http::reply&) {}

void slow(const context& ctx, const hangup::http::request&, hangup::http::reply&) {
  if (hangup::sleep_for(ctx, 5s)) {
    std::osyncstream(std::cerr) << "the server: " << describe(*ctx.cause()) << std::endl;
  }
}

int main() {
  hangup::pool workers({.name = "workers"});
  hangup::http::server server;
  server.handle({.method = "GET", .path = "/quick", .answer = quick});
  server.handle({.method = "GET", .path = "/slow", .runs_on = &workers, .answer = slow});
  if (const auto ec = server.start("127.0.0.1", 0)) {
    throw std::system_error(ec);
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  call(hangup::background(), server.port(), "/quick");
  call(hangup::background(), server.port(), "/slow");
  server.drain(hangup::background(), 1s);  // what is in flight comes to its own end
}

// Watch:
//         | listening on 127.0.0.1:PORT
//         | Response received, status code: 200
//   0.5 s ~ Request failed: Get "http://127.0.0.1:PORT/slow": context deadline exceeded
//   0.5 s ~ the server: client closed (FIN)
//         | exit 0
