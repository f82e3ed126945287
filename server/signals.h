// The signals of the process, as something to wait for.
//
//   SIGTERM, SIGINT   the first asks it to stop, the second to hurry, the third ends it on the spot
//   SIGHUP            asks it to read again what can be read again
//   SIGCHLD           a child has ended: as process 1, or for a parent that ran a program in its
//   place, it
//                     gets children that it never started, and reaps them
#pragma once

#include <csignal>
#include <optional>

#include "context/context.h"

namespace hangup::server {

class signals {
 public:
  // Blocks them, for this thread and those that it makes: so before any other. From here on none of
  // them ends the process. SIGPIPE is ignored. std::system_error if there is no descriptor.
  signals();
  ~signals();
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

  // The next one but for SIGCHLD, which it deals with itself; none when the context has ended.
  std::optional<int> next(const context& ctx) const;

 private:
  sigset_t set_{};
  int fd_ = -1;
};

// Ends the process as the signal would have done without the class above; 128 + n where it would
// have done nothing, as with process 1.
[[noreturn]] void die_of(int signal) noexcept;

}  // namespace hangup::server
