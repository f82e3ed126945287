// The event loops of a server. Each has an epoll set and threads of its own, and a connection stays
// with the loop that it was given to. One loop is enough for a few cores: whichever of its threads
// is free takes the next event. With many cores its epoll set would be what all of them wait for;
// several loops share nothing but the accepting, which the first one does, and deals the
// connections out in turn. Not for users.
#pragma once

#include <atomic>
#include <memory>
#include <system_error>
#include <vector>

#include "hangup/http/options.h"
#include "http/net/event_loop.h"
#include "http/net/listener.h"

namespace hangup::http {

class event_loops {
 public:
  // options::front_loops loops, with options::front_threads threads in all, but at least one each.
  // Throws std::system_error if a descriptor cannot be made.
  event_loops(const options& how, event_loop::driver& d);

  // Starts the threads; from now on connections to these sockets are accepted. After an error no
  // thread is running. Once.
  std::error_code start(listener on);
  // Ends and joins the threads of all loops.
  void stop() noexcept;

  // The loop that has the sockets.
  event_loop& accepting() noexcept { return *all_.front(); }
  const event_loop& accepting() const noexcept { return *all_.front(); }
  // The loop for the next connection. Thread-safe.
  event_loop& next() noexcept {
    return *all_[next_.fetch_add(1, std::memory_order_relaxed) % all_.size()];
  }

 private:
  std::vector<std::unique_ptr<event_loop>> all_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace hangup::http
