// The watcher notices when clients leave. It has one thread and one epoll set. Each connection is
// registered once, with EPOLLRDHUP | EPOLLET but without EPOLLIN, so unread bytes (a body, a
// pipelined request, a stray byte) cannot hide that the client has left. A FIN is reported as
// EPOLLRDHUP alone, a RST as EPOLLHUP too, and a peer that has stopped answering as ETIMEDOUT.
//
// A Unix socket tells more: a client that closes only its sending direction is EPOLLRDHUP, one that
// has closed or was killed is EPOLLHUP too. If that client had not read everything, the error is
// ECONNRESET, as with TCP. No client vanishes there.
//
// Two kinds of end are not reported by EPOLLRDHUP. A FIN behind data that does not fit into the
// receive window has not arrived yet, and the end of a TLS session is itself data. To notice those,
// the watcher reads ahead while a request waits or runs: it moves what arrives into the buffer of
// the connection, up to a limit; see read_ahead(). Bytes that no handler will get (the body of a
// GET) are discarded and do not count. What remains unnoticed is a FIN behind more data than the
// limit.
//
// While a request is in flight, its context is registered here, and the watcher ends it when the
// client leaves. Both sides take the lock of the connection's slot. So either begin() reports that
// the client has already left, or the watcher finds the context: no departure is missed, and a late
// event for one request cannot end the next. A slot is identified by descriptor and generation, so
// a pending event for a descriptor that has been closed and reused has no effect.
//
// All functions are thread-safe. For one descriptor, watch() must come first and forget() last.
// begin() and over() each cost one uncontended lock and no system call.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "context/early_end.h"
#include "hangup/context/context.h"
#include "hangup/http/half_close.h"
#include "http/net/descriptor.h"
#include "http/net/descriptor_table.h"

namespace hangup::http {

// How a client has left: by FIN or the end of TLS, by closing both directions (which only a Unix
// socket tells apart from a FIN, and so is never a half-close), by FIN without the end of TLS,
// because the server closed a TLS session that only made work, by RST, or without a word (timeout).
enum class departure : std::uint8_t {
  none,
  closed,
  closed_both,
  cut_off,
  shown_out,
  reset,
  vanished
};

enum class transport : std::uint8_t { tcp, unix_socket };

cause cause_of(departure how);
// The departure that an error of recv(2), send(2) or SO_ERROR means.
departure departure_by(int error, transport over) noexcept;

// A connection, as far as the watcher reads from it.
class input {
 public:
  struct read {
    departure how = departure::none;  // not none: the client has left
    // There may be more: call again after the other connections have been looked at.
    bool more = false;
  };
  // Reads what has arrived, up to the limits, and not more than is fair to other connections. Does
  // not block. It is called on the watcher's thread or on that of a sleeper (see announced()), by
  // one thread at a time; begin(), stop_reading(), over() and forget() wait until it has returned.
  virtual read read_ahead() noexcept = 0;
  // Whether the end is indicated by the last bytes of the stream (TLS). Otherwise what the socket
  // reports is enough.
  virtual bool ends_in_band() const noexcept = 0;

 protected:
  ~input() = default;
};

class watcher {
 public:
  watcher();  // starts the thread; throws std::system_error if it or a descriptor cannot be made
  ~watcher();
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;

  // Registers a connection and sets `generation`, which announced() needs. After an error forget()
  // must not be called.
  std::error_code watch(int fd, transport over, std::uint32_t& generation) noexcept;
  // Unregisters a connection. Must be called before the descriptor is closed, which removes it from
  // the epoll set.
  void forget(int fd) noexcept;

  // Registers the context that is to end when the client leaves. If the client has already left,
  // returns how; then the caller must end the context. With half_close::ignore, a FIN alone does
  // not count.
  departure begin(int fd, const context& ctx, half_close policy) noexcept;
  // Starts to read ahead from this descriptor, until stop_reading() or over(). Does nothing if that
  // has already been started. Costs one system call.
  void read_ahead(int fd, input& from) noexcept;
  // Stops reading ahead (one system call), and waits for a read_ahead() that is running.
  void stop_reading(int fd) noexcept;
  // How the client has left, for a thread that has noticed it by itself: `seen` is what its read of
  // 0 bytes or its failed write indicates. The result is the same as the watcher's, whichever of
  // the two is first.
  departure look(int fd, departure seen) noexcept;
  // Checks whether the client has already left. If so, the registered context ends in this call,
  // not only when the watcher gets to it. Costs one system call.
  void check(int fd, std::uint32_t generation) noexcept;
  // Unregisters the context: from now on the client's departure does not end it.
  void over(int fd) noexcept;
  // From now on events of this descriptor are ignored, because the server itself causes them:
  // shutdown(2) raises EPOLLRDHUP too.
  void mute(int fd) noexcept;
  // The early_end of this connection, with which a sleeping thread notices the departure as soon as
  // the watcher does.
  early_end::type announced(int fd, std::uint32_t generation, half_close policy) noexcept;

 private:
  struct slot {
    std::mutex mutex;
    std::uint32_t generation = 0;
    bool muted = true;
    transport over = transport::tcp;
    bool fin_ends = true;  // depends on the half-close policy of the request in flight
    departure gone = departure::none;
    std::optional<context> current;
    input* reading = nullptr;
  };
  void run();
  void heard(int fd, std::uint32_t generation, std::uint32_t events) noexcept;
  bool listen(int op, int fd, const slot& s, std::uint32_t more) noexcept;
  void stop_reading(int fd, slot& s) noexcept;  // the lock of `s` must be held

  const descriptor epoll_;
  const descriptor wake_;
  descriptor_table<slot> slots_;
  std::thread thread_;
};

}  // namespace hangup::http
