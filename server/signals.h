// Waits for the signals of the process.
//
//   SIGTERM, SIGINT, SIGQUIT   the first asks the process to stop, the second to hurry, the third
//                              ends it
//   SIGHUP                     asks it to reload what can be reloaded
//   SIGCHLD                    a child has ended. Children that it has not started itself are
//                              reaped: it gets them as process 1, or from a program that ran before
//                              it in the same process
#pragma once

#include <csignal>
#include <optional>

#include "hangup/context/context.h"

namespace hangup::server {

class signals {
 public:
  // Blocks these signals for this thread and all threads that it makes, so it must come before any
  // other thread. From then on none of them ends the process. SIGPIPE and SIGXFSZ are ignored.
  // Throws std::system_error if no descriptor can be made.
  signals();
  ~signals();
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

  // Waits for the next signal other than SIGCHLD, which it handles itself. Returns nullopt when the
  // context has ended.
  std::optional<int> next(const context& ctx) const;

 private:
  sigset_t set_{};
  int fd_ = -1;
};

// Ends the process as the signal would have ended it without this class. If the signal would have
// done nothing, as for process 1, exits with 128 + n.
[[noreturn]] void die_of(int signal) noexcept;

}  // namespace hangup::server
