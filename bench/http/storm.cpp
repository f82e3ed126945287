#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "bench/http/modes.h"

namespace bench {
namespace {

// Connects `count` times and sends each its request, some at a time: more than the server's backlog
// would have to be sent again. Calls `then(fd)` for what comes back, where something is awaited.
class crowd {
 public:
  crowd(int port, int count, bool answered) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    constexpr int at_a_time = 256;
    std::array<epoll_event, 256> events;
    int asked = 0;
    for (int over = 0; over < count;) {
      for (; asked < count && asked - over < at_a_time; ++asked) {
        fds_.push_back(connect_to(port, false));
        watch(EPOLL_CTL_ADD, fds_.back(), EPOLLOUT);
      }
      const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 30'000);
      if (n <= 0) {
        throw std::runtime_error("the server does not take the connections");
      }
      for (int i = 0; i < n; ++i) {
        const auto& ev = events[static_cast<std::size_t>(i)];
        if ((ev.events & EPOLLOUT) != 0) {
          const auto id = "s-" + std::to_string(ev.data.fd);
          send_all(ev.data.fd,
                   answered ? request("/healthz", id, true) : request(waits_on("/query/sim"), id));
          watch(EPOLL_CTL_MOD, ev.data.fd, answered ? EPOLLIN : 0U);
          over += answered ? 0 : 1;
        } else {
          std::array<char, 4096> answer;
          if (::recv(ev.data.fd, answer.data(), answer.size(), 0) <= 0) {
            throw std::runtime_error("the server has closed a connection");
          }
          watch(EPOLL_CTL_MOD, ev.data.fd, 0);
          ++over;
        }
      }
    }
  }
  ~crowd() {
    leave();
    ::close(epoll_);
  }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

  // On connections that have been answered.
  void ask(const std::string& route) const {
    for (const int fd : fds_) {
      send_all(fd, request(waits_on(route), "s-" + std::to_string(fd)));
    }
  }
  void leave() noexcept {
    for (const int fd : fds_) {
      ::close(fd);
    }
    fds_.clear();
  }
  const std::vector<int>& fds() const noexcept { return fds_; }

 private:
  static std::string waits_on(const std::string& route) {
    return route + "?rows=1&row_ms=600000&stream=0";
  }

  void watch(int op, int fd, std::uint32_t events) const noexcept {
    epoll_event ev{};
    ev.events = events;
    ev.data.fd = fd;
    ::epoll_ctl(epoll_, op, fd, &ev);
  }

  const int epoll_;
  std::vector<int> fds_;
};

double in_ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

// All leave, and their work ends.
json leaves(const target& at, crowd& all, const std::string& route) {
  std::vector<std::string> ids;
  for (const int fd : all.fds()) {
    ids.push_back("s-" + std::to_string(fd));
  }
  const auto cpu = cpu_ns(at.pid);
  const auto first = now_ns();
  all.leave();
  const auto last = now_ns();
  await_rest(at.pid);  // its clock is read meanwhile, and it is asked for nothing
  const auto used = cpu_ns(at.pid) - cpu;
  await_in_flight(at.port, route, 0);

  const auto found = stops(at.port, ids.size() + 100);
  std::int64_t zero = 0;
  int missing = 0;
  for (const auto& id : ids) {
    const auto it = found.find(id);
    if (it == found.end()) {
      ++missing;
    } else {
      zero = std::max(zero, it->second.ended);
    }
  }
  return {{"zero_from_first_ms", in_ms(zero - first)},
          {"zero_from_last_ms", in_ms(zero - last)},
          {"cpu_ms", in_ms(used)},
          {"missing", missing}};
}

}  // namespace

json storm(const target& at, int count) {
  static_cast<void>(get(at.port, "/metrics"));  // what the first answer takes is not measured
  await_rest(at.pid);
  const auto rss = rss_kib(at.pid);
  crowd all(at.port, count, false);
  await_in_flight(at.port, "/query/sim", count);
  await_rest(at.pid);
  const auto held = rss_kib(at.pid) - rss;
  auto got = leaves(at, all, "/query/sim");
  got["kib_per_request"] = static_cast<double>(held) / count;
  return got;
}

json waiting(const target& at, const std::string& route, int count) {
  static_cast<void>(get(at.port, "/metrics"));
  await_rest(at.pid);
  const auto rss = rss_kib(at.pid);
  crowd all(at.port, count, true);
  await_rest(at.pid);
  const auto idle = rss_kib(at.pid);
  all.ask(route);
  await_in_flight(at.port, route, count);
  await_rest(at.pid);
  const auto held = rss_kib(at.pid) - idle;
  auto got = leaves(at, all, route);
  got["kib_per_connection"] = static_cast<double>(idle - rss) / count;
  got["kib_per_request"] = static_cast<double>(held) / count;
  return got;
}

json idle(const target& at, int count) {
  static_cast<void>(get(at.port, "/metrics"));
  await_rest(at.pid);
  const auto rss = rss_kib(at.pid);
  const crowd all(at.port, count, true);
  await_rest(at.pid);
  return {{"kib_per_connection", static_cast<double>(rss_kib(at.pid) - rss) / count}};
}

}  // namespace bench
