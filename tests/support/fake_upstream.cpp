#include "tests/support/fake_upstream.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "tests/support/patience.h"

namespace hangup::test {

std::string asker::head() const {
  std::string text;
  char c = 0;
  while (text.find("\r\n\r\n") == std::string::npos && ::recv(fd_, &c, 1, 0) == 1) {
    text.push_back(c);
  }
  return text;
}

bool asker::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool asker::leaves() const {
  pollfd p{fd_, POLLRDHUP, 0};
  return ::poll(&p, 1, static_cast<int>(patience.count())) == 1;
}

void asker::reset() const {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

fake_upstream::fake_upstream(script answer)
    : answer_(std::move(answer)), fd_(listener_.fd()), thread_([this] { serve(); }) {}

fake_upstream::fake_upstream(script answer, int fd)
    : answer_(std::move(answer)), fd_(fd), thread_([this] { serve(); }) {}

fake_upstream::~fake_upstream() {
  ::shutdown(fd_, SHUT_RDWR);
  thread_.join();
}

bool fake_upstream::await(const int& of, int count) {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, patience, [&] { return of >= count; });
}

void fake_upstream::add(int& to) {
  const std::lock_guard hold(mutex_);
  ++to;
  changed_.notify_all();
}

void fake_upstream::serve() {
  for (;;) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    add(accepted_);
    answer_(asker(fd));
    ::close(fd);
    add(over_);
  }
}

black_hole::black_hole() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(listener_.port());
  for (int i = 0; i < 4; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    pollfd p{fd, POLLOUT, 0};
    ::poll(&p, 1, 100);
    filling_.push_back(fd);
  }
}

black_hole::~black_hole() {
  for (const int fd : filling_) {
    ::close(fd);
  }
}

}  // namespace hangup::test
