// What tests of departures need besides the fixture: to know that the watcher has heard all that
// was sent before, and handlers that wait until the test lets them answer.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <string>

#include "tests/wire/fixture.h"

namespace hangup::wire {

// Where handlers wait for the test, or for the end of their context.
class release {
 public:
  std::error_code await(const context& ctx) {
    std::unique_lock hold(mutex_);
    return hangup::wait(ctx, changed_, hold, [this] { return open_; });
  }
  void now() {
    const std::lock_guard hold(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool open_ = false;
};

// A route whose handler waits for `go`, and says nothing if its context ends first.
inline void add_held(live_server& s, const std::string& method, const std::string& path, pool& on,
                     release& go, std::optional<http::half_close> policy = std::nullopt) {
  const auto held = [&s, &go, path](const context& ctx, const httplib::Request&,
                                    httplib::Response& res) {
    s.at.tell(path);
    if (!go.await(ctx)) {
      res.set_content("delivered\n", "text/plain");
    }
  };
  s.server.handle(
      {.method = method, .path = path, .runs_on = &on, .on_half_close = policy, .answer = held});
}

// The watcher is one thread and takes its events in the order in which they happen: when it has
// ended a request, it has heard what came before. The handler of this route must not hear it by
// itself, so it does not sleep where an end is announced early.
inline void add_marker(live_server& s) {
  const auto marker = [&s](const context& ctx, const httplib::Request& req, httplib::Response&) {
    release never;
    s.at.tell(req.target);
    static_cast<void>(never.await(ctx));
  };
  s.server.handle({.method = "GET",
                   .path = "/marker",
                   .runs_on = &s.many,
                   .on_half_close = http::half_close::cancel,
                   .answer = marker});
}

// On a server with a marker, and a worker of the pool "many" to spare. True when all that clients
// have done before this has been heard. `c` has nothing unread in its socket.
inline bool all_heard(live_server& s, client&& c) {
  static std::atomic<int> count{0};
  const std::string target = "/marker?" + std::to_string(++count);
  if (!c.send(get(target)) || !s.at.await(target)) {
    return false;
  }
  c.close();
  return s.seen.of(target).end == request_end::client_closed;
}
inline bool all_heard(live_server& s) {
  return all_heard(s, s.connect());
}

// Has the server taken all that this client has sent out of the kernel? What a socket holds, the
// kernel tells of each end: the client's that is not acknowledged, the server's that is not read.
inline bool all_read(const live_server& s, const client& c) {
  return eventually([&] {
    std::ifstream table("/proc/net/tcp");
    std::string line;
    std::size_t waiting = 0;
    while (std::getline(table, line)) {
      unsigned at = 0;
      unsigned local = 0;
      unsigned remote = 0;
      unsigned unsent = 0;
      unsigned unread = 0;
      if (std::sscanf(line.c_str(), " %u: %*x:%x %*x:%x %*x %x:%x", &at, &local, &remote, &unsent,
                      &unread) != 5) {
        continue;
      }
      if (local == c.local_port() && remote == s.server.port()) {
        waiting += unsent;
      } else if (local == s.server.port() && remote == c.local_port()) {
        waiting += unread;
      }
    }
    return waiting == 0;
  });
}

// A body, or anything else, that no two places of are alike.
inline std::string varied(std::size_t size, unsigned seed = 1) {
  std::string text(size, ' ');
  for (auto& c : text) {
    seed = seed * 1664525U + 1013904223U;
    c = static_cast<char>('!' + (seed >> 24) % 90);
  }
  return text;
}

}  // namespace hangup::wire
