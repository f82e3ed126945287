// Lets a test that is run by root meet files that may not be read or written.
#pragma once

#include <sys/fsuid.h>
#include <unistd.h>

namespace hangup::test {

// While it exists, this thread may do with files what nobody special may.
class nobody {
 public:
  nobody() : was_root_(::geteuid() == 0) {
    if (was_root_) {
      ::setfsgid(65534);
      ::setfsuid(65534);
    }
  }
  ~nobody() {
    if (was_root_) {
      ::setfsuid(0);
      ::setfsgid(0);
    }
  }
  nobody(const nobody&) = delete;
  nobody& operator=(const nobody&) = delete;

 private:
  const bool was_root_;
};

}  // namespace hangup::test
