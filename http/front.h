// The front: the listening socket, the parked connections, and the few threads that wait for both
// in one epoll set (leader and followers: whichever the kernel wakes). A parked connection costs
// its buffers and no thread.
//
// Each connection is registered once, edge-triggered, and has one
// owner: nobody while it is parked, then the thread that took the event. What is reported while it
// is owned is noted, and to park it then is to have it back at once: so to park costs no system
// call and misses nothing. (EPOLLONESHOT would cost a call each time.) Who parks a connection must
// have read all there is, which connection::drained() knows. Not for users.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "context/timer.h"
#include "http/connection.h"
#include "http/descriptor_table.h"
#include "http/options.h"

namespace hangup::http {

class front {
 public:
  class driver {
   public:
    // A client has connected: the descriptor is non-blocking and the driver's.
    virtual void accepted(int fd, peer ends) noexcept = 0;
    // A parked connection has something to do, and is the driver's until it is parked again.
    virtual void ready(connection& c) noexcept = 0;

   protected:
    ~driver() = default;
  };

  front(const options& how, driver& d);
  ~front();  // stop()
  front(const front&) = delete;
  front& operator=(const front&) = delete;

  // Binds and listens, without SO_REUSEPORT: a port that is taken is an error.
  std::error_code listen(const std::string& host, std::uint16_t port);
  std::uint16_t port() const noexcept { return port_; }
  // Starts the threads: from now on connections are accepted.
  void start();
  // New clients are refused from now on. Thread-safe.
  void stop_listening() noexcept;
  // Ends the threads and joins them. What is still parked stays with the driver.
  void stop() noexcept;

  // Registers a connection, whose owner is the caller.
  std::error_code adopt(connection& c) noexcept;
  // Before it is closed, by its owner. Events that are under way find nothing.
  void forget(const connection& c) noexcept;
  // Gives it up until there is something to read. It must not be touched after that: another thread
  // may have it already. Thread-safe.
  void park_for_input(connection& c) noexcept;
  // Gives it up until there is room to write, or something else happens. Thread-safe.
  void park_for_room(connection& c) noexcept;
  // Hears nothing of it until it is parked again, for its owner is going to be at work for long:
  // else a thread here would be woken by the hang-up, next to the one that is to hear it. A system
  // call, and one more when it is parked.
  void turn_away(connection& c) noexcept;
  // Gives it up to whichever thread of the front is free: it comes back behind those that are
  // ready. Thread-safe.
  void resume(connection& c) noexcept;

  // A descriptor has become free: goes on accepting if that had stopped for want of one.
  // Thread-safe.
  void descriptor_freed() noexcept;

 private:
  struct accept_again final : tree::timer {
    explicit accept_again(front& f) noexcept : self(f) {}
    ~accept_again() { disarm_and_wait(); }
    void expire() noexcept override { self.descriptor_freed(); }
    front& self;
  };

  // Who has a connection: the upper bits say which use of the descriptor it is about.
  struct slot {
    std::atomic<std::uint64_t> state{0};
    connection* c = nullptr;  // written by its first owner
  };
  struct line {  // of connections to be resumed
    connection* first = nullptr;
    connection* last = nullptr;
    void push(connection& c) noexcept;
    connection* pop() noexcept;
  };

  void run() noexcept;
  bool give_up(connection& c) noexcept;
  void hear(connection& c, std::uint32_t events) noexcept;
  void happened(descriptor_tag what, std::uint32_t events) noexcept;
  void serve_resumed() noexcept;
  void accept_all() noexcept;
  std::error_code arm(int op, int fd, std::uint32_t events, std::uint32_t generation = 0) noexcept;

  // Whose thread this is, if it is one's, and what it has to look at once more.
  struct own {
    const front* of = nullptr;
    line again;
  };
  static thread_local own this_thread;

  const options& how_;
  driver& driver_;
  int epoll_;
  int wake_;  // readable: the threads end
  int bell_;  // rung when somebody has to be resumed
  int listener_ = -1;
  descriptor_table<slot> slots_;
  std::mutex resuming_;
  line resumed_;  // guarded by resuming_
  std::atomic<bool> listening_{false};
  std::atomic<bool> out_of_descriptors_{false};
  std::uint16_t port_ = 0;
  std::vector<std::thread> threads_;
  accept_again retry_{*this};
};

}  // namespace hangup::http
