// File descriptors and the errors of system calls.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace hangup::http {

// What errno says of the system call just made.
inline std::error_code last_error() noexcept {
  return {errno, std::generic_category()};
}

// Owns a file descriptor and closes it when destroyed. Move-only, not thread-safe.
class descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  // Takes over the result of a system call. If that is not a descriptor, throws std::system_error
  // with errno and this text.
  static descriptor made(int fd, const char* what) {
    if (fd < 0) {
      throw std::system_error(errno, std::generic_category(), what);
    }
    return descriptor(fd);
  }

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace hangup::http
