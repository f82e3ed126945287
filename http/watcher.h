// Hears the hang-ups. One thread, one epoll set, nothing else: each connection is registered once,
// with EPOLLRDHUP | EPOLLET and never EPOLLIN, so nothing is ever read here and bytes that nobody
// has read (a body, a pipelined request, one stray byte) cannot hide that the client has left. FIN
// is EPOLLRDHUP alone; RST adds EPOLLHUP; a peer that stopped answering adds ETIMEDOUT.
//
// Two ends are hidden from EPOLLRDHUP: a FIN behind data that does not fit the receive window has
// not arrived yet, and the end of TLS without a FIN is data. For them what arrives is read ahead,
// into the buffer of the connection and up to a cap, while a request waits or is worked on: see
// read_ahead(). What no handler is given, the body of a GET, is thrown away and counts for nothing.
// What remains: a FIN behind more than the cap.
//
// A context is published for a connection while a request of it is in flight; when the client
// leaves, the watcher ends that context. Both sides go through the lock of the connection's slot,
// so either begin() reports that the client had left, or the watcher finds the context: none is
// missed, and a late event for one request cannot hit the next. Slots are found by descriptor and
// generation, so an event that was under way when the descriptor was closed and reused finds
// nothing.
//
// All functions are thread-safe; for one descriptor, watch() happens before and forget() after all
// others. Cost of begin() and over(): one uncontended lock each, no system call.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "context/context.h"
#include "context/early_end.h"
#include "http/descriptor.h"
#include "http/descriptor_table.h"
#include "http/half_close.h"

namespace hangup::http {

// How a client has left: FIN or the end of TLS, FIN in the middle of TLS, by our doing (its TLS
// only made work), RST, or without a word.
enum class departure : std::uint8_t { none, closed, cut_off, shown_out, reset, vanished };

cause cause_of(departure how);
// Of an error that recv(2) or SO_ERROR has reported.
departure departure_by(int error) noexcept;

// A connection, as far as the watcher reads from it.
class input {
 public:
  struct read {
    departure how = departure::none;  // is that the end of it?
    bool more = false;  // there may be more: ask again, when the others have been heard
  };
  // Reads what is there and may be kept, and no more than is fair to those who are heard behind it.
  // Does not block. On the watcher's thread or that of a sleeper (announced()), one at a time;
  // begin(), stop_reading(), over() and forget() wait for its return.
  virtual read read_ahead() noexcept = 0;
  // Is how it ended told by its last bytes (TLS)? Else what the socket reports says it all.
  virtual bool ends_in_band() const noexcept = 0;

 protected:
  ~input() = default;
};

class watcher {
 public:
  watcher();  // starts the thread; throws std::system_error without one, or without a descriptor
  ~watcher();
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;

  // `generation` becomes what announced() wants to know. On error there is nothing to forget().
  std::error_code watch(int fd, std::uint32_t& generation) noexcept;
  // Before the descriptor is closed (which takes it out of the epoll set).
  void forget(int fd) noexcept;

  // Publishes the context that a hang-up ends. If the client has left already, says how: the
  // context is then the caller's to end. Under half_close::ignore a FIN alone is no hang-up.
  departure begin(int fd, const context& ctx, half_close policy) noexcept;
  // From now on reads ahead from this descriptor, until stop_reading() or over(); nothing if it
  // does already. A system call each.
  void read_ahead(int fd, input& from) noexcept;
  // Waits for a read_ahead() under way.
  void stop_reading(int fd) noexcept;
  // How the client has left, for whoever has found by itself that it has, and how that looked (a
  // read of 0 bytes, a write that failed): the same answer as the watcher's, whichever of the two
  // comes first.
  departure look(int fd, departure seen) noexcept;
  // Has the client left by now? Then the context that is published ends here, and not only when the
  // watcher's turn comes. A system call.
  void check(int fd, std::uint32_t generation) noexcept;
  // Unpublishes it: no hang-up ends it any more.
  void over(int fd) noexcept;
  // From now on what this descriptor reports is our own doing: shutdown(2) raises RDHUP too.
  void mute(int fd) noexcept;
  // Where a sleeper can hear it as soon as we do.
  early_end::type announced(int fd, std::uint32_t generation, half_close policy) noexcept;

 private:
  struct slot {
    std::mutex mutex;
    std::uint32_t generation = 0;
    bool muted = true;
    bool fin_ends = true;  // the half-close policy of the request in flight
    departure gone = departure::none;
    std::optional<context> current;
    input* reading = nullptr;
  };
  void run();
  void heard(int fd, std::uint32_t generation, std::uint32_t events) noexcept;
  bool listen(int op, int fd, const slot& s, std::uint32_t more) noexcept;
  void stop_reading(int fd, slot& s) noexcept;  // its lock is held

  const descriptor epoll_;
  const descriptor wake_;
  descriptor_table<slot> slots_;
  std::thread thread_;
};

}  // namespace hangup::http
