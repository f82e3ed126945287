#include "http/front.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#if defined(__SANITIZE_THREAD__)
#define HANGUP_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HANGUP_TSAN
#endif
#endif
#ifdef HANGUP_TSAN
#include <sanitizer/tsan_interface.h>
#include <sys/syscall.h>
#endif

namespace hangup::http {
namespace {

std::error_code last_error() noexcept {
  return {errno, std::generic_category()};
}

std::string address_of(const sockaddr_storage& at, int& port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (at.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(at);
    port = ntohs(in.sin6_port);
    ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
  } else {
    const auto& in = reinterpret_cast<const sockaddr_in&>(at);
    port = ntohs(in.sin_port);
    ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
  }
  return text.data();
}

void set_option(int fd, int level, int name, int value) noexcept {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

// Linux hands these down from the listening socket to each accepted one: no call per connection.
void set_options(int fd, const options& how) noexcept {
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);  // a restart does not wait for TIME_WAIT
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(how.keepalive_idle.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(how.keepalive_interval.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, how.keepalive_probes);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(how.user_timeout.count()));
}

class resolve_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int value) const override { return ::gai_strerror(value); }
};

}  // namespace

front::front(const options& how, driver& d)
    : how_(how),
      driver_(d),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_ < 0 || wake_ < 0) {
    throw std::system_error(last_error(), "epoll");
  }
  arm(EPOLL_CTL_ADD, wake_, EPOLLIN, &wake_);
}

front::~front() {
  stop();
  if (listener_ >= 0) {
    ::close(listener_);
  }
  ::close(wake_);
  ::close(epoll_);
}

std::error_code front::listen(const std::string& host, std::uint16_t port) {
  static const resolve_category resolving;
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int e = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list)) {
    return {e, resolving};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(list, &::freeaddrinfo);
  const int fd = ::socket(all->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return last_error();
  }
  set_options(fd, how_);
  if (::bind(fd, all->ai_addr, all->ai_addrlen) != 0 || ::listen(fd, how_.backlog) != 0) {
    const auto ec = last_error();
    ::close(fd);
    return ec;
  }
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  int bound = 0;
  address_of(at, bound);
  port_ = static_cast<std::uint16_t>(bound);
  listener_ = fd;
  listening_ = true;
  return {};
}

void front::start() {
  for (unsigned i = 0; i < how_.front_threads; ++i) {
    threads_.emplace_back([this] { run(); });
    ::pthread_setname_np(threads_.back().native_handle(), "hangup-front");
  }
  if (listening_) {
    arm(EPOLL_CTL_ADD, listener_, EPOLLIN | EPOLLONESHOT, &listener_);
  }
}

void front::stop_listening() noexcept {
  listening_ = false;
  if (listener_ >= 0) {
    ::shutdown(listener_, SHUT_RDWR);  // closed later: a thread may be accepting from it just now
  }
}

void front::stop() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
  for (auto& t : threads_) {
    t.join();
  }
  threads_.clear();
}

void front::arm(int op, int fd, std::uint32_t events, void* what) noexcept {
  epoll_event ev{};
  ev.events = events;
  ev.data.ptr = what;
#ifdef HANGUP_TSAN
  // What this thread did to it happens before what the thread does that is woken for it. The kernel
  // sees to that; ThreadSanitizer is told, and not shown the call: that the other may close the
  // descriptor while this one returns from the call is no race.
  __tsan_release(what);
  ::syscall(SYS_epoll_ctl, epoll_, op, fd, &ev);
#else
  ::epoll_ctl(epoll_, op, fd, &ev);
#endif
}

void front::park(connection& c, std::uint32_t events) noexcept {
  const int op = std::exchange(c.registered, true) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  arm(op, c.fd(), events | EPOLLONESHOT, &c);
}

void front::park_for_input(connection& c) noexcept {
  park(c, EPOLLIN);  // a FIN is input as well
}

void front::park_for_output(connection& c) noexcept {
  park(c, EPOLLOUT);
}

void front::resume(connection& c) noexcept {
  // There is room to write, or the connection is broken: either is an event at once.
  park(c, EPOLLIN | EPOLLOUT);
}

void front::descriptor_freed() noexcept {
  if (out_of_descriptors_.load(std::memory_order_relaxed) &&
      out_of_descriptors_.exchange(false, std::memory_order_acq_rel)) {
    if (listening_) {
      arm(EPOLL_CTL_MOD, listener_, EPOLLIN | EPOLLONESHOT, &listener_);
    }
  }
}

void front::accept_all() noexcept {
  constexpr int at_a_time = 64;  // then the parked connections have their turn
  for (int i = 0; i < at_a_time; ++i) {
    const int listener = listener_;
    if (listener < 0) {
      return;
    }
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    const int fd =
        ::accept4(listener, reinterpret_cast<sockaddr*>(&at), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // Clients wait in the backlog until a descriptor is free: nothing is lost, nothing spins.
        out_of_descriptors_.store(true, std::memory_order_release);
        constexpr std::chrono::milliseconds elsewhere{100};  // it may not be ours that is freed
        retry_.arm(clock::now() + elsewhere);
        return;
      }
      if (errno == EINTR || errno == ECONNABORTED) {
        continue;
      }
      break;
    }
    peer ends;
    ends.remote_address = address_of(at, ends.remote_port);
    size = sizeof at;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    ends.local_address = address_of(at, ends.local_port);
    driver_.accepted(fd, std::move(ends));
  }
  if (listening_) {
    arm(EPOLL_CTL_MOD, listener_, EPOLLIN | EPOLLONESHOT, &listener_);
  }
}

void front::run() noexcept {
  std::array<epoll_event, 4> events;  // what this thread takes, the others cannot serve meanwhile
  for (;;) {
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    bool over = false;
    for (int i = 0; i < n; ++i) {
      void* const what = events[static_cast<std::size_t>(i)].data.ptr;
#ifdef HANGUP_TSAN
      __tsan_acquire(what);
#endif
      if (what == &wake_) {
        over = true;  // the event stays, for the other threads
      } else if (what == &listener_) {
        accept_all();
      } else {
        driver_.ready(*static_cast<connection*>(what));
      }
    }
    if (over) {
      return;
    }
  }
}

}  // namespace hangup::http
