// The front: the listening socket, the parked connections, and the few threads that wait for both
// in one epoll set (leader and followers: whichever the kernel wakes). A parked connection costs
// its buffers and no thread. Each is armed for one event only (EPOLLONESHOT), so it has one owner:
// the set while it is parked, then the thread that took the event. Not for users.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "context/timer.h"
#include "http/connection.h"
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

  // Hands a connection over to the epoll set. It must not be touched after that: another thread may
  // have it already. Thread-safe.
  void park_for_input(connection& c) noexcept;   // until there is something to read
  void park_for_output(connection& c) noexcept;  // until there is room to write
  void resume(connection& c) noexcept;           // not at all: it comes back behind all others

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

  void run() noexcept;
  void park(connection& c, std::uint32_t events) noexcept;
  void accept_all() noexcept;
  void arm(int op, int fd, std::uint32_t events, void* what) noexcept;

  const options& how_;
  driver& driver_;
  int epoll_;
  int wake_;
  int listener_ = -1;
  std::atomic<bool> listening_{false};
  std::atomic<bool> out_of_descriptors_{false};
  std::uint16_t port_ = 0;
  std::vector<std::thread> threads_;
  accept_again retry_{*this};
};

}  // namespace hangup::http
