// How many look at the events of requests, and whether events are made: from the first viewer on,
// until some seconds after the last has left. Somebody must count the seconds for it meanwhile, and
// begins and ends together with them.
//
// Thread-safe. Who comes and the second that finds nobody decide under one lock: either the one who
// comes is seen, or it is told to begin anew.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

namespace hangup::server {

class viewer_count {
 public:
  // These are called under the lock, so they must not call this object.
  struct calls {
    // Begins to call another_second() once a second, until that is the last. False: it cannot.
    std::function<bool()> count_seconds;
    std::function<void(bool)> look;  // whether events are to be made
  };
  // `kept_for`: how many seconds after the last viewer events are still made.
  viewer_count(std::int64_t kept_for, calls to) : kept_for_(kept_for), to_(std::move(to)) {}

  // One more. Returns the epoch: it is another after events were not made for a time, and stays the
  // same as long as there is a viewer.
  std::uint64_t come();
  void leave() noexcept;

  // Last: nobody counts seconds from now on, and this may be destroyed.
  enum class second { watched, kept, last };
  second another_second();
  // Nobody counts them any more. This may be destroyed when it has returned.
  void seconds_over() noexcept;
  // Until nobody counts seconds.
  void await_last();

  std::size_t now() const noexcept { return viewers_.load(std::memory_order_relaxed); }

 private:
  const std::int64_t kept_for_;
  const calls to_;
  std::atomic<std::size_t> viewers_{0};  // changed under mutex_
  std::mutex mutex_;                     // guards the rest
  std::condition_variable over_;
  bool counts_ = false;
  std::int64_t without_viewers_ = 0;  // seconds
  std::uint64_t epoch_ = 1;
};

}  // namespace hangup::server
