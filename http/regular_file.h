// Whether a path may be given to a library that opens it for itself. Not for users.
#pragma once

#include <sys/stat.h>

namespace hangup::http {

// True: there is something at the path, and it is not a regular file. To open(2) it may block, as a
// FIFO does until somebody opens its other end, and nothing could end that wait. False also if
// there is nothing, or it cannot be looked at: then open(2) says what is wrong. Follows symbolic
// links.
inline bool is_not_regular_file(const char* path) noexcept {
  struct stat found {};
  return ::stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

}  // namespace hangup::http
