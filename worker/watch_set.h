// The descriptors that the tasks of one lane wait for: an epoll set. Several tasks may wait for the
// same one.
//
// An event names the descriptor, and not who waits for it. So it reaches those that wait when it is
// told, also if the descriptor has meanwhile been closed and its number is that of another file:
// who waited for the closed one leaves, and the others stay.
//
// All functions belong to the lane's thread, except not_looked_at(). Waiting allocates nothing once
// the set has room for the number.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <system_error>
#include <vector>

#include "hangup/context/detail/executor.h"

namespace hangup::tree {

class watch_set {
 public:
  // Throws std::system_error if a descriptor cannot be made.
  watch_set();
  ~watch_set();
  watch_set(const watch_set&) = delete;
  watch_set& operator=(const watch_set&) = delete;

  // See executor. The error may also be that there is no memory.
  std::error_code watch(watched& w, int fd, short events) noexcept;
  void unwatch(watched& w) noexcept;
  bool is_empty() const noexcept { return watching_ == 0; }

  // Waits until something happens, ring() has been called or the time has passed; then tell() calls
  // watched::happened() for what has.
  void wait(std::chrono::nanoseconds time) noexcept;
  void tell() noexcept;
  void ring() const noexcept;  // any thread

  // Calls watched::not_looked_at() for those that wait, from the descriptor `from` on, and moves
  // that on. Returns false if it has seen enough of them for one call; call again. Any thread.
  bool not_looked_at(std::size_t& from) noexcept;

 private:
  static constexpr std::size_t events_at_once = 64;

  static short meant(const watched& w, short events) noexcept;  // those that it waits for
  std::error_code hear(int fd) noexcept;
  watched* take(std::size_t fd, short events) noexcept;

  const int epoll_;
  const int bell_;
  std::array<epoll_event, events_at_once> events_{};
  std::size_t happened_ = 0;  // how many of these are to be told
  std::size_t watching_ = 0;
  // Held while not_looked_at() is called, and for what changes the lists.
  std::mutex mutex_;
  std::vector<watched*> first_;  // by descriptor
};

}  // namespace hangup::tree
