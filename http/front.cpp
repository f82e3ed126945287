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

void ring(int eventfd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(eventfd, &one, sizeof one);
}

// The state of a slot: who has the connection, and of which use of the descriptor that is said.
enum : std::uint64_t { owned = 0, parked = 1, missed = 2, which = 3 };  // missed: owned as well

constexpr std::uint64_t state_of(std::uint32_t generation, std::uint64_t who) noexcept {
  return std::uint64_t{generation} << 2 | who;
}

std::uint32_t generation_of(const std::atomic<std::uint64_t>& state) noexcept {
  return static_cast<std::uint32_t>(state.load(std::memory_order_relaxed) >> 2);
}

constexpr std::uint32_t input_events = EPOLLIN | EPOLLRDHUP;

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
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_ < 0 || wake_ < 0 || bell_ < 0) {
    throw std::system_error(last_error(), "epoll");
  }
  static_cast<void>(arm(EPOLL_CTL_ADD, wake_, EPOLLIN));
  static_cast<void>(arm(EPOLL_CTL_ADD, bell_, EPOLLIN | EPOLLET));  // each ring wakes one thread
}

front::~front() {
  stop();
  if (listener_ >= 0) {
    ::close(listener_);
  }
  ::close(bell_);
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
    static_cast<void>(arm(EPOLL_CTL_ADD, listener_, EPOLLIN | EPOLLONESHOT));
  }
}

void front::stop_listening() noexcept {
  listening_ = false;
  if (listener_ >= 0) {
    ::shutdown(listener_, SHUT_RDWR);  // closed later: a thread may be accepting from it just now
  }
}

void front::stop() noexcept {
  ring(wake_);
  for (auto& t : threads_) {
    t.join();
  }
  threads_.clear();
}

std::error_code front::arm(int op, int fd, std::uint32_t events,
                           std::uint32_t generation) noexcept {
  epoll_event ev{};
  ev.events = events;
  ev.data.u64 = descriptor_tag{fd, generation}.packed();
  return ::epoll_ctl(epoll_, op, fd, &ev) == 0 ? std::error_code{} : last_error();
}

std::error_code front::adopt(connection& c) noexcept {
  slot* const s = slots_.make(c.fd());
  if (s == nullptr) {
    return std::make_error_code(std::errc::too_many_files_open);
  }
  s->c = &c;
  c.heard_events = input_events;
  return arm(EPOLL_CTL_ADD, c.fd(), input_events | EPOLLET, generation_of(s->state));
}

void front::forget(const connection& c) noexcept {
  auto& state = slots_.at(c.fd()).state;
  state.store(state_of(generation_of(state) + 1, owned), std::memory_order_release);
}

// Release: what its owner did to a connection happens before what the next one does. False if
// something has happened since it was taken.
bool front::give_up(connection& c) noexcept {
  auto& state = slots_.at(c.fd()).state;
  auto was = state.load(std::memory_order_relaxed);
  return (was & which) == owned &&
         state.compare_exchange_strong(was, was | parked, std::memory_order_release,
                                       std::memory_order_relaxed);
}

// Says what is to be reported of it, if that is not what is reported already.
void front::hear(connection& c, std::uint32_t events) noexcept {
  if (std::exchange(c.heard_events, events) != events) {
    static_cast<void>(
        arm(EPOLL_CTL_MOD, c.fd(), events | EPOLLET, generation_of(slots_.at(c.fd()).state)));
  }
}

void front::park_for_input(connection& c) noexcept {
  if ((c.heard_events & EPOLLIN) == 0) {
    hear(c, input_events);
  }
  if (!c.drained() || !give_up(c)) {
    resume(c);
  }
}

void front::park_for_room(connection& c) noexcept {
  hear(c, input_events | EPOLLOUT);  // and from then on: few ever have to wait for it
  if (!give_up(c)) {
    resume(c);
  }
}

void front::turn_away(connection& c) noexcept {
  hear(c, 0);
}

void front::happened(descriptor_tag what, std::uint32_t events) noexcept {
  slot& s = slots_.at(what.fd);
  const auto ours = state_of(what.generation, owned);
  auto was = s.state.load(std::memory_order_relaxed);
  for (;;) {
    if ((was | which) != (ours | which) || (was & which) == missed) {
      return;  // closed since, or noted already
    }
    const auto next = (was & which) == parked ? ours : ours | missed;
    if (s.state.compare_exchange_weak(was, next, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
      break;
    }
  }
  if ((was & which) == parked) {
    s.c->happened(events);
    driver_.ready(*s.c);
  }
}

thread_local front::own front::this_thread;

void front::line::push(connection& c) noexcept {
  c.resumed_after = nullptr;
  (last != nullptr ? last->resumed_after : first) = &c;
  last = &c;
}

connection* front::line::pop() noexcept {
  connection* const c = first;
  if (c != nullptr) {
    first = c->resumed_after;
    last = first != nullptr ? last : nullptr;
  }
  return c;
}

void front::resume(connection& c) noexcept {
  // What was noted is looked at when it comes back.
  auto& state = slots_.at(c.fd()).state;
  if ((state.load(std::memory_order_relaxed) & which) == missed) {
    state.fetch_and(~std::uint64_t{missed}, std::memory_order_acquire);
    c.happened(EPOLLIN | EPOLLRDHUP);
  }
  if (this_thread.of == this) {
    this_thread.again.push(c);
    return;
  }
  bool first = false;
  {
    const std::lock_guard hold(resuming_);
    first = resumed_.first == nullptr;
    resumed_.push(c);
  }
  if (first) {
    ring(bell_);
  }
}

void front::serve_resumed() noexcept {
  constexpr int at_a_time = 16;  // then those that are ready have their turn
  for (int i = 0; i < at_a_time; ++i) {
    connection* c = nullptr;
    bool more = false;
    {
      const std::lock_guard hold(resuming_);
      c = resumed_.pop();
      more = resumed_.first != nullptr;
    }
    if (c == nullptr) {
      return;
    }
    if (more && (i == 0 || i + 1 == at_a_time)) {
      ring(bell_);  // another thread may help; or this one, later
    }
    driver_.ready(*c);
  }
}

void front::descriptor_freed() noexcept {
  if (out_of_descriptors_.load(std::memory_order_relaxed) &&
      out_of_descriptors_.exchange(false, std::memory_order_acq_rel)) {
    if (listening_) {
      static_cast<void>(arm(EPOLL_CTL_MOD, listener_, EPOLLIN | EPOLLONESHOT));
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
    static_cast<void>(arm(EPOLL_CTL_MOD, listener_, EPOLLIN | EPOLLONESHOT));
  }
}

void front::run() noexcept {
  std::array<epoll_event, 4> events;  // what this thread takes, the others cannot serve meanwhile
  this_thread.of = this;
  line& again = this_thread.again;
  for (bool over = false; !over || again.first != nullptr;) {
    const int patience = again.first != nullptr ? 0 : -1;
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), patience);
    auto before = std::exchange(again, {});
    for (int i = 0; i < n; ++i) {
      const auto& ev = events[static_cast<std::size_t>(i)];
      const auto what = descriptor_tag::of(ev.data.u64);
      if (what.fd == wake_) {
        over = true;  // the event stays, for the other threads
      } else if (what.fd == bell_) {
        serve_resumed();
      } else if (what.fd == listener_) {
        accept_all();
      } else {
        happened(what, ev.events);
      }
    }
    while (connection* const c = before.pop()) {
      driver_.ready(*c);
    }
  }
}

}  // namespace hangup::http
