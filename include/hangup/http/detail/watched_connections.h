// The connections of a `watched` server (watched.h): each belongs to a thread of cpp-httplib, which
// reads requests from it and writes answers to it, while hangup's watcher listens whether the
// client leaves. Knows nothing of cpp-httplib. Not for users.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "hangup/context/context.h"
#include "hangup/http/detail/both_ends.h"
#include "hangup/http/half_close.h"

#pragma GCC visibility push(default)

namespace hangup::http::detail {

// What is told of a connection when it begins.
struct watched_settings {
  half_close on_half_close = half_close::cancel;
  std::size_t read_ahead = 1 << 20;  // bytes, of one connection
  std::chrono::microseconds read_timeout{};
  std::chrono::microseconds write_timeout{};
  bool needs_closed_descriptor = false;
};

// How the head of a request says that its body is delimited.
struct body_framing {
  enum class kind : std::uint8_t { none, length, chunks, unclear };
  kind how = kind::none;
  std::uint64_t length = 0;
};

// Those of one server. Has one thread, which is started with the first connection, so that a
// program may fork before it listens. Thread-safe.
class watched_connections {
 public:
  watched_connections();
  // Waits for threads that still sleep on contexts of requests, which have ended.
  ~watched_connections();
  watched_connections(const watched_connections&) = delete;
  watched_connections& operator=(const watched_connections&) = delete;

  class state;

 private:
  friend class watched_connection;
  state& shared();

  std::mutex making_;
  std::unique_ptr<state> state_;
};

// One of them. Everything is called by the thread that serves it, but write() by another one too,
// one at a time.
class watched_connection {
 public:
  // Takes the descriptor of the client over. The server listens at `listening`; negative: it does
  // not any more. Contexts end with cause_kind::shutdown as soon as the kernel says that this
  // socket has been shut down, whoever did that. Throws std::system_error if there are no
  // descriptors or threads left, or std::bad_alloc; the client's descriptor is closed then.
  watched_connection(watched_connections& of, int listening, int client,
                     const watched_settings& how);
  // Says goodbye as the newest cpp-httplib does: sends what is on its way and a FIN, reads on for
  // 100 ms or 1 MiB at most, so that no reset destroys the answer, and closes.
  ~watched_connection();
  watched_connection(const watched_connection&) = delete;
  watched_connection& operator=(const watched_connection&) = delete;

  const both_ends& ends() const noexcept;
  int descriptor() const noexcept;
  // Readable once the client has left; -1 if it was not asked for. `closed_owner` keeps it open.
  int closed_descriptor() const noexcept;
  std::shared_ptr<const void> closed_owner() const noexcept;
  // Ends when the client leaves, and with this object.
  const context& client() const noexcept;

  // Waits until there is something to read. False: not within `idle`, or the server stops.
  bool await_request(std::chrono::milliseconds idle) noexcept;
  // The context of the request that begins now. Ends when the client leaves, the server stops, or
  // at end_request().
  context begin_request();
  // The head has been read, what comes next is this body. From now on what the client sends is read
  // ahead, so that its end is heard behind it.
  void has_body(const body_framing& body) noexcept;
  // The answer is on its way: the rest of the body is not worth to be waited for as long.
  void has_answered() noexcept;
  // Returns whether another request can follow: the end of the body is known, and has come.
  bool end_request() noexcept;

  // As described in client_stream.h.
  long read(char* to, std::size_t size) noexcept;
  long write(const char* from, std::size_t size) noexcept;
  bool is_readable() const noexcept;
  bool wait_readable() const noexcept;
  bool wait_writable() const noexcept;
  void set_read_timeout(std::chrono::microseconds time) noexcept;
  std::string_view buffered() const noexcept;
  void consume(std::size_t size) noexcept;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace hangup::http::detail

#pragma GCC visibility pop
