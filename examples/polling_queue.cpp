// The third pattern of docs/from-polling.md: handlers put jobs into a queue, and wait with a
// condition variable until a worker has done theirs. The wait ends with the context: whoever has
// left takes its job out of the queue. A worker looks at the context of the job that it has begun.
#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/context_of.h"
#include "hangup/http/hosted.h"

using namespace std::chrono_literals;

struct job {
  hangup::context ctx;  // of the request that waits for it
  std::string name;
  bool over = false;
};

std::mutex mutex;
std::condition_variable_any changed;  // the queue, or a job
std::deque<std::shared_ptr<job>> queue;

void image(const httplib::Request& req, httplib::Response& res) {
  const hangup::context& ctx = hangup::http::context_of(req);
  const auto mine = std::make_shared<job>(job{ctx, req.get_param_value("of")});
  std::unique_lock hold(mutex);
  queue.push_back(mine);
  changed.notify_all();
  // Was: while (!changed.wait_for(hold, 1s, ...)) { if (req.is_connection_closed()) ... }
  if (hangup::wait(ctx, changed, hold, [&] { return mine->over; })) {
    if (std::erase(queue, mine) > 0) {
      std::cout << mine->name << ": never begun" << std::endl;
    }
    return;
  }
  res.set_content("the image\n", "text/plain");
}

void work(const hangup::context& stop) {
  std::unique_lock hold(mutex);
  while (!hangup::wait(stop, changed, hold, [] { return !queue.empty(); })) {
    const auto next = queue.front();
    queue.pop_front();
    hold.unlock();
    std::cout << next->name << ": begun" << std::endl;
    if (hangup::sleep_for(next->ctx, 2s)) {  // stands for the work
      std::cout << next->name << ": stopped: " << describe(*next->ctx.cause()) << std::endl;
    }
    hold.lock();
    next->over = true;
    changed.notify_all();
  }
}

int main() {
  const auto [stop, cancel] = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
  hangup::http::hosted<httplib::Server> server;
  const std::jthread worker([ctx = stop] { work(ctx); });
  server.Get("/image", image);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  const std::jthread stops([&, ctx = stop] {
    hangup::wait_done(ctx).get();
    server.stop();
  });
  server.listen_after_bind();
}

// Watch: the second waits behind the first and gives up, then the first gives up. The third stays.
//         | listening on 127.0.0.1:PORT
//         | $ curl -sm 1 127.0.0.1:PORT/image?of=first &
//         | first: begun
//         | $ curl -sm 0.3 127.0.0.1:PORT/image?of=second
//   0.3 s | second: never begun
//         | first: stopped: client closed (FIN)
//         | $ curl -s 127.0.0.1:PORT/image?of=third
//         | third: begun
//   2.0 s | the image
//         | $ kill PID
//         | exit 0
