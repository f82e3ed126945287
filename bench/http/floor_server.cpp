// The floor: what a server cannot be faster than. One thread, a bare epoll loop, no HTTP library.
// /healthz is a constant; of a /query/sim only the moment is noted at which the kernel said that
// the client has left (CLOCK_MONOTONIC). Reads requests whose head comes in one piece, as those of
// the benchmark do, and nothing else: it is no server. The two pages are in the form of hangup's.
//
//   floor_server PORT
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr std::string_view healthy =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";

std::int64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

struct ended {
  std::string id;
  std::int64_t at;
};

class loop {
 public:
  explicit loop(int port)
      : epoll_(::epoll_create1(0)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    const int one = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // handed down
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(listener_, 4096) != 0) {
      std::perror("floor_server");
      std::exit(1);
    }
    watch(listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < n; ++i) {
        const auto& ev = events[static_cast<std::size_t>(i)];
        if (ev.data.fd == listener_) {
          accept_all();
        } else if ((ev.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
          left(ev.data.fd);
        } else {
          read(ev.data.fd);
        }
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t events) {
    epoll_event ev{};
    ev.events = events;
    ev.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &ev);
  }

  void accept_all() {
    int fd = 0;
    while ((fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
      if (ids_.size() <= static_cast<std::size_t>(fd)) {
        ids_.resize(static_cast<std::size_t>(fd) + 1);
      }
      watch(fd, EPOLLIN | EPOLLRDHUP);
    }
  }

  void left(int fd) {
    auto& id = ids_[static_cast<std::size_t>(fd)];
    if (!id.empty()) {
      ended_.push_back({std::move(id), now_ns()});
      id.clear();
      --in_flight_;
    }
    ::close(fd);
  }

  void read(int fd) {
    std::array<char, 4096> data;
    const auto n = ::recv(fd, data.data(), data.size(), 0);
    if (n <= 0) {
      left(fd);
      return;
    }
    const std::string_view head(data.data(), static_cast<std::size_t>(n));
    if (head.starts_with("GET /healthz ")) {
      send(fd, healthy);
    } else if (head.starts_with("GET /query/sim")) {
      constexpr std::string_view name = "X-Request-Id: ";
      const auto from = head.find(name);
      if (from != head.npos) {
        const auto value = head.substr(from + name.size());
        ids_[static_cast<std::size_t>(fd)] = value.substr(0, value.find('\r'));
        ++in_flight_;
      }
    } else if (head.starts_with("GET /metrics ")) {
      answer(fd, "hangup_requests_in_flight{route=\"/query/sim\"} " + std::to_string(in_flight_) +
                     "\n");
    } else {
      answer(fd, page());
    }
  }

  std::string page() const {
    std::string text = "{\"ended\":[";
    for (const auto& e : ended_) {
      const auto at = std::to_string(e.at);
      text.append(text.back() == '[' ? "" : ",").append("{\"id\":\"").append(e.id);
      text.append("\",\"end\":\"client_closed\",\"work_stopped_ns\":").append(at);
      text.append(",\"ended_ns\":").append(at).append("}");
    }
    return text + "]}\n";
  }

  static void send(int fd, std::string_view text) {
    while (!text.empty()) {
      const auto n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  // The pages are longer than a socket takes at once, and are not measured: here it may block.
  static void answer(int fd, const std::string& body) {
    const int flags = ::fcntl(fd, F_GETFL);
    ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body);
    ::shutdown(fd, SHUT_WR);
    ::fcntl(fd, F_SETFL, flags);
  }

  const int epoll_;
  const int listener_;
  std::vector<std::string> ids_;  // by descriptor; empty: no request is in flight
  std::vector<ended> ended_;
  long in_flight_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 2 ? std::atoi(argv[1]) : 0;
  if (port <= 0) {
    std::fprintf(stderr, "usage: floor_server PORT\n");
    return 2;
  }
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  loop(port).run();
}
