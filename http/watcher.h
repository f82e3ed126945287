// Hears the hang-ups. One thread, one epoll set, nothing else: each connection is registered once,
// with EPOLLRDHUP | EPOLLET and never EPOLLIN, so nothing is ever read here and bytes that nobody
// has read (a body, a pipelined request, one stray byte) cannot hide that the client has left. FIN
// is EPOLLRDHUP alone; RST adds EPOLLHUP; a peer that stopped answering adds ETIMEDOUT. Known
// limit: a FIN behind data that does not fit the receive window has not arrived yet.
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
#include <vector>

#include "context/context.h"

namespace hangup::http {

// How a client has left.
enum class departure : std::uint8_t { none, closed, reset, vanished };

cause_kind cause_of(departure how) noexcept;

class watcher {
 public:
  // Starts the thread. `descriptors` bounds the numbers of the descriptors that can be watched.
  explicit watcher(std::size_t descriptors);
  ~watcher();
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;

  std::error_code watch(int fd);
  // Before the descriptor is closed (which takes it out of the epoll set).
  void forget(int fd) noexcept;

  // Publishes the context that a hang-up ends. If the client has left already, says how: the
  // context is then the caller's to end.
  departure begin(int fd, const context& ctx);
  // How the client has left, for whoever has found by itself that it has (a read of 0 bytes, a
  // write that failed): the same answer as the watcher's, whichever of the two comes first.
  departure look(int fd) noexcept;
  // Unpublishes it: no hang-up ends it any more.
  void over(int fd) noexcept;
  // From now on what this descriptor reports is our own doing: shutdown(2) raises RDHUP too.
  void mute(int fd) noexcept;

 private:
  struct slot {
    std::mutex mutex;
    std::uint32_t generation = 0;
    bool muted = true;
    departure gone = departure::none;
    std::optional<context> current;
  };
  static constexpr std::size_t block_size = 1024;

  slot& at(int fd) const noexcept;
  void run();
  void heard(int fd, std::uint32_t generation, std::uint32_t events);

  int epoll_;
  int wake_;
  std::vector<std::atomic<slot*>> blocks_;  // made on demand: most numbers are never used
  std::mutex growing_;
  std::thread thread_;
};

}  // namespace hangup::http
