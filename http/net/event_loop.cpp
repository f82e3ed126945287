#include "http/net/event_loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "hangup/http/clock.h"
#include "http/net/address.h"

namespace hangup::http {
namespace {

void ring(int eventfd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(eventfd, &one, sizeof one);
}

// The state of a slot: who owns the connection, and for which use of the descriptor number.
enum : std::uint64_t { owned = 0, parked = 1, missed = 2, which = 3 };  // missed: owned as well

constexpr std::uint64_t state_of(std::uint32_t generation, std::uint64_t who) noexcept {
  return std::uint64_t{generation} << 2 | who;
}

std::uint32_t generation_of(const std::atomic<std::uint64_t>& state) noexcept {
  return static_cast<std::uint32_t>(state.load(std::memory_order_relaxed) >> 2);
}

// EPOLLPRI reports an urgent byte, at which a read stops even if there is more after it.
constexpr std::uint32_t input_events = EPOLLIN | EPOLLRDHUP | EPOLLPRI;

}  // namespace

event_loop::event_loop(unsigned threads, driver& d)
    : threads_wanted_(threads),
      driver_(d),
      epoll_(descriptor::made(::epoll_create1(EPOLL_CLOEXEC), "epoll")),
      wake_(descriptor::made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      bell_(descriptor::made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  auto ec = arm(EPOLL_CTL_ADD, wake_.get(), EPOLLIN);
  if (!ec) {
    ec = arm(EPOLL_CTL_ADD, bell_.get(), EPOLLIN | EPOLLET);  // each write to it wakes one thread
  }
  if (ec) {
    throw std::system_error(ec, "epoll");
  }
}

event_loop::~event_loop() {
  stop();
}

std::error_code event_loop::start(listener on) {
  listener_ = std::move(on);
  listening_ = true;
  try {
    threads_.reserve(threads_wanted_);
    for (unsigned i = 0; i < threads_wanted_; ++i) {
      threads_.emplace_back([this] { run(); });
      ::pthread_setname_np(threads_.back().native_handle(), "hangup-front");
    }
  } catch (const std::system_error& e) {
    stop();
    return e.code();
  } catch (const std::bad_alloc&) {
    stop();
    return std::make_error_code(std::errc::not_enough_memory);
  }
  for (const auto& s : listener_.sockets) {
    if (const auto ec = arm(EPOLL_CTL_ADD, s.fd.get(), EPOLLIN | EPOLLONESHOT)) {
      stop();
      return ec;
    }
  }
  return {};
}

std::vector<std::string> event_loop::endpoints(std::optional<audience> serves) const {
  std::vector<std::string> all;
  for (const auto& s : listener_.sockets) {
    if (!serves || s.serves == *serves) {
      all.push_back(s.at);
    }
  }
  return all;
}

// The sockets are closed later, because a thread may be accepting from them now.
void event_loop::stop_listening() noexcept {
  if (!listening_.exchange(false)) {
    return;
  }
  for (auto& s : listener_.sockets) {
    if (s.is_inherited) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, s.fd.get(), nullptr);
      continue;
    }
    s.file.remove();  // before the shutdown, after which it would look stale to others
    ::shutdown(s.fd.get(), SHUT_RDWR);
    if (s.is_unix) {  // TCP resets the clients that wait to be accepted, a Unix socket keeps them
      while (descriptor(::accept4(s.fd.get(), nullptr, nullptr, SOCK_CLOEXEC))) {
      }
    }
  }
}

void event_loop::stop() noexcept {
  ring(wake_.get());
  for (auto& t : threads_) {
    t.join();
  }
  threads_.clear();
}

std::error_code event_loop::arm(int op, int fd, std::uint32_t events,
                                std::uint32_t generation) noexcept {
  epoll_event ev{};
  ev.events = events;
  ev.data.u64 = descriptor_tag{fd, generation}.packed();
  return ::epoll_ctl(epoll_.get(), op, fd, &ev) == 0 ? std::error_code{} : last_error();
}

std::error_code event_loop::adopt(parkable& c) noexcept {
  slot* const s = slots_.make(c.fd());
  if (s == nullptr) {
    return std::make_error_code(std::errc::too_many_files_open);
  }
  s->c = &c;
  c.loop_ = this;
  c.heard_events_ = input_events;
  return arm(EPOLL_CTL_ADD, c.fd(), input_events | EPOLLET, generation_of(s->state));
}

void event_loop::forget(parkable& c) noexcept {
  auto& state = slots_.at(c.fd()).state;
  state.store(state_of(generation_of(state) + 1, owned), std::memory_order_release);
  turn_away(c);
}

// Uses release, so that what the owner did to the connection happens before what the next owner
// does. Returns false if an event has arrived since the owner took it.
bool event_loop::give_up(parkable& c) noexcept {
  auto& state = slots_.at(c.fd()).state;
  auto was = state.load(std::memory_order_relaxed);
  return (was & which) == owned &&
         state.compare_exchange_strong(was, was | parked, std::memory_order_release,
                                       std::memory_order_relaxed);
}

// Changes the events that are reported for the connection, if they differ from the present ones.
// Returns false if there is no memory to register it again. As nothing will ever be reported then,
// the connection ends: its owner will read the end of its input.
bool event_loop::hear(parkable& c, std::uint32_t events) noexcept {
  const auto before = std::exchange(c.heard_events_, events);
  if (before == events || !arm(before == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c.fd(),
                               events | EPOLLET, generation_of(slots_.at(c.fd()).state))) {
    return true;
  }
  c.heard_events_ = 0;
  ::shutdown(c.fd(), SHUT_RDWR);
  c.happened(input_events);
  return false;
}

void event_loop::park_for_input(parkable& c) noexcept {
  const bool heard = (c.heard_events_ & EPOLLIN) != 0 || hear(c, input_events);
  if (!heard || !c.drained() || !give_up(c)) {
    resume(c);
  }
}

void event_loop::park_for_room(parkable& c) noexcept {
  // And keeps doing so afterwards: few connections ever wait for room.
  if (!hear(c, input_events | EPOLLOUT) || !give_up(c)) {
    resume(c);
  }
}

// Without any events the epoll set would not do: a FIN wakes the threads of every set that has the
// socket, whatever it listens for there.
void event_loop::turn_away(parkable& c) noexcept {
  if (std::exchange(c.heard_events_, 0) != 0) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, c.fd(), nullptr);
  }
}

void event_loop::happened(descriptor_tag what, std::uint32_t events) noexcept {
  slot& s = slots_.at(what.fd);
  const auto ours = state_of(what.generation, owned);
  auto was = s.state.load(std::memory_order_relaxed);
  for (;;) {
    if ((was | which) != (ours | which) || (was & which) == missed) {
      return;  // closed meanwhile, or already noted
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

thread_local event_loop::own event_loop::this_thread;

void event_loop::line::push(parkable& c) noexcept {
  c.resumed_after_ = nullptr;
  (last != nullptr ? last->resumed_after_ : first) = &c;
  last = &c;
}

parkable* event_loop::line::pop() noexcept {
  parkable* const c = first;
  if (c != nullptr) {
    first = c->resumed_after_;
    last = first != nullptr ? last : nullptr;
  }
  return c;
}

void event_loop::catch_up(parkable& c) noexcept {
  auto& state = slots_.at(c.fd()).state;
  if ((state.load(std::memory_order_relaxed) & which) == missed) {
    state.fetch_and(~std::uint64_t{missed}, std::memory_order_acquire);
    c.happened(input_events);
  }
}

void event_loop::resume(parkable& c) noexcept {
  if (this_thread.of == this) {
    this_thread.again.push(c);
    return;
  }
  // It rings with the lock held. Otherwise another thread could already have taken the connection,
  // closed it as the last one, and the server with this bell could be gone.
  const std::lock_guard hold(resuming_);
  const bool first = resumed_.first == nullptr;
  resumed_.push(c);
  if (first) {
    ring(bell_.get());
  }
}

void event_loop::serve_resumed() noexcept {
  constexpr int at_a_time = 16;  // then connections with events are served
  for (int i = 0; i < at_a_time; ++i) {
    parkable* c = nullptr;
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
      ring(bell_.get());  // another thread may help, or this one continues later
    }
    driver_.ready(*c);
  }
}

// Null: the descriptor is not one of those that are listened on.
const listening_socket* event_loop::listening_at(int fd) const noexcept {
  for (const auto& s : listener_.sockets) {
    if (s.fd.get() == fd) {
      return &s;
    }
  }
  return nullptr;
}

void event_loop::descriptor_freed() noexcept {
  if (accepting_stopped_.load(std::memory_order_relaxed) &&
      accepting_stopped_.exchange(false, std::memory_order_acq_rel)) {
    for (const auto& s : listener_.sockets) {  // sockets that are already armed do not change
      if (listening_ && arm(EPOLL_CTL_MOD, s.fd.get(), EPOLLIN | EPOLLONESHOT)) {
        accept_again_later();
      }
    }
  }
}

// Clients wait in the backlog until there is a descriptor again. No client is lost and no thread
// spins.
void event_loop::accept_again_later() noexcept {
  accepting_stopped_.store(true, std::memory_order_release);
  // The descriptor that becomes free may belong to another part of the program.
  constexpr std::chrono::milliseconds elsewhere{100};
  retry_.arm(clock::now() + elsewhere);
}

void event_loop::accept_all(const listening_socket& on) noexcept {
  const int listener = on.fd.get();
  constexpr int at_a_time = 64;  // then parked connections are served
  for (int i = 0; i < at_a_time; ++i) {
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    descriptor socket(
        ::accept4(listener, reinterpret_cast<sockaddr*>(&at), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        accept_again_later();
        return;
      }
      if (errno == EINTR || errno == ECONNABORTED) {
        continue;
      }
      break;
    }
    try {
      auto addresses = addresses_of(socket.get(), at);
      addresses.serves = on.serves;
      if (addresses.is_unix) {  // TCP sockets inherit it: see listener.cpp
        const int yes = 1;
        ::setsockopt(socket.get(), SOL_SOCKET, SO_OOBINLINE, &yes, sizeof yes);
      }
      driver_.accepted(std::move(socket), std::move(addresses));
    } catch (const std::bad_alloc&) {  // an IPv6 address does not fit into a short string
    }
  }
  if (listening_ && arm(EPOLL_CTL_MOD, listener, EPOLLIN | EPOLLONESHOT)) {
    accept_again_later();
  }
}

void event_loop::run() noexcept {
  std::array<epoll_event, 4> events;  // events that this thread takes must wait for it
  this_thread.of = this;
  line& again = this_thread.again;
  for (bool over = false; !over || again.first != nullptr;) {
    const int patience = again.first != nullptr ? 0 : -1;
    const int n =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), patience);
    auto before = std::exchange(again, {});
    for (int i = 0; i < n; ++i) {
      const auto& ev = events[static_cast<std::size_t>(i)];
      const auto what = descriptor_tag::of(ev.data.u64);
      if (what.fd == wake_.get()) {
        over = true;  // the event stays pending for the other threads
      } else if (what.fd == bell_.get()) {
        serve_resumed();
      } else if (const auto* const on = listening_at(what.fd)) {
        accept_all(*on);
      } else {
        happened(what, ev.events);
      }
    }
    while (parkable* const c = before.pop()) {
      driver_.ready(*c);
    }
  }
}

}  // namespace hangup::http
