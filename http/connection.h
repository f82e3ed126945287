// One accepted connection: its descriptor, what has been read and not been used, what has been
// answered and not been sent, and the request in flight. Not for users.
//
// Owned by exactly one party at a time: the epoll set it is parked in, a front thread, a pool's
// queue or a worker, the line of those to be resumed. Only the owner may call the functions here,
// but for those marked thread-safe, and for reading ahead: from watcher::read_ahead() until
// watcher::stop_reading() or over() the input (what was read, and drained()) is the watcher's,
// under the lock of its slot, and the owner leaves it alone. So a connection that waits in a queue
// is the queue's, and its input is the watcher's. Who drops it from the queue may be any thread
// that ends contexts, while the watcher reads: it hands the connection to the line and touches
// nothing of it. The front thread that takes it from there is the owner, stops the reading, and
// only then looks at the input: at what was read ahead, and at what the front has noted
// (front::catch_up).
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

#include "context/timer.h"
#include "http/address.h"
#include "http/body.h"
#include "http/client_key.h"
#include "http/descriptor.h"
#include "http/exchange.h"
#include "http/observer.h"
#include "http/options.h"
#include "http/pace.h"
#include "http/tls.h"
#include "http/watcher.h"
#include "worker/pool.h"

namespace hangup::http {

class connection;

// Who drives connections.
class connection_owner {
 public:
  virtual void run(connection& c) noexcept = 0;      // on a worker
  virtual void dropped(connection& c) noexcept = 0;  // its context ended in the queue
  // Parked too long. On the timer thread, while take() and park() of this connection wait.
  virtual void overdue(connection& c) noexcept = 0;
  // How the client has left, asked when a read or a write has shown that it has, and how.
  virtual cause how_left(connection& c, departure seen) noexcept = 0;
  // May so many more bytes be read ahead, over all connections? They count until they are given
  // back (a negative number).
  virtual bool may_keep(std::ptrdiff_t bytes) noexcept = 0;

 protected:
  ~connection_owner() = default;
};

class connection final : public job, public input {
 public:
  enum class io {
    some,
    again,
    closed,
    cut_off,  // closed, but not TLS; or what came is not TLS
    failed,   // errno says how
  };

  // The socket must be non-blocking. With a session it speaks TLS.
  connection(descriptor socket, peer ends, std::unique_ptr<tls_session> tls, const options& how,
             connection_owner& owner);
  ~connection();

  int fd() const noexcept { return socket_.get(); }
  const peer& ends() const noexcept { return ends_; }
  // "127.0.0.1:50312", "[::1]:50312"
  const std::string& client() const noexcept { return client_; }
  pool::owner client_key() const noexcept { return client_key_; }
  tls_session* tls() const noexcept { return tls_.get(); }  // null: plain TCP
  tls_session::io shake_hands() noexcept;
  // Its client has begun with plain HTTP (tls_session::io::plain_http): goes on without TLS, so that
  // it can be told in a way that it understands. The request is not to be served.
  void answer_plainly() noexcept {
    tls_.reset();
    wants_tls_ = true;
  }
  bool wants_tls() const noexcept { return wants_tls_; }

  // --- what was read ---
  std::string_view received() const noexcept { return std::string_view(in_).substr(used_); }
  void consume(std::size_t n) noexcept;
  // Once, does not block; at most 16 KiB. Throws std::bad_alloc, then and from then on, if there is
  // no memory for what came: what would be read behind it is not what the client meant.
  io receive();
  io discard() noexcept;  // likewise, to be thrown away: not even as TLS
  // Has everything been read that there was when something last happened to the descriptor?
  bool drained() const noexcept { return drained_; }
  // To read more, TLS has to send something first, for which there was no room.
  bool reads_when_writable() const noexcept { return reads_when_writable_; }
  void happened(std::uint32_t events) noexcept;  // of epoll(7)
  // Without memory for what came it reads no more; the owner gets to know when it reads.
  read read_ahead() noexcept override;
  bool ends_in_band() const noexcept override { return tls_ != nullptr; }
  // What was read ahead and has been used counts no longer. True if there was more than may be
  // kept.
  bool settle_ahead() noexcept;

  // --- what is to be sent ---
  // Sends what fits now and keeps the rest. False: the client has left, which ends the context of
  // the request in flight. Throws std::bad_alloc if the rest cannot be kept: what was sent is then
  // all that may be sent.
  bool send_now(std::string_view bytes);
  bool flush_now() { return send_now({}); }  // throws nothing
  std::size_t unsent() const noexcept { return out_.size() - sent_; }
  // Sends everything, after what was kept; waits as long as the client keeps its pace, and the
  // request is not cut off. Else ends the context with the reason why it could not, and answers
  // false.
  bool send_all(std::string_view bytes);

  // --- how long the client is waited for; counts what is received and sent ---
  pace coming;
  pace going;

  // --- the request in flight ---
  std::optional<exchange> request;  // written under `guard`, which whoever looks from outside takes
  std::mutex guard;
  std::unique_ptr<httplib::Request> incoming;  // what its handler gets; null: it has none
  body_scan body;                              // where its body ends
  std::size_t body_taken = 0;                  // how much of it has come, with its framing
  bool takes_body = false;                     // its handler is to have the body
  bool is_last = false;                        // nothing that comes behind it is served
  bool keep_alive = true;                      // unless the answer says otherwise
  bool wants_continue = false;                 // 100 (Continue) is owed before the body comes
  bool is_head = false;                        // HEAD: no body in the answer
  outcome answer;               // of the request in flight; left_before_last is kept by what sends
  std::size_t ahead_limit = 0;  // how much received() may grow by reading ahead
  std::uint32_t heard_as = 0;   // its generation, see watcher.h
  limit refused = limit::none;  // one too many: it is told so, and counts for nothing else
  clock::time_point since{};    // when it began to wait for what it is parked for
  std::uint32_t heard_events = 0;  // which the front hears of
  unsigned served = 0;             // in a row, without going back to the others
  bool yielded = false;            // has been resumed with input that waits to be looked at

  // Takes what has arrived of the body out of received(): into `incoming` if its handler is to have
  // it, else it is thrown away. False: it is refused (body.state() says why).
  bool take_body();
  // What a read or a write has shown that came to `how`; errno is still that of the call.
  static departure seen_by(io how) noexcept;
  // Ends the context of the request in flight, because the client was seen to have left.
  void client_left(departure seen) noexcept;

  // --- parking ---
  std::atomic<phase> now{phase::idle};  // thread-safe
  // Until when it may stay parked from now on. Costs a timer operation only where that is sooner
  // than the timer is due anyway, so hardly ever for a connection that is kept alive.
  void park_until(clock::time_point when) noexcept;
  // It is no longer parked. False: it had been for too long, and overdue() was called.
  bool take() noexcept;

  connection* resumed_after = nullptr;  // the line of those to be resumed, guarded by the front

  connection* lot_prev = nullptr;  // the list of all connections, guarded by its owner
  connection* lot_next = nullptr;

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
  void note_departure() noexcept { answer.left_before_last = request && request->ctx.done(); }

  static constexpr auto never = clock::time_point::max();

  void run() noexcept override { owner_.run(*this); }
  void dropped() noexcept override { owner_.dropped(*this); }

  const descriptor socket_;
  const peer ends_;
  const std::string client_;
  const pool::owner client_key_ = http::client_key(ends_.remote_address);
  std::unique_ptr<tls_session> tls_;
  bool wants_tls_ = false;
  connection_owner& owner_;
  std::string in_;
  std::size_t ahead_ = 0;      // of what has been received, how much counts as read ahead
  bool ahead_capped_ = false;  // there was more
  bool drained_ = true;
  bool to_the_end_ = false;  // an end or an urgent byte: a short read is not the last
  bool lost_ = false;        // there was no memory for what was read
  bool reads_when_writable_ = false;
  std::size_t used_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  std::mutex parking_;
  clock::time_point due_ = never;    // guarded by parking_
  clock::time_point armed_ = never;  // guarded by parking_: when the timer expires next
  bool overdue_ = false;             // guarded by parking_
  overdue_timer timer_{*this};       // last: destroyed first
};

}  // namespace hangup::http
