// One accepted connection: its descriptor, input that has been read but not used, output that has
// not been sent yet, and the request in flight. Not for users.
//
// It has exactly one owner at a time: the epoll set in which it is parked, a front thread, the
// queue of a pool, a worker, or the list of connections to be resumed. Only the owner may call the
// functions here, except those marked as thread-safe.
//
// Reading ahead is the other exception. Between watcher::read_ahead() and watcher::stop_reading(),
// the input (the buffer and drained()) belongs to the watcher, under the lock of its
// slot, and the owner does not touch it. So while a connection waits in a queue, the queue owns it
// and the watcher owns its input. Any thread that ends contexts may drop it from the queue while
// the watcher reads; that thread only puts the connection on the list of those to be resumed. The
// front thread that takes it from the list becomes the owner. It first stops the reading, and only
// then looks at the input: at what was read ahead, and at the events that the event loop has noted
// (event_loop::catch_up).
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "hangup/context/detail/timer.h"
#include "hangup/http/observer.h"
#include "hangup/http/options.h"
#include "hangup/worker/pool.h"
#include "http/departure/reported.h"
#include "http/departure/watcher.h"
#include "http/exchange/exchange.h"
#include "http/exchange/incoming.h"
#include "http/net/address.h"
#include "http/net/client_key.h"
#include "http/net/descriptor.h"
#include "http/net/pace.h"
#include "http/net/parkable.h"
#include "http/net/tls_session.h"
#include "http/session/http1.h"

namespace hangup::http {

class connection;
class deferral;

// The object that owns and processes connections.
class connection_owner {
 public:
  virtual void run(connection& c) noexcept = 0;      // called on a worker
  virtual void dropped(connection& c) noexcept = 0;  // its context has ended in the queue
  // It is parked, and must be looked at: it has been for too long (on the timer thread), or for
  // connection::wake_parked(). park_until() and take() of this connection wait meanwhile.
  virtual void wake(connection& c) noexcept = 0;
  // How the client has left, after a read or a write has shown that it has.
  virtual cause how_left(connection& c, departure seen) noexcept = 0;
  // Whether so many more bytes may be kept of what is read ahead, over all connections. They count
  // until they are given back, by a call with a negative number.
  virtual bool reserve_read_ahead(std::ptrdiff_t bytes) noexcept = 0;

 protected:
  ~connection_owner() = default;
};

class connection final : public job, public input, public parkable {
 public:
  enum class io {
    some,
    again,
    closed,
    cut_off,  // closed without the end of TLS, or what came is not TLS
    failed,   // errno has the reason
  };

  // The socket must be non-blocking. With a session the connection uses TLS. `server` is the parent
  // of the connection's context.
  connection(descriptor socket, peer addresses, std::unique_ptr<tls_session> tls,
             const options& how, connection_owner& owner, const context& server);
  ~connection();

  int fd() const noexcept override { return socket_.get(); }
  const peer& addresses() const noexcept { return addresses_; }
  // As client_text() has it: "127.0.0.1:50312".
  const std::string& client() const noexcept { return client_; }
  pool::owner client_key() const noexcept { return client_key_; }
  transport over() const noexcept {
    return addresses_.is_unix ? transport::unix_socket : transport::tcp;
  }
  tls_session* tls() const noexcept { return tls_.get(); }  // null: plain HTTP
  tls_session::io shake_hands() noexcept;
  // Its client has begun with plain HTTP (tls_session::io::plain_http): goes on without TLS, so
  // that it can be told in a way that it understands. The request is not to be served.
  void answer_plainly();

  // The parent of the contexts of its requests. It ends when the client leaves.
  const cancelable& scope() const noexcept { return scope_; }
  // The next request gets another one. Only while there is none in flight.
  void renew_scope() { scope_ = with_cancel(server_); }

  // --- input, which is kept in `session` ---
  // Reads once, at most 16 KiB, without blocking. Throws std::bad_alloc if there is no memory for
  // what was read; so does every later call, because bytes are then missing from the input.
  io receive();
  io discard() noexcept;  // the same, but discards the bytes without decrypting them
  // Whether everything has been read that had arrived at the last event of the descriptor.
  bool drained() const noexcept override { return drained_; }
  // Before it can read more, TLS must send something for which there was no room.
  bool reads_when_writable() const noexcept { return reads_when_writable_; }
  void happened(std::uint32_t events) noexcept override;
  // If there is no memory, it reads no more; the owner learns of it when it reads.
  read read_ahead() noexcept override;
  bool ends_in_band() const noexcept override { return tls_ != nullptr; }
  // What was read ahead and has been used no longer counts. Returns true if more had arrived than
  // may be kept.
  bool settle_ahead() noexcept;

  // Discards what is left of the request's body, as far as it has arrived and is not much. Returns
  // whether all of it is gone. Not while the watcher reads ahead.
  bool discard_rest_of_body();

  // --- output ---
  // Sends what the socket takes now and keeps the rest. Returns false if the client has left; the
  // context of the request in flight has then ended. Throws std::bad_alloc if the rest cannot be
  // kept; then nothing more may be sent.
  bool send_now(std::string_view bytes);
  bool flush_now() { return send_now({}); }  // does not throw
  std::size_t unsent() const noexcept { return out_.size() - sent_; }
  // Sends what the socket takes now, and removes it from `bytes`. `again`: the rest needs room;
  // `failed`: the client has left, and the context of the request in flight has ended. What was
  // kept has to be sent before.
  io send_some(std::string_view& bytes) noexcept;
  // How to wait for room: until the context ends or the time comes.
  struct room_wait {
    const context& during;
    clock::time_point until;
    bool half_closed;     // the client has closed its own direction, and may still read
    bool for_the_client;  // the time is the client's, not that of the deadline
  };
  room_wait wait_for_room() noexcept;
  // After that wait, which has returned `ec`: whether to send more. If the client has not kept its
  // pace, ends the context of the request.
  bool goes_on(const room_wait& after, std::error_code ec) noexcept;
  // Sends everything, after what was kept. It waits while the client keeps its pace and the request
  // is not cut off. Otherwise it ends the context with the reason and returns false.
  bool send_all(std::string_view bytes);

  // --- how long the client may be waited for: updated by what is received and sent ---
  pace coming;
  pace going;

  http1 session;  // the requests in the input, and what is to be done next

  // --- the request in flight ---
  // Only for the owner; empty: there is none.
  const std::optional<exchange>& request() const noexcept { return request_; }
  exchange& in_flight() noexcept { return *request_; }
  template <class... With>
  void begin_request(With&&... with) {
    const std::lock_guard hold(looking_);
    request_.emplace(std::forward<With>(with)...);
  }
  void end_request() noexcept {
    const std::lock_guard hold(looking_);
    request_.reset();
  }
  // For other threads: calls `look` with the request in flight, if there is one.
  template <class Look>
  void look_at_request(const Look& look) {
    const std::lock_guard hold(looking_);
    if (request_) {
      look(*request_);
    }
  }

  kept_request incoming;               // what the handler gets; null: there is none
  std::shared_ptr<deferral> later;     // set: the answer is deferred
  bool reset_at_close = false;         // else its last answer would look complete
  bool input_closed = false;           // by connection_owner::wake(): no request can follow
  std::size_t ahead_limit = 0;         // how much the unused input may grow by reading ahead
  std::uint32_t watch_generation = 0;  // its generation, see watcher.h
  half_close policy;                   // as the watcher has been told
  limit refused = limit::none;         // set: one connection too many; it is only told so
  clock::time_point since{};           // when it began to wait for what it is parked for
  std::size_t served = 0;              // requests, by another engine (http/engine/)
  bool yielded = false;                // it has been resumed with input that has not been looked at

  // The departure that the result of a read or write means; errno must still be that of the call.
  departure seen_by(io how) const noexcept;
  // Ends the context of the request in flight, because the client has left.
  void client_left(departure seen) noexcept;

  // --- parking ---
  std::atomic<phase> now{phase::idle};  // thread-safe
  // Sets until when the connection may stay parked. This costs a timer operation only if the time
  // is earlier than the timer is already set to, which is rare for a connection that is kept alive.
  void park_until(clock::time_point when) noexcept;
  // Ends the parking. Returns false if it had lasted too long and the owner was told to wake it.
  bool take() noexcept;
  // For other threads: has it woken if it is parked. Otherwise it does nothing. So whoever parks
  // the connection looks afterwards for what the caller has said before this call.
  void wake_parked() noexcept;

  connection* previous_of_all = nullptr;  // the list of all connections, guarded by the registry
  connection* next_of_all = nullptr;

 private:
  struct overdue_timer final : tree::timer {
    explicit overdue_timer(connection& c) noexcept : self(c) {}
    ~overdue_timer() { disarm_and_wait(); }
    void expire() noexcept override;
    connection& self;
  };

  ssize_t read_socket() noexcept;
  io keep(std::size_t n);
  io put(std::string_view bytes, std::size_t& taken) noexcept;
  void note_taken(std::size_t n) noexcept {
    going.moved(n, going.waiting() ? clock::now() : clock::time_point{});
  }

  static constexpr auto never = clock::time_point::max();

  void run() noexcept override { owner_.run(*this); }
  void dropped() noexcept override { owner_.dropped(*this); }

  const context server_;  // ends when the requests of all connections do
  cancelable scope_;
  std::optional<exchange> request_;  // written under `looking_`, which other threads take to look
  std::mutex looking_;
  const descriptor socket_;
  const peer addresses_;
  const std::string client_;
  const pool::owner client_key_ = http::client_key(addresses_.remote_address);
  std::unique_ptr<tls_session> tls_;
  connection_owner& owner_;
  std::size_t ahead_ = 0;      // how much of what has been received counts as read ahead
  bool ahead_capped_ = false;  // more had arrived than could be kept
  bool drained_ = true;
  // An end or an urgent byte was reported: a short read may not be the last.
  bool to_the_end_ = false;
  bool lost_ = false;  // there was no memory for what was read
  bool reads_when_writable_ = false;
  std::string out_;
  std::size_t sent_ = 0;
  std::mutex parking_;
  clock::time_point due_ = never;    // guarded by parking_
  clock::time_point armed_ = never;  // guarded by parking_: when the timer expires next
  bool parked_ = false;              // guarded by parking_; it may be so for ever
  bool overdue_ = false;             // guarded by parking_
  overdue_timer timer_{*this};       // last: destroyed first
};

}  // namespace hangup::http
