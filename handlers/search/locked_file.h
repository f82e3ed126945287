// A file that only one process uses at a time.
#pragma once

#include <string>
#include <system_error>

#include "hangup/context/context.h"

namespace hangup {

// An open file with an exclusive flock(2). The destructor releases the lock and closes the file.
// Not thread-safe.
class locked_file {
 public:
  locked_file() = default;
  ~locked_file();
  locked_file(const locked_file&) = delete;
  locked_file& operator=(const locked_file&) = delete;

  // Opens the file, creating it if needed. Waits while another process holds the lock. If that
  // process has renamed or removed the file, it is created again, so that the locked file is the
  // one that has this name now. Returns ctx.err() if the context ends first, or the system's error.
  // A second call first releases the previous file.
  std::error_code open(const context& ctx, const std::string& path);

  int get() const noexcept { return fd_; }  // -1: not open

 private:
  std::error_code lock(const context& ctx) const;
  void close() noexcept;

  int fd_ = -1;
};

}  // namespace hangup
