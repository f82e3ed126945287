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
// Each connection has a context, the parent of those of its requests. The watcher ends it when the
// client leaves; so a request that begins later has ended from the start. A slot is identified by
// descriptor and generation, so a pending event for a descriptor that has been closed and reused
// has no effect.
//
// All functions are thread-safe. For one descriptor, watch() must come first and forget() last.
// A request costs nothing here, unless something is read ahead or its half-close policy differs
// from that of the request before.
#pragma once

#include <condition_variable>
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
#include "http/departure/departure.h"
#include "http/net/descriptor.h"
#include "http/net/descriptor_table.h"

namespace hangup::http {

// A connection, as far as the watcher reads from it.
class input {
 public:
  struct read {
    departure how = departure::none;  // not none: the client has left
    // There may be more: call again after the other connections have been looked at.
    bool more = false;
    bool left = false;  // there is input that cannot be read now
  };
  // Reads what has arrived, up to the limits, and not more than is fair to other connections. Does
  // not block. It is called on the watcher's thread or on that of a sleeper (see announced()), by
  // one thread at a time; stop_reading() and forget() wait until it has returned.
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
  // Waits for threads that sleep on contexts of requests, which have ended, until they have woken.
  ~watcher();
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;

  // Registers a connection, with what ends its context. Sets `generation`, which announced() needs.
  // After an error forget() must not be called.
  std::error_code watch(int fd, transport over, const cancel_func& cancel, half_close policy,
                        std::uint32_t& generation) noexcept;
  // Unregisters a connection. Must be called before the descriptor is closed: see
  // event_loop::forget().
  void forget(int fd) noexcept;

  // Whether a FIN alone ends the context, from now on. A FIN that was heard before counts too.
  void use(int fd, half_close policy) noexcept;
  // From now on a FIN alone does not end the context. Returns whether one has already ended it, or
  // is about to: a request that began now would end with it. Then the connection needs another
  // context, with renew().
  bool forgive(int fd) noexcept;
  // Another context ends when the client leaves, which it may have done meanwhile.
  void renew(int fd, const cancel_func& cancel) noexcept;
  // Starts to read ahead from this descriptor, until stop_reading(). Does nothing if that
  // has already been started. Costs one system call.
  void read_ahead(int fd, input& from) noexcept;
  // Stops reading ahead (one system call), and waits for a read_ahead() that is running.
  void stop_reading(int fd) noexcept;
  // How the client has left, for a thread that has noticed it by itself: `seen` is what its read of
  // 0 bytes or its failed write indicates. The result is the same as the watcher's, whichever of
  // the two is first.
  departure look(int fd, departure seen) noexcept;
  // Checks whether the client has already left. If so, the context ends in this call,
  // not only when the watcher gets to it. Costs one system call.
  void check(int fd, std::uint32_t generation) noexcept;
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
    bool fin_ends = true;
    departure gone = departure::none;
    std::optional<cancel_handle> cancel;  // empty: it has been called
    input* reading = nullptr;
    int pollers = 0;          // threads that sleep and poll the connection themselves
    bool registered = false;  // in the epoll set
  };
  void run();
  // Returns what has been read ahead meanwhile. `others_tell`: an error that is not there any more
  // is left to the thread that has got it.
  input::read heard(int fd, std::uint32_t generation, std::uint32_t events,
                    bool others_tell = false) noexcept;
  // The same on the thread of a sleeper. Returns the events that it polls for next.
  short heard_by_poller(int fd, std::uint32_t generation, std::uint32_t events) noexcept;
  // A thread that sleeps on the context polls the connection itself, and has stopped to. In between
  // the watcher is not woken, unless it would hear more than the sleeper: to wake two threads for
  // one hang-up delays both. The first is false if the context has ended: then the watcher may have
  // been destroyed.
  static bool begin_to_poll(watcher* of, const early_end::type& what, const context& of_sleeper,
                            short& events) noexcept;
  void begin_to_poll(int fd, std::uint32_t generation, short& events) noexcept;
  void end_to_poll(int fd, std::uint32_t generation, short events) noexcept;
  // What is to be called, outside of the lock, which must be held.
  static std::optional<cancel_handle> ended_by(slot& s) noexcept;
  // For these the lock of `s` must be held.
  static bool has_left(const slot& s) noexcept;
  static std::uint32_t wanted(const slot& s) noexcept;  // the events
  bool hear(int fd, slot& s) noexcept;
  void hear_nothing(int fd, slot& s) noexcept;
  void hear_again(int fd, slot& s) noexcept;
  void stop_reading(int fd, slot& s) noexcept;

  const descriptor epoll_;
  const descriptor wake_;
  descriptor_table<slot> slots_;
  std::condition_variable nobody_polls_;
  int polling_ = 0;  // threads that poll, also those of connections that are closed
  std::thread thread_;
};

}  // namespace hangup::http
