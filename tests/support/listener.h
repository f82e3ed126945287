// Sockets of the test's own that listen: on a free port of loopback, or on a path.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace hangup::test {

class listener {
 public:
  // `backlog`: of connections that nobody has accepted, as of listen(2).
  explicit listener(int backlog = 16) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    static_cast<void>(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size));
    ::listen(fd_, backlog);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  ~listener() { ::close(fd_); }
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  int fd() const noexcept { return fd_; }
  std::uint16_t port() const noexcept { return port_; }

 private:
  const int fd_;
  std::uint16_t port_ = 0;
};

// Leaves its file behind, as a server does that was killed.
class unix_listener {
 public:
  // `backlog`: as above; below 0 it is bound and does not listen.
  explicit unix_listener(const std::string& path, int backlog = 16)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    static_cast<void>(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at));
    if (backlog >= 0) {
      ::listen(fd_, backlog);
    }
  }
  ~unix_listener() { ::close(fd_); }
  unix_listener(const unix_listener&) = delete;
  unix_listener& operator=(const unix_listener&) = delete;

  int fd() const noexcept { return fd_; }

 private:
  const int fd_;
};

}  // namespace hangup::test
