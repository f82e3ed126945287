// The second pattern of docs/from-polling.md: the work is done by another library. Some libraries
// ask a function whether they shall go on. It looks at the context. Others have a function that
// breaks their work off. after_func calls it when the context ends.
#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

#include "hangup/context/after_func.h"
#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/context_of.h"
#include "hangup/http/hosted.h"

using namespace std::chrono_literals;

namespace library {  // stands for others: whisper.cpp and libcurl have the first form, SQLite both

// Returns false if it has been told to stop.
bool transcribe(bool (*shall_stop)(void*), void* user) {
  for (int step = 0; step < 2000; ++step) {
    const auto until = std::chrono::steady_clock::now() + 5ms;
    while (std::chrono::steady_clock::now() < until) {
    }
    if (shall_stop(user)) {
      return false;
    }
  }
  return true;
}

class query {
 public:
  bool run() {  // false if it was interrupted
    std::unique_lock hold(mutex_);
    return !changed_.wait_for(hold, 10s, [this] { return interrupted_; });
  }
  void interrupt() {  // from any thread; does not wait
    const std::lock_guard hold(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool interrupted_ = false;
};

}  // namespace library

void transcript(const httplib::Request& req, httplib::Response& res) {
  hangup::context ctx = hangup::http::context_of(req);
  const auto shall_stop = [](void* of) { return static_cast<hangup::context*>(of)->done(); };
  if (!library::transcribe(shall_stop, &ctx)) {
    std::cout << "transcript stopped: " << describe(*ctx.cause()) << std::endl;
    return;
  }
  res.set_content("the text\n", "text/plain");
}

void rows(const httplib::Request& req, httplib::Response& res) {
  const hangup::context& ctx = hangup::http::context_of(req);
  library::query query;
  const hangup::after_func on_end(ctx, [&] { query.interrupt(); });  // until the end of this block
  if (!query.run()) {
    std::cout << "query stopped: " << describe(*ctx.cause()) << std::endl;
    return;
  }
  res.set_content("the rows\n", "text/csv");
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::http::hosted<httplib::Server> server;
  server.Get("/transcript", transcript);
  server.Get("/rows", rows);
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
//         | $ curl -sm 0.5 127.0.0.1:PORT/transcript
//   0.5 s | transcript stopped: client closed (FIN)
//         | $ curl -sm 0.5 127.0.0.1:PORT/rows
//   0.5 s | query stopped: client closed (FIN)
//         | $ kill PID
//         | exit 0
