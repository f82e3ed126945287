// The front: the listening socket, the parked connections, and the few threads that wait for both
// in one epoll set (leader and followers: whichever the kernel wakes). A parked connection costs
// its buffers and no thread.
//
// Each connection is registered once, edge-triggered, and has one
// owner: nobody while it is parked, then the thread that took the event. What is reported while it
// is owned is noted, and to park it then is to have it back at once: so to park costs no system
// call and misses nothing. (EPOLLONESHOT would cost a call each time.) Who parks a connection must
// have read all there is, which connection::drained() knows.
//
// The note is one bit of the connection's slot here. Whoever hears an event sets it; only the owner
// takes it, by catch_up(), and tells the connection. resume() may be called by others (a timer that
// ends the context of what waits in a queue) and so touches nothing of the connection but the link
// of the line it stands in. Not for users.
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
#include "http/descriptor.h"
#include "http/descriptor_table.h"
#include "http/listener.h"
#include "http/options.h"

namespace hangup::http {

class front {
 public:
  class driver {
   public:
    // A client has connected, on a non-blocking socket.
    virtual void accepted(descriptor socket, peer ends) noexcept = 0;
    // A connection that was parked or resumed has something to do, and is the driver's until it is
    // parked or resumed again. Nothing has been told to it yet that was noted: see catch_up().
    virtual void ready(connection& c) noexcept = 0;

   protected:
    ~driver() = default;
  };

  // Throws std::system_error without a descriptor.
  front(const options& how, driver& d);
  ~front();  // stop()
  front(const front&) = delete;
  front& operator=(const front&) = delete;

  // Binds and listens: see listen_on(). Once.
  std::error_code listen(const std::string& host, std::uint16_t port);
  std::uint16_t port() const noexcept { return listener_.port; }
  const std::vector<std::string>& endpoints() const noexcept { return listener_.endpoints; }
  // Starts the threads: from now on connections are accepted. On error none is running. Once.
  std::error_code start();
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
  // ready. Thread-safe, and not only for its owner: for whoever may give it to the front.
  void resume(connection& c) noexcept;
  // Tells the connection what was noted since it was given to its owner. By its owner, and not
  // while the watcher reads ahead for it.
  void catch_up(connection& c) noexcept;

  // A descriptor or memory has become free: goes on accepting if that had stopped for want of one.
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
  bool is_listener(int fd) const noexcept;
  void accept_all(int listener) noexcept;
  void accept_again_later() noexcept;
  std::error_code arm(int op, int fd, std::uint32_t events, std::uint32_t generation = 0) noexcept;

  // Whose thread this is, if it is one's, and what it has to look at once more.
  struct own {
    const front* of = nullptr;
    line again;
  };
  static thread_local own this_thread;

  const options& how_;
  driver& driver_;
  const descriptor epoll_;
  const descriptor wake_;  // readable: the threads end
  const descriptor bell_;  // rung when somebody has to be resumed
  listener listener_;
  descriptor_table<slot> slots_;
  std::mutex resuming_;
  line resumed_;  // guarded by resuming_
  std::atomic<bool> listening_{false};
  std::atomic<bool> accepting_stopped_{false};  // for want of a descriptor, until there is one
  std::vector<std::thread> threads_;
  accept_again retry_{*this};
};

}  // namespace hangup::http
