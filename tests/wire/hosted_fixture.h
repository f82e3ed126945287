// A server of cpp-httplib on hangup's connections (hosted), which listens in this process while the
// test runs. It needs nothing of the other fixture, so that it can be compiled with any
// cpp-httplib.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hangup/context/wait.h"
#include "hangup/http/causes.h"
#include "hangup/http/hosted.h"
#include "tests/support/client.h"
#include "tests/support/patience.h"

namespace hangup::wire {

using namespace test;
using httplib::Request;
using httplib::Response;

// What handlers and observers tell the test, counted by name.
class told {
 public:
  void tell(const std::string& what) {
    const std::lock_guard hold(mutex_);
    ++count_[what];
    changed_.notify_all();
  }
  bool await(const std::string& what, int count = 1) {
    std::unique_lock hold(mutex_);
    return changed_.wait_for(hold, patience, [&] { return count_[what] >= count; });
  }
  int count(const std::string& what) {
    const std::lock_guard hold(mutex_);
    return count_[what];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> count_;
};

// Waits for the end of the context and tells the kind of its cause: "client_closed", "shutdown" ...
inline void wait_for_end(const context& ctx, told& to) {
  wait_done(ctx).get();
  to.tell(std::string(ctx.cause()->kind.name()));
}

class hosted_fixture : public testing::Test {
 protected:
  ~hosted_fixture() override { stop(); }

  // Listens on a free port of 127.0.0.1. The routes are there already.
  void start(const http::hosted_options& how = {}) {
    server.set_hosted_options(how);
    server.observe(seen_);
    port = static_cast<std::uint16_t>(server.bind_to_any_port("127.0.0.1"));
    listens_ = std::thread([this] { server.listen_after_bind(); });
    while (!server.is_running()) {
      std::this_thread::yield();
    }
  }
  void stop() {
    if (listens_.joinable()) {
      server.stop();
      listens_.join();
    }
  }
  client connect() const { return client(port); }
  answer ask(const std::string& request) const { return connect().ask(request); }

  // Requests end as "completed", "client_closed" ... and each tells its status.
  told ends;
  told at;
  http::hosted<httplib::Server> server;
  std::uint16_t port = 0;

 private:
  class all_ends final : public http::observer {
   public:
    explicit all_ends(told& to) : to_(to) {}
    void ended(const http::request_report& r) noexcept override {
      to_.tell(std::string(name(r.end)));
      to_.tell(std::to_string(r.status));
      to_.tell(r.work_began ? "run" : "not run");
    }

   private:
    told& to_;
  };

  all_ends seen_{ends};
  std::thread listens_;
};

}  // namespace hangup::wire
