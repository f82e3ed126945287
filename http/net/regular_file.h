// Checks a path before it is passed to a library that opens it. Not for users.
#pragma once

#include <sys/stat.h>

namespace hangup::http {

// Returns true if the path exists and is not a regular file. open(2) may block on such a path (on a
// FIFO until somebody opens its other end), and that wait could not be interrupted. Returns false
// if the path does not exist or cannot be looked at, because open(2) then reports why. Follows
// symbolic links.
inline bool is_not_regular_file(const char* path) noexcept {
  struct stat found {};
  return ::stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

}  // namespace hangup::http
