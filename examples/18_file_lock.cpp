// A long job on a file holds a lock on it. When the client leaves, the job stops and the lock is
// free: the next one need not wait for a job that nobody needs. That is no extra code, the lock is
// given back wherever its scope ends.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/server.h"

using namespace std::chrono_literals;
using hangup::context;

constexpr auto path = "18_file_lock.data";

struct file_lock {
  file_lock() : fd(::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
  ~file_lock() { ::close(fd); }
  file_lock(const file_lock&) = delete;
  bool taken() const { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

  const int fd;
};

void job(const context& ctx, const hangup::http::request&, hangup::http::reply& res) {
  const file_lock lock;
  if (!lock.taken()) {
    res.status(409);
    res.body("text/plain", "somebody else is at work on this file\n");
    return;
  }
  std::cout << "at work" << std::endl;
  if (hangup::sleep_for(ctx, 10s)) {  // what changing a large file takes
    std::cout << "stopped: " << describe(*ctx.cause()) << std::endl;
    return;
  }
  res.body("text/plain", "changed\n");
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::pool jobs({.name = "jobs", .workers = 4});
  hangup::http::server server;
  server.handle({.method = "POST", .path = "/job", .runs_on = &jobs, .answer = job});
  if (const auto ec = server.start("127.0.0.1", 0)) {
    throw std::system_error(ec);
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  hangup::wait_done(stop).get();
  std::filesystem::remove(path);
}

// Watch:
//         | listening on 127.0.0.1:PORT
//         | $ curl -sX POST 127.0.0.1:PORT/job &
//         | at work
//         | $ curl -sX POST 127.0.0.1:PORT/job
//         | somebody else is at work on this file
//         | $ flock -n 18_file_lock.data echo free || echo taken
//         | taken
//         | ^C
//     0 s | stopped: client closed (FIN)
//         | $ flock -w 5 18_file_lock.data echo free || echo taken
//         | free
//         | $ kill PID
//         | exit 0
