// A scan of a disk for a client that leaves. It looks at its context between any two blocks. Files
// and directories are closed where their scopes end, and the processor is idle again.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/server.h"

using namespace std::filesystem;
using hangup::context;

constexpr auto root = "/usr";

void scan(const context& ctx) {  // again and again: it does not end without its client
  char block[65536];
  std::error_code skip;  // what cannot be read is left out
  while (!ctx.done()) {
    for (recursive_directory_iterator f(root, skip); !ctx.done() && f != end(f);
         f.increment(skip)) {
      std::ifstream file(f->is_regular_file(skip) ? f->path() : path());
      while (!ctx.done() && file.read(block, sizeof block)) {
      }
    }
  }
}

bool holds_files() {  // or directories: does a descriptor of this process lead there?
  const directory_iterator all("/proc/self/fd");
  return std::any_of(begin(all), end(all), [](const directory_entry& fd) {
    std::error_code gone;
    return read_symlink(fd, gone).string().starts_with(root);
  });
}

void answer(const context& ctx, const hangup::http::request&, hangup::http::reply&) {
  std::cout << "scanning" << std::endl;
  scan(ctx);
  std::cout << "stopped: " << describe(*ctx.cause()) << std::endl;
}

// How much of the processor does this process take, in the next moment?
void now(const context& ctx, const hangup::http::request&, hangup::http::reply& res) {
  const auto before = std::clock();
  static_cast<void>(hangup::sleep_for(ctx, std::chrono::milliseconds(300)));
  const std::string state = std::clock() - before < CLOCKS_PER_SEC / 200 ? "idle" : "busy";
  res.body("text/plain", state + (holds_files() ? ", holds files\n" : ", holds none\n"));
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::pool disk({.name = "disk", .workers = 4});
  hangup::http::server server;
  server.handle({.method = "GET", .path = "/scan", .runs_on = &disk, .answer = answer});
  server.handle({.method = "GET", .path = "/now", .runs_on = &disk, .answer = now});
  if (const auto ec = server.start("127.0.0.1", 0)) {
    throw std::system_error(ec);
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  hangup::wait_done(stop).get();
}

// Watch:
//         | listening on 127.0.0.1:PORT
//         | $ curl -s 127.0.0.1:PORT/scan &
//         | scanning
//         | $ curl -s 127.0.0.1:PORT/now
//   0.3 s | busy, holds files
//         | ^C
//     0 s | stopped: client closed (FIN)
//         | $ curl -s 127.0.0.1:PORT/now
//   0.3 s | idle, holds none
//         | $ kill PID
//         | exit 0
