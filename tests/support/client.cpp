#include "tests/support/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>

namespace hangup::test {

std::string get(std::string_view path, std::string_view headers) {
  std::string text = "GET ";
  return text.append(path)
      .append(" HTTP/1.1\r\nHost: localhost\r\n")
      .append(headers)
      .append("\r\n");
}

std::string post(std::string_view path, std::string_view body, std::string_view headers) {
  std::string text = "POST ";
  text.append(path).append(" HTTP/1.1\r\nHost: localhost\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n").append(headers).append("\r\n");
  return text.append(body);
}

std::string part_of_body(std::string_view path, std::size_t length, std::size_t sent) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
         std::string(sent, 'x');
}

std::string answer::header(std::string_view name) const {
  std::string found;
  for (const auto& [key, value] : headers) {
    if (key == name) {
      found = found.empty() ? value : "twice";
    }
  }
  return found;
}

client::client(std::uint16_t port, int receive_buffer, const char* from)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (from != nullptr) {
    sockaddr_in source{};
    source.sin_family = AF_INET;
    ::inet_pton(AF_INET, from, &source.sin_addr);
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source);
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

client::client(std::uint16_t port, over_v6)
    : fd_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(port);
  to.sin6_addr = in6addr_loopback;
  connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

client::client(const over_unix& to) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  to.path.copy(at.sun_path, sizeof at.sun_path - 1);
  auto size = static_cast<socklen_t>(sizeof at);
  if (to.path.starts_with('@')) {
    at.sun_path[0] = '\0';
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + to.path.size());
  }
  connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&at), size) == 0;
}

client::client(client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      connected_(other.connected_),
      how_(other.how_),
      in_(std::move(other.in_)) {}

std::uint16_t client::local_port() const noexcept {
  sockaddr_in here{};
  socklen_t size = sizeof here;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
  return ntohs(here.sin_port);
}

bool client::send(std::string_view bytes) {
  const auto limit = now() + patience;
  while (!bytes.empty()) {
    const auto n = put(bytes);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EAGAIN || !wait_for(POLLOUT, limit)) {
      return false;
    }
  }
  return true;
}

std::size_t client::send_some(std::string_view bytes) {
  const auto n = put(bytes);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

bool client::send_urgent(std::string_view bytes) {
  return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_OOB) ==
         static_cast<ssize_t>(bytes.size());
}

void client::close() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

void client::reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

answer client::receive(bool to_head) {
  answer a;
  const auto limit = now() + patience;
  std::size_t end = 0;
  while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
    if (!more(limit)) {
      return a;
    }
  }
  if (!parse_head(std::string_view(in_).substr(0, end + 2), a)) {
    return {};
  }
  in_.erase(0, end + 4);
  if (to_head || a.status / 100 == 1 || a.status == 204 || a.status == 304) {
    a.whole = true;
  } else if (a.header("transfer-encoding") == "chunked") {
    a.whole = a.header("content-length").empty() && read_chunks(a.body, limit);
  } else if (const auto length = a.header("content-length"); !length.empty()) {
    std::size_t size = 0;
    const auto [stop, ec] = std::from_chars(length.data(), length.data() + length.size(), size);
    const bool number = ec == std::errc{} && stop == length.data() + length.size();
    a.whole = number && cut(size, a.body, limit);
  } else {
    while (more(limit)) {
    }
    a.whole = how_ == ending::fin;
    a.body = std::exchange(in_, {});
  }
  return a;
}

answer client::ask(std::string_view request) {
  EXPECT_TRUE(send(request));
  return receive();
}

std::size_t client::flood(std::string_view bytes, std::chrono::milliseconds quiet) {
  std::size_t all = 0;
  while (wait_for(POLLOUT, now() + quiet)) {
    const auto n = send_some(bytes);
    if (n == 0 && errno != EAGAIN) {
      break;
    }
    all += n;
  }
  return all;
}

bool client::receive_bytes(std::size_t count) {
  const auto limit = now() + patience;
  while (in_.size() < count) {
    if (!more(limit)) {
      return false;
    }
  }
  return true;
}

std::string client::receive_until(std::string_view text) {
  const auto limit = now() + patience;
  std::size_t at = 0;
  std::size_t looked_at = 0;  // it begins behind these bytes
  while ((at = in_.find(text, looked_at)) == std::string::npos) {
    looked_at = in_.size() - std::min(in_.size(), text.size());
    if (!more(limit)) {
      return {};
    }
  }
  const auto all = in_.substr(0, at + text.size());
  in_.erase(0, all.size());
  return all;
}

std::string client::receive_rest() {
  const auto limit = now() + patience;
  while (more(limit)) {
  }
  return std::exchange(in_, {});
}

ssize_t client::put(std::string_view bytes) {
  return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool client::wait_for(short events, clock::time_point limit) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - now());
    pollfd p{fd_, events, 0};
    const int n = ::poll(&p, 1, std::max(0, static_cast<int>(left.count())));
    if (n >= 0 || errno != EINTR) {
      return n > 0;
    }
  }
}

bool client::more(clock::time_point limit) {
  std::array<char, 64 * 1024> buffer;
  ssize_t n = -1;
  do {
    if (how_ != ending::none || !wait_for(POLLIN, limit)) {
      return false;
    }
    n = take(buffer.data(), buffer.size());
  } while (n < 0 && errno == EAGAIN);
  if (n > 0) {
    in_.append(buffer.data(), static_cast<std::size_t>(n));
    return true;
  }
  how_ = n == 0 ? ending::fin : ending::reset;
  return false;
}

bool client::cut(std::size_t size, std::string& to, clock::time_point limit) {
  while (in_.size() < size && more(limit)) {
  }
  const auto n = std::min(size, in_.size());
  to.append(in_, 0, n);
  in_.erase(0, n);
  return n == size;
}

bool client::read_chunks(std::string& body, clock::time_point limit) {
  for (;;) {
    std::size_t end = 0;
    while ((end = in_.find("\r\n")) == std::string::npos) {
      if (!more(limit)) {
        return false;
      }
    }
    std::size_t size = 0;
    const auto [stop, ec] = std::from_chars(in_.data(), in_.data() + end, size, 16);
    if (ec != std::errc{} || stop != in_.data() + end) {
      return false;
    }
    in_.erase(0, end + 2);
    std::string line_end;
    if (!cut(size, body, limit) || !cut(2, line_end, limit) || line_end != "\r\n") {
      return false;
    }
    if (size == 0) {
      return true;
    }
  }
}

bool client::parse_head(std::string_view head, answer& a) {
  const auto line = head.substr(0, head.find("\r\n"));
  if (line.size() < 12 || line.substr(0, 9) != "HTTP/1.1 ") {
    return false;
  }
  std::from_chars(line.data() + 9, line.data() + 12, a.status);
  head.remove_prefix(line.size() + 2);
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    const auto colon = head.find(": ");
    if (colon == std::string_view::npos || colon > end) {
      return false;
    }
    std::string name(head.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    a.headers.emplace_back(std::move(name), head.substr(colon + 2, end - colon - 2));
    head.remove_prefix(end + 2);
  }
  return a.status >= 100;
}

}  // namespace hangup::test
