// Sends cancel requests to a PostgreSQL server. PQcancel() blocks: it connects, sends the request,
// and waits until the server has closed that connection, because only then has the server signalled
// the process that runs the statement. So the requests are sent by a thread of their own, and no
// other thread waits for that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <libpq-fe.h>

namespace hangup::query {

// Cancels the statements of one connection. Shared with the sender, because a connection may be
// closed while a cancel request for it is on its way.
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

// Thread-safe. Only the constructor and the destructor may block or throw.
class cancel_sender {
 public:
  // Starts the thread. At most `room` requests may wait. After each request, sent or failed, it
  // writes to the eventfd `rung`, of which it makes a duplicate. Throws std::system_error.
  cancel_sender(std::size_t room, int rung);
  // Waits up to a second for a request that is being sent. If that hangs (the server accepts but
  // does not answer), the thread is left running.
  ~cancel_sender();
  cancel_sender(const cancel_sender&) = delete;
  cancel_sender& operator=(const cancel_sender&) = delete;

  // Queues a request. Returns false, and does nothing, if one is already waiting or being sent, or
  // if there is no room.
  bool send(const std::shared_ptr<postgres_cancel>& c) noexcept;
  // Withdraws the request. Returns true if none is on its way and no earlier one can still arrive;
  // false if one is being sent now.
  bool withdraw(postgres_cancel& c) noexcept;

  std::uint64_t sent() const noexcept;  // requests that have reached the server since the start

 private:
  struct core;
  const std::shared_ptr<core> core_;
};

}  // namespace hangup::query
