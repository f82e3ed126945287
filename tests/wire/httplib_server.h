// A server of cpp-httplib, or one derived from it, in this process, on a free port of 127.0.0.1 or
// a Unix socket. Its handlers tell tests where they are and how their contexts ended, and its
// logger which requests are over. Nothing here sleeps: tests await events.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "hangup/context/wait.h"
#include "hangup/http/context_of.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/patience.h"

namespace hangup::wire {

// What is told, in its order.
class told {
 public:
  void tell(const std::string& what) {
    const std::lock_guard hold(mutex_);
    all_.push_back(what);
    changed_.notify_all();
  }
  bool await(const std::string& what, long count = 1) {
    std::unique_lock hold(mutex_);
    return changed_.wait_for(hold, test::patience, [&] { return of(what) >= count; });
  }
  long count(const std::string& what) {
    const std::lock_guard hold(mutex_);
    return of(what);
  }
  // For the message of a test that fails.
  std::string text() {
    const std::lock_guard hold(mutex_);
    std::string all;
    for (const auto& what : all_) {
      all += what + "; ";
    }
    return all;
  }

 private:
  long of(const std::string& what) const { return std::count(all_.begin(), all_.end(), what); }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

// Why this context has ended, as text; waits for that.
inline std::string end_of(const context& ctx) {
  if (std::error_code ec = sleep_for(ctx, test::patience); !ec) {
    return "it has not ended";
  }
  return std::string(ctx.cause()->kind.name());
}

template <class Server>
void add_usual_routes(Server& server, told& at) {
  // Answers as soon as it is called.
  server.Get("/fast", [&at](const httplib::Request&, httplib::Response& res) {
    at.tell("/fast");
    res.set_content("fast\n", "text/plain");
  });
  // Answers when its context ends, and never without one.
  const auto wait = [&at](const httplib::Request& req, httplib::Response& res) {
    at.tell("/wait");
    at.tell("ended by " + end_of(http::context_of(req)));
    res.set_content("too late\n", "text/plain");
  };
  server.Get("/wait", wait);
  server.Post("/wait", wait);
  server.Post("/echo", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content(req.body, "text/plain");
  });
  // Sends one event, and then waits for the end of its context.
  server.Get("/events", [&at](const httplib::Request& req, httplib::Response& res) {
    res.set_chunked_content_provider(
        "text/event-stream",
        [&at, ctx = http::context_of(req)](std::size_t, httplib::DataSink& sink) {
          static const std::string event = "data: x\n\n";
          sink.write(event.data(), event.size());
          at.tell("event");
          at.tell("ended by " + end_of(ctx));
          at.tell(sink.is_writable && sink.is_writable() ? "writable" : "not writable");
          return false;
        },
        [&at](bool complete) { at.tell(complete ? "complete" : "incomplete"); });
  });
}

template <class Server>
class httplib_server {
 public:
  // `prepare` adds routes and settings before it listens.
  explicit httplib_server(const std::function<void(httplib_server&)>& prepare = {}) {
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(100);
    server.set_logger([this](const httplib::Request& req, const httplib::Response& res) {
      logged.tell(req.path + " " + std::to_string(res.status));
    });
    add_usual_routes(server, at);
    if (prepare) {
      prepare(*this);
    }
    port = static_cast<std::uint16_t>(server.bind_to_any_port("127.0.0.1"));
    thread_ = std::thread([this] { returned = server.listen_after_bind(); });
    // Versions differ in whether they have wait_until_ready().
    test::eventually([this] { return server.is_running(); });
  }
  ~httplib_server() { stop(); }
  httplib_server(const httplib_server&) = delete;
  httplib_server& operator=(const httplib_server&) = delete;

  test::client connect() const { return test::client(port); }
  // As somebody does who knows the base only. Some versions do not allow it twice.
  void ask_to_stop() {
    if (!asked_) {
      asked_ = true;
      httplib::Server& base = server;
      base.stop();
    }
  }
  void stop() {
    if (thread_.joinable()) {
      ask_to_stop();
      thread_.join();
    }
  }

  told at;
  told logged;
  bool returned = false;
  std::uint16_t port = 0;
  Server server;

 private:
  bool asked_ = false;
  std::thread thread_;
};

}  // namespace hangup::wire
