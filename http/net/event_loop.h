// The front consists of the listening sockets, the parked connections, and the few threads that
// wait for both in one epoll set; the kernel wakes any one of them. A parked connection uses its
// buffers but no thread.
//
// Each connection is registered once, edge-triggered. While it is parked, it has no owner; when an
// event arrives, the thread that takes the event becomes its owner. Events that arrive while a
// connection has an owner are noted, and parking it then returns it to a front thread at once. So
// parking needs no system call and misses no event. (EPOLLONESHOT would need a system call each
// time.) Before a connection is parked, everything that has arrived must have been read;
// parkable::drained() tells whether it has.
//
// The note is one bit in the connection's slot. Any thread that takes an event sets it. Only the
// owner clears it, in catch_up(), which passes it on to the connection. resume() may also be called
// by a thread that is not the owner (one that ends the context of a queued request), so it changes
// nothing in the connection but its link in the list of connections to be resumed. Not for users.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "hangup/context/detail/timer.h"
#include "http/net/address.h"
#include "http/net/descriptor.h"
#include "http/net/descriptor_table.h"
#include "http/net/listener.h"
#include "http/net/parkable.h"

namespace hangup::http {

class event_loop {
 public:
  class driver {
   public:
    // A client has connected; the socket is non-blocking.
    virtual void accepted(descriptor socket, peer addresses) noexcept = 0;
    // A connection that was parked or resumed has something to do. It belongs to the driver until
    // it is parked or resumed again. Events that were noted have not been passed to it yet: see
    // catch_up().
    virtual void ready(parkable& c) noexcept = 0;

   protected:
    ~driver() = default;
  };

  // With so many threads. Throws std::system_error if a descriptor cannot be made.
  event_loop(unsigned threads, driver& d);
  ~event_loop();  // calls stop()
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  // Starts the threads; from now on connections to these sockets are accepted, if there are any.
  // After an error no thread is running. Once.
  std::error_code start(listener on);
  std::uint16_t port() const noexcept { return listener_.port; }
  // Empty: all of them.
  std::vector<std::string> endpoints(std::optional<audience> serves = {}) const;
  // Refuses new clients from now on. A Unix socket that was made here has no file any more, so that
  // another server may take its place. What was inherited is left to who has it too. Thread-safe.
  void stop_listening() noexcept;
  // Ends and joins the threads. Connections that are still parked are left to the driver.
  void stop() noexcept;

  // Registers a connection; the caller becomes its owner. From now on it belongs to this loop.
  std::error_code adopt(parkable& c) noexcept;
  // The loop that a connection belongs to: all calls that follow are for that one.
  static event_loop& of(const parkable& c) noexcept { return *c.loop_; }
  // Unregisters a connection, before its owner closes it. Pending events will have no effect.
  // Takes it out of the epoll set as well: a thread in epoll_wait(2) holds the sockets it looks at,
  // and one that is closed just then stays open for the client until that thread wakes up again.
  void forget(parkable& c) noexcept;
  // Gives up the connection until there is something to read. The caller must not touch it
  // afterwards, since another thread may already own it. Thread-safe.
  void park_for_input(parkable& c) noexcept;
  // The same until there is room to write, or something else happens. Thread-safe.
  void park_for_room(parkable& c) noexcept;
  // Stops reporting events of this connection until it is parked again, because its owner will be
  // busy for long. Otherwise a departing client would wake a front thread in addition to the
  // watcher. Costs one system call, and one more when the connection is parked.
  void turn_away(parkable& c) noexcept;
  // Hands the connection to any free front thread, behind the connections that are ready.
  // Thread-safe; it may also be called for the owner by another thread.
  void resume(parkable& c) noexcept;
  // Passes the events that were noted to the connection. Only for its owner, and not while the
  // watcher reads ahead from it.
  void catch_up(parkable& c) noexcept;

  // A descriptor or memory has become free: resumes accepting, if that had stopped for lack of one.
  // Thread-safe.
  void descriptor_freed() noexcept;

 private:
  struct accept_again final : tree::timer {
    explicit accept_again(event_loop& f) noexcept : self(f) {}
    ~accept_again() { disarm_and_wait(); }
    void expire() noexcept override { self.descriptor_freed(); }
    event_loop& self;
  };

  // Who owns a connection; the upper bits identify the use of the descriptor number.
  struct slot {
    std::atomic<std::uint64_t> state{0};
    parkable* c = nullptr;  // written by the first owner
  };
  struct line {  // the connections to be resumed
    parkable* first = nullptr;
    parkable* last = nullptr;
    void push(parkable& c) noexcept;
    parkable* pop() noexcept;
  };

  void run() noexcept;
  bool give_up(parkable& c) noexcept;
  bool hear(parkable& c, std::uint32_t events) noexcept;
  void happened(descriptor_tag what, std::uint32_t events) noexcept;
  void serve_resumed() noexcept;
  const listening_socket* listening_at(int fd) const noexcept;
  void accept_all(const listening_socket& on) noexcept;
  void accept_again_later() noexcept;
  std::error_code arm(int op, int fd, std::uint32_t events, std::uint32_t generation = 0) noexcept;

  // The front that this thread belongs to, if any, and what it has to look at again.
  struct own {
    const event_loop* of = nullptr;
    line again;
  };
  static thread_local own this_thread;

  const unsigned threads_wanted_;
  driver& driver_;
  const descriptor epoll_;
  const descriptor wake_;  // readable: the threads must end
  const descriptor bell_;  // written to when a connection has to be resumed
  listener listener_;
  descriptor_table<slot> slots_;
  std::mutex resuming_;
  line resumed_;  // guarded by resuming_
  std::atomic<bool> listening_{false};
  std::atomic<bool> accepting_stopped_{false};  // for lack of a descriptor
  std::vector<std::thread> threads_;
  accept_again retry_{*this};
};

}  // namespace hangup::http
