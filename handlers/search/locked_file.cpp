#include "handlers/search/locked_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "hangup/context/wait.h"

namespace hangup {
namespace {

using namespace std::chrono_literals;

std::error_code last_error() noexcept {
  return {errno, std::generic_category()};
}

}  // namespace

locked_file::~locked_file() {
  close();
}

std::error_code locked_file::open(const context& ctx, const std::string& path) {
  for (;;) {
    close();
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) {
      return last_error();
    }
    if (const auto ec = lock(ctx)) {
      return ec;
    }
    struct stat here {};
    struct stat there {};
    if (::fstat(fd_, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
        here.st_ino == there.st_ino && here.st_dev == there.st_dev) {
      return {};
    }
  }
}

// flock(2) has no descriptor to poll, and a blocking call would not notice the end of the context.
std::error_code locked_file::lock(const context& ctx) const {
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return last_error();
    }
    if (const std::error_code ended = sleep_for(ctx, 50ms)) {
      return ended;
    }
  }
  return {};
}

void locked_file::close() noexcept {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

}  // namespace hangup
