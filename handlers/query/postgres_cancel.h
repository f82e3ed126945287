// Sends requests to cancel what a PostgreSQL server runs for us. PQcancel() blocks: it connects,
// sends, and waits until the server has closed that connection, because only then has the server
// signalled the process that runs the statement. So it has a thread of its own here, and nobody
// else waits for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <libpq-fe.h>

namespace hangup::query {

// What cancels the statements of one connection. Shared with the sender: it outlives a connection
// that is closed while a request to cancel is on its way.
class postgres_cancel {
 public:
  explicit postgres_cancel(PGcancel* handle) noexcept : handle_(handle) {}
  ~postgres_cancel() { ::PQfreeCancel(handle_); }
  postgres_cancel(const postgres_cancel&) = delete;
  postgres_cancel& operator=(const postgres_cancel&) = delete;

 private:
  friend class cancel_sender;
  enum class state : std::uint8_t { none, queued, being_sent };

  PGcancel* const handle_;
  state state_ = state::none;  // guarded by the sender's mutex
};

// Thread-safe; nothing here blocks or throws but the constructor and the destructor.
class cancel_sender {
 public:
  // Starts the thread. At most `room` requests wait. After each that was sent, or could not be, it
  // writes to the eventfd `rung`, which it takes a duplicate of. std::system_error.
  cancel_sender(std::size_t room, int rung);
  // Waits a second for a request that is being sent; if that hangs (a server that accepts and
  // says nothing) the thread is left behind.
  ~cancel_sender();
  cancel_sender(const cancel_sender&) = delete;
  cancel_sender& operator=(const cancel_sender&) = delete;

  // Queues a request. Nothing, and false, if one waits or is being sent already, or there is no
  // room.
  bool send(const std::shared_ptr<postgres_cancel>& c) noexcept;
  // Takes the request back. True: none is on its way, none that was sent can arrive any more.
  // False: one is being sent just now.
  bool withdraw(postgres_cancel& c) noexcept;

  std::uint64_t sent() const noexcept;  // since the start, those that reached the server

 private:
  struct core;
  const std::shared_ptr<core> core_;
};

}  // namespace hangup::query
