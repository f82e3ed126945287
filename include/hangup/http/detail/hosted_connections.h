// What `hosted` (hosted.h) has of the compiled library: the connections of a cpp-httplib server,
// and the pool that serves their requests. There are no types of cpp-httplib here. Not for users.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/context/context.h"
#include "hangup/http/detail/both_ends.h"
#include "hangup/http/observer.h"
#include "hangup/http/options.h"
#include "hangup/http/request.h"

#pragma GCC visibility push(default)

namespace hangup::http::detail {

// One request on a worker, as the engine sees it: a stream that it reads a request from, which was
// checked and written anew, and writes the answer to. One thread at a time.
class hosted_exchange {
 public:
  virtual const context& ctx() const noexcept = 0;
  virtual const request& checked() const noexcept = 0;  // what arrived; without its body
  virtual both_ends ends() const = 0;
  virtual bool is_last() const noexcept = 0;  // its connection is closed after it
  // Whether its Range is one that the engine may be given.
  virtual bool has_plain_range() const noexcept = 0;

  // 0: that is all; -1: the rest does not come.
  virtual long read(char* to, std::size_t size) = 0;
  // Sends all of it, else -1. Waits while the client does not read.
  virtual long write(std::string_view bytes) = 0;
  virtual std::string_view buffered() const noexcept = 0;
  virtual void consume(std::size_t size) noexcept = 0;
  // Whether more can be written. What was held back is sent before.
  virtual bool is_writable() = 0;
  virtual bool is_alive() const noexcept = 0;
  // Readable once the client has left, and valid until the request is over; -1: it cannot be had.
  virtual int closed_descriptor() = 0;
  virtual int descriptor() const noexcept = 0;
  // Answers with a problem, in place of the engine.
  virtual void refuse(int status, std::string_view detail) = 0;

 protected:
  ~hosted_exchange() = default;
};

struct served_by_engine {
  bool answered = false;    // the engine has written its whole answer
  bool must_close = false;  // it wants the connection to be closed
};

class hosted_server {
 public:
  // Called on a worker, by several at once. May throw.
  virtual served_by_engine serve(hosted_exchange& x) = 0;
  // A request has ended for which serve() was not called, or has thrown: with this status, 499 if
  // its client has left. Of its body there is what has come. Called on any thread, by several at
  // once.
  virtual void never_served(const request& of, const context& ctx, int status) noexcept = 0;

 protected:
  ~hosted_server() = default;
};

struct hosted_settings {
  options how{};  // default headers that cannot be sent are left out; those are not the engine's
  unsigned workers = 8;
  unsigned queue = 10'000;
  std::vector<std::string> own_paths{};
  unsigned own_workers = 2;
  std::chrono::milliseconds deadline{0};  // 0: none
  std::chrono::milliseconds stop_grace{5000};
  std::size_t keep_alive_max = 100;    // requests on one connection
  std::uint64_t most_body = 8U << 20;  // what the engine would refuse
};

// Throws std::invalid_argument if one of them cannot be hosted_options::paths_with_own_workers.
void check_own_paths(const std::vector<std::string>& paths);

class hosted_connections {
 public:
  // Starts the threads that hear the connections; those of the pool are started when they are
  // needed. Throws std::system_error. `own_paths` have been checked. All of `observers` must
  // outlive it.
  hosted_connections(hosted_server& by, const hosted_settings& how,
                     const std::vector<observer*>& observers);
  ~hosted_connections();
  hosted_connections(const hosted_connections&) = delete;
  hosted_connections& operator=(const hosted_connections&) = delete;

  // Takes over a connection that was accepted. Does not wait.
  void adopt(int socket) noexcept;
  // Lets the requests in flight finish until the grace is over; then their contexts end with cause
  // `shutdown`. Returns when all handlers have returned and all connections are closed. A second
  // call returns at once.
  void stop() noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace hangup::http::detail

#pragma GCC visibility pop
