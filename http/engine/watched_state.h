// What the connections of one watched_connections share: the watcher, and the context that ends
// when the server stops. Not for users.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <optional>

#include "hangup/context/after_func.h"
#include "hangup/context/context.h"
#include "hangup/http/detail/watched_connections.h"
#include "http/departure/watcher.h"
#include "http/net/descriptor.h"

namespace hangup::http::detail {

class watched_connections::state {
 public:
  state() = default;
  ~state();
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  void listens_at(int fd);
  // Ends with the server, as it listens now.
  context server();
  watcher& ears() noexcept { return ears_; }

 private:
  struct ring {
    state* of;
    void operator()() const noexcept { of->stopped(); }
  };
  // A copy of the descriptor that the server listens at. Without it the descriptor could be closed
  // before its shutdown is reported.
  struct listening {
    descriptor copy;
    ino_t inode = 0;
    cancelable server = with_cancel(background());  // the parent of all requests
    cancelable shut = with_cancel(background());    // ended by the watcher, as that of a client is
    std::optional<after_func<ring>> on_shut{};
  };

  void stopped() noexcept;                     // on the watcher's thread
  std::shared_ptr<listening> take() noexcept;  // stops listening to it
  static void end(const std::shared_ptr<listening>& was) noexcept;

  watcher ears_;
  std::mutex mutex_;
  std::shared_ptr<listening> at_;  // null: the server does not listen
};

}  // namespace hangup::http::detail
