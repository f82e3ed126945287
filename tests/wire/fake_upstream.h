// A server that does to those who ask it what the test says, byte by byte, and knows when they have
// left.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hangup::test {

// An accepted connection.
class asker {
 public:
  explicit asker(int fd) : fd_(fd) {}
  // The head of the request, "" if it does not come.
  std::string head() const {
    std::string text;
    char c = 0;
    while (text.find("\r\n\r\n") == std::string::npos && ::recv(fd_, &c, 1, 0) == 1) {
      text.push_back(c);
    }
    return text;
  }
  // False: the other end has gone.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Returns when the other end has closed, or after a long time: false.
  bool leaves() const {
    pollfd p{fd_, POLLRDHUP, 0};
    return ::poll(&p, 1, 20'000) == 1;
  }
  void reset() const {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

 private:
  int fd_;
};

class fake_upstream {
 public:
  using clock = std::chrono::steady_clock;
  using script = std::function<void(const asker&)>;  // then the connection is closed

  explicit fake_upstream(script answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    ::listen(listener_, 16);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~fake_upstream() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  fake_upstream(const fake_upstream&) = delete;
  fake_upstream& operator=(const fake_upstream&) = delete;

  std::string url(const std::string& scheme = "http") const {
    return scheme + "://127.0.0.1:" + std::to_string(port_);
  }
  // Waits for so many connections to have been accepted, or to be over.
  bool accepted(int count) { return await(accepted_, count); }
  bool over(int count) { return await(over_, count); }

 private:
  bool await(const int& of, int count) {
    std::unique_lock hold(mutex_);
    return changed_.wait_for(hold, std::chrono::seconds(20), [&] { return of >= count; });
  }
  void add(int& to) {
    const std::lock_guard hold(mutex_);
    ++to;
    changed_.notify_all();
  }
  void serve() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      add(accepted_);
      answer_(asker(fd));
      ::close(fd);
      add(over_);
    }
  }

  const script answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  int accepted_ = 0;
  int over_ = 0;
  std::thread thread_;
};

// A port that no connection to ever comes about: its queue is full.
class black_hole {
 public:
  black_hole() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    ::listen(listener_, 0);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    for (int i = 0; i < 4; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
      pollfd p{fd, POLLOUT, 0};
      ::poll(&p, 1, 100);
      filling_.push_back(fd);
    }
  }
  ~black_hole() {
    for (const int fd : filling_) {
      ::close(fd);
    }
    ::close(listener_);
  }
  black_hole(const black_hole&) = delete;
  black_hole& operator=(const black_hole&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::vector<int> filling_;
};

}  // namespace hangup::test
