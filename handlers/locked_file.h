// A file that one process at a time works with.
#pragma once

#include <string>
#include <system_error>

#include "context/context.h"

namespace hangup {

// An open file with an exclusive flock(2) on it; destroying it gives both back. Not thread-safe.
class locked_file {
 public:
  locked_file() = default;
  ~locked_file();
  locked_file(const locked_file&) = delete;
  locked_file& operator=(const locked_file&) = delete;

  // Makes the file if it is not there. Waits while another process has the lock; who had it may
  // have renamed or removed the file, and then it is made anew: what is locked is what has the name
  // now. ctx.err() if the context ends first, or the system's error. A second call lets go first.
  std::error_code open(const context& ctx, const std::string& path);

  int get() const noexcept { return fd_; }  // -1: not open

 private:
  std::error_code lock(const context& ctx) const;
  void close() noexcept;

  int fd_ = -1;
};

}  // namespace hangup
