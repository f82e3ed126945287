// A real server in this process, on a free port, whose handlers tell the tests where they are and
// whose observer tells them how each request ended. Nothing here sleeps: tests await events.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "hangup/context/wait.h"
#include "hangup/http/httplib_handler.h"
#include "hangup/http/problem.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "hangup/http/server.h"
#include "hangup/worker/pool.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/resources.h"
#include "tests/support/sanitized.h"

namespace hangup::wire {

using namespace test;  // what tests/support has
using http::request_end;

// A request that is over: what an observer is told, kept.
struct ended_request {
  std::string id;
  std::string method;
  std::string target;
  std::string path;
  request_end end;
  std::string cause;
  int status;
  bool started;  // its handler, or at least the worker on it
  bool context_ended;
  bool work_stopped;
  std::string broken;
  std::uint64_t number = 0;
  std::optional<http::asker> by{};
};

// What an observer is told of a late stopper.
struct late_stop {
  std::string target;
  std::string cause;
  http::clock::duration since;
  bool over;
};

std::ostream& operator<<(std::ostream& out, const ended_request& r);

class recorder final : public http::observer {
 public:
  void began(const http::route&) noexcept override;
  void reached(http::limit l) noexcept override;
  void late(const http::late_request& l) noexcept override;
  void ended(const http::request_report& r) noexcept override;

  bool await_began(std::size_t count);
  bool await_ended(std::size_t count);
  bool await_late(std::size_t count);
  bool await_reached(http::limit l);
  // How often each limit has been told.
  std::map<http::limit, int> reached() const;
  std::vector<late_stop> late_stops() const;
  std::size_t began_count() const;
  std::vector<ended_request> all() const;
  std::size_t count(request_end end) const;
  // The n-th that ended, counted from 0; one that fails the test if there is none.
  ended_request nth(std::size_t n);
  // The one with this target; one that fails the test if it does not end.
  ended_request of(const std::string& target);
  bool has_ended(const std::string& target) const;
  ended_request last() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t began_ = 0;
  std::vector<ended_request> ended_;
  std::vector<late_stop> late_;
  std::map<http::limit, int> reached_;
};

// What handlers tell tests, counted by name.
class signals {
 public:
  void tell(const std::string& what);
  bool await(const std::string& what, int count = 1);
  int count(const std::string& what);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> told_;
};

// Holds whoever waits at it, whatever their contexts say, until it is opened.
class latch {
 public:
  void wait();
  void open();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class live_server;

struct setup {
  http::options how{};
  unsigned workers = 8;  // of the pool "many"
  unsigned queue = 64;
  unsigned queue_of_one = 2;                // of the pool "one", which has one worker
  std::chrono::milliseconds deadline{200};  // of the routes under /deadline
  std::vector<http::listen_address> listen{{.host = "127.0.0.1"}};
  std::shared_ptr<const http::tls_identity> identity{};   // none: plain TCP
  std::vector<std::function<void(live_server&)>> more{};  // adds routes of the test's own
};

// The server. Its end checks what must hold after every test: each request that began has ended,
// once.
class live_server {
 public:
  explicit live_server(setup how = {});
  ~live_server();
  live_server(const live_server&) = delete;
  live_server& operator=(const live_server&) = delete;

  client connect(int receive_buffer = 0) const { return client(server.port(), receive_buffer); }
  std::size_t connections() const;
  std::size_t connections(http::phase p) const;
  bool await_no_connections() const;
  // The same where clients have left before they were accepted: no connection is none yet, too.
  // They are accepted in their order, so all of them have been when one behind them sees its end.
  bool await_all_gone() const;
  bool await_quiet() const;
  // What is still there, for the message of a test that fails.
  std::string left() const;
  std::size_t busy() const;

  recorder seen;
  signals at;  // handlers tell "<path>" when they are entered
  latch gate;  // what handlers under /stubborn wait for
  pool many;
  pool one;
  http::server server;

 private:
  using handler = http::handler;
  using request = httplib::Request;
  using response = httplib::Response;

  void add(const char* method, const std::string& path, pool* on, handler h,
           std::chrono::milliseconds deadline = 0ms);
  static int number(const request& req, const char* name, int otherwise);
  // Rows until there are enough of them or the context ends; without `n` for ever.
  void add_rows(const std::string& path, pool* on, std::chrono::milliseconds deadline = 0ms);
  void add_answers();
  void add_waits(std::chrono::milliseconds deadline);
};

}  // namespace hangup::wire
