#include "bench/http/wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <fstream>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::int64_t ms = 1'000'000;

[[noreturn]] void failed(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::int64_t read_clock(clockid_t id) {
  timespec t{};
  if (::clock_gettime(id, &t) != 0) {
    failed("clock_gettime");
  }
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

std::int64_t now_ns() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void sleep_until(std::int64_t at_ns) noexcept {
  const timespec at{at_ns / 1'000'000'000, at_ns % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

int connect_to(int port, bool waits) {
  static std::uint32_t turn = 0;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);
  if (fd < 0) {
    failed("socket");
  }
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn++ % 8);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) {
    failed("bind");
  }
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 && errno != EINPROGRESS) {
    failed("connect");
  }
  return fd;
}

std::string request(const std::string& path, const std::string& id, bool keep) {
  return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: " + id + "\r\n" +
         (keep ? "\r\n" : "Connection: close\r\n\r\n");
}

void send_all(int fd, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const auto n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) {
      failed("send");
    }
    sent += static_cast<std::size_t>(n);
  }
}

void hang_up(int fd, leaving how) noexcept {
  if (how == leaving::rst) {
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  ::close(fd);
}

std::string get(int port, const std::string& path) {
  const int fd = connect_to(port);
  const timeval patience{30, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  send_all(fd, request(path, "bench-page"));
  std::string text;
  std::array<char, 65536> some;
  for (ssize_t n = 0; (n = ::recv(fd, some.data(), some.size(), 0)) != 0;) {
    if (n < 0) {
      failed("GET " + path);
    }
    text.append(some.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  const auto head = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 200") || head == text.npos) {
    throw std::runtime_error("GET " + path + ": " + text.substr(0, text.find('\r')));
  }
  // Go sends a large page in chunks. JSON and numbers are told from their sizes by who needs it.
  std::string body = text.substr(head + 4);
  if (text.substr(0, head).find("chunked") == text.npos) {
    return body;
  }
  std::string whole;
  for (std::size_t at = 0; at < body.size();) {
    const auto size = std::stoul(body.substr(at, 16), nullptr, 16);
    at = body.find("\r\n", at) + 2;
    whole.append(body, at, size);
    at += size + 2;
    if (size == 0) {
      break;
    }
  }
  return whole;
}

long in_flight(int port, const std::string& route) {
  const auto page = get(port, "/metrics");
  const auto name = "hangup_requests_in_flight{route=\"" + route + "\"} ";
  const auto at = page.find(name);
  return at == page.npos ? 0 : static_cast<long>(std::stod(page.substr(at + name.size(), 32)));
}

void await_in_flight(int port, const std::string& route, long count) {
  const auto patience = now_ns() + 60'000 * ms;
  for (long found = -1; (found = in_flight(port, route)) != count;) {
    if (now_ns() > patience) {
      throw std::runtime_error(route + ": " + std::to_string(found) + " in flight, awaited were " +
                               std::to_string(count));
    }
    sleep_until(now_ns() + 20 * ms);
  }
}

std::unordered_map<std::string, stop> stops(int port, std::size_t limit) {
  const auto page = json::parse(get(port, "/requests/ended?limit=" + std::to_string(limit)));
  std::unordered_map<std::string, stop> all;
  for (const auto& one : page.at("ended")) {
    const auto stamp = one.find("work_stopped_ns");
    const bool has = stamp != one.end() && stamp->is_number();
    all.try_emplace(one.at("id"),
                    stop{has ? stamp->get<std::int64_t>() : 0, one.at("ended_ns"), one.at("end")});
  }
  return all;
}

std::int64_t cpu_ns(pid_t pid) {
  clockid_t id{};
  if (::clock_getcpuclockid(pid, &id) != 0) {
    throw std::runtime_error("the server is gone");
  }
  return read_clock(id);
}

long rss_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) {
      return std::stol(line.substr(6));
    }
  }
  throw std::runtime_error("the server is gone");
}

void await_rest(pid_t pid) {
  const auto patience = now_ns() + 10'000 * ms;
  constexpr auto pause = 100 * ms;
  for (auto before = cpu_ns(pid); now_ns() < patience;) {
    sleep_until(now_ns() + pause);
    const auto now = cpu_ns(pid);
    if (now - before < pause / 100) {
      return;
    }
    before = now;
  }
}

json summary(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto part = [&](double p) {
    if (values.empty()) {
      return json(nullptr);
    }
    const auto last = static_cast<double>(values.size() - 1);
    return json(values[static_cast<std::size_t>(std::ceil(p * last))]);
  };
  return {{"p50", part(0.5)}, {"p99", part(0.99)}, {"p999", part(0.999)}, {"max", part(1)}};
}

}  // namespace bench
