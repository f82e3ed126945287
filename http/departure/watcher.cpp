#include "http/departure/watcher.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "context/short_slice.h"
#include "http/departure/reported.h"

namespace hangup::http {
namespace {

constexpr std::uint64_t wake_tag = ~std::uint64_t{0};

// Of all watchers, because a sleeper that begins to poll may find its watcher gone: it looks with
// the mutex held whether its context has ended, as those of a watcher have before it goes.
std::mutex polling_mutex;

// The error of the socket, if these events say that it has one. Reading it takes it back.
int error_of(int fd, std::uint32_t events) noexcept {
  int error = 0;
  if (has_error(events)) {
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  return error;
}

departure reported_by(int fd, std::uint32_t events, int error, transport over) noexcept {
  return has_error(events) ? reported_error(fd, error, over) : departure_of(events, 0, over);
}

// The present state of the socket.
std::uint32_t events_now(int fd) noexcept {
  pollfd now{fd, POLLRDHUP, 0};
  ::poll(&now, 1, 0);
  static_assert(POLLIN == EPOLLIN && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP &&
                POLLRDHUP == EPOLLRDHUP);
  return static_cast<std::uint32_t>(now.revents);
}

departure departure_now(int fd, transport over) noexcept {
  const auto events = events_now(fd);
  return reported_by(fd, events, error_of(fd, events), over);
}

}  // namespace

watcher::watcher()
    : epoll_(descriptor::made(::epoll_create1(EPOLL_CLOEXEC), "epoll")),
      wake_(descriptor::made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event ev{};
  ev.events = EPOLLIN;
  ev.data.u64 = wake_tag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &ev) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "hangup-watcher");
}

watcher::~watcher() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
  thread_.join();
  std::unique_lock hold(polling_mutex);
  nobody_polls_.wait(hold, [this] { return polling_ == 0; });
}

std::error_code watcher::watch(int fd, transport over, const cancel_func& cancel, half_close policy,
                               std::uint32_t& generation) noexcept {
  slot* const made = slots_.make(fd);
  if (made == nullptr) {
    return std::make_error_code(std::errc::too_many_files_open);
  }
  slot& s = *made;
  const std::lock_guard hold(s.mutex);
  s.muted = false;
  s.pollers = 0;
  s.over = over;
  s.gone = departure::none;
  s.fin_ends = policy == half_close::cancel;
  s.cancel.emplace(cancel);
  generation = s.generation;
  return hear(fd, s) ? std::error_code{} : last_error();
}

void watcher::forget(int fd) noexcept {
  slot& s = slots_.at(fd);
  const std::lock_guard hold(s.mutex);
  ++s.generation;
  s.muted = true;
  s.cancel.reset();
  s.reading = nullptr;
  hear_nothing(fd, s);
}

// Not one that has half-closed its connection and may do so.
bool watcher::has_left(const slot& s) noexcept {
  return s.gone != departure::none && (s.gone != departure::closed || s.fin_ends);
}

std::optional<cancel_handle> watcher::ended_by(slot& s) noexcept {
  return has_left(s) ? std::exchange(s.cancel, std::nullopt) : std::nullopt;
}

void watcher::use(int fd, half_close policy) noexcept {
  slot& s = slots_.at(fd);
  std::optional<cancel_handle> cancel;
  departure how{};
  {
    const std::lock_guard hold(s.mutex);
    s.fin_ends = policy == half_close::cancel;
    how = s.gone;
    cancel = ended_by(s);
  }
  if (cancel) {
    (*cancel)(cause_of(how), location());
  }
}

bool watcher::forgive(int fd) noexcept {
  slot& s = slots_.at(fd);
  const std::lock_guard hold(s.mutex);
  s.fin_ends = false;
  return s.gone == departure::closed && !s.cancel;
}

void watcher::renew(int fd, const cancel_func& cancel) noexcept {
  slot& s = slots_.at(fd);
  std::optional<cancel_handle> gone;
  departure how{};
  {
    const std::lock_guard hold(s.mutex);
    s.cancel.emplace(cancel);
    hear_again(fd, s);
    how = s.gone;
    gone = ended_by(s);
  }
  if (gone) {
    (*gone)(cause_of(how), location());
  }
}

bool watcher::hear(int fd, slot& s) noexcept {
  epoll_event ev{};
  ev.events = wanted(s) | EPOLLET;
  ev.data.u64 = descriptor_tag{fd, s.generation}.packed();
  const auto op = s.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  s.registered = ::epoll_ctl(epoll_.get(), op, fd, &ev) == 0;
  return s.registered;
}

std::uint32_t watcher::wanted(const slot& s) noexcept {
  return EPOLLRDHUP | (s.reading != nullptr ? std::uint32_t{EPOLLIN} : 0U);
}

// Without any events the epoll set would not do: see event_loop::turn_away().
void watcher::hear_nothing(int fd, slot& s) noexcept {
  if (std::exchange(s.registered, false)) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }
}

// What has happened in between is reported now. If there is no memory to register it again, nothing
// would ever be reported: then the connection ends, as event_loop::hear() has it.
void watcher::hear_again(int fd, slot& s) noexcept {
  if (!s.registered && s.pollers == 0 && !hear(fd, s)) {
    ::shutdown(fd, SHUT_RDWR);
  }
}

bool watcher::begin_to_poll(watcher* of, const early_end::type& what, const context& of_sleeper,
                            short& events) noexcept {
  {
    const std::lock_guard hold(polling_mutex);
    if (of_sleeper.done()) {
      return false;
    }
    ++of->polling_;
  }
  of->begin_to_poll(what.fd, what.tag, events);
  return true;
}

void watcher::begin_to_poll(int fd, std::uint32_t generation, short& events) noexcept {
  slot& s = slots_.at(fd);
  const std::lock_guard hold(s.mutex);
  // Who must not hear a FIN polls for nothing, and the watcher goes on.
  if (s.generation == generation && events != 0) {
    ++s.pollers;
    hear_nothing(fd, s);
    events = static_cast<short>(wanted(s));
  }
}

void watcher::end_to_poll(int fd, std::uint32_t generation, short events) noexcept {
  {
    slot& s = slots_.at(fd);
    const std::lock_guard hold(s.mutex);
    if (s.generation == generation && events != 0) {
      --s.pollers;
      if (s.cancel) {
        hear_again(fd, s);
      }
    }
  }
  // With the lock held: without it, the watcher could be gone before it is told.
  const std::lock_guard hold(polling_mutex);
  if (--polling_ == 0) {
    nobody_polls_.notify_all();
  }
}

short watcher::heard_by_poller(int fd, std::uint32_t generation, std::uint32_t events) noexcept {
  const auto read = heard(fd, generation, events);
  slot& s = slots_.at(fd);
  const std::lock_guard hold(s.mutex);
  // Input that nobody reads would be reported all the time.
  const bool reads = s.generation == generation && !s.muted && !read.left;
  return static_cast<short>(reads ? wanted(s) : EPOLLRDHUP);
}

void watcher::stop_reading(int fd, slot& s) noexcept {
  if (s.reading != nullptr) {
    s.reading = nullptr;
    if (s.registered) {
      hear(fd, s);
    }
  }
}

void watcher::read_ahead(int fd, input& from) noexcept {
  slot& s = slots_.at(fd);
  const std::lock_guard hold(s.mutex);
  if (s.reading == nullptr) {
    s.reading = &from;
    hear(fd, s);
  }
}

void watcher::stop_reading(int fd) noexcept {
  slot& s = slots_.at(fd);
  const std::lock_guard hold(s.mutex);
  stop_reading(fd, s);
}

departure watcher::look(int fd, departure seen) noexcept {
  slot& s = slots_.at(fd);
  const std::lock_guard hold(s.mutex);
  // The error that tells a reset of a Unix socket from its close can be read only once: whoever has
  // read it knows more.
  const bool knows_more = s.over == transport::unix_socket && seen == departure::reset;
  if (!has_left(s) || knows_more) {
    s.gone = std::max({s.gone, departure_now(fd, s.over), seen});
  }
  return s.gone;
}

void watcher::check(int fd, std::uint32_t generation) noexcept {
  if (const auto events = events_now(fd); events != 0) {
    heard(fd, generation, events);
  }
}

void watcher::mute(int fd) noexcept {
  slot& s = slots_.at(fd);
  const std::lock_guard hold(s.mutex);
  s.muted = true;
}

early_end::type watcher::announced(int fd, std::uint32_t generation, half_close policy) noexcept {
  return {.fd = fd,
          .events = static_cast<short>(policy == half_close::cancel ? POLLRDHUP : 0),
          .reported =
              [](void* of, const early_end::type& what, short events) noexcept {
                return static_cast<watcher*>(of)->heard_by_poller(
                    what.fd, what.tag, static_cast<std::uint32_t>(events));
              },
          .of = this,
          .tag = generation,
          .begins =
              [](void* of, const early_end::type& what, const context& of_sleeper,
                 short& events) noexcept {
                return begin_to_poll(static_cast<watcher*>(of), what, of_sleeper, events);
              },
          .stops =
              [](void* of, const early_end::type& what) noexcept {
                static_cast<watcher*>(of)->end_to_poll(what.fd, what.tag, what.events);
              }};
}

input::read watcher::heard(int fd, std::uint32_t generation, std::uint32_t events,
                           bool others_tell) noexcept {
  slot& s = slots_.at(fd);
  std::optional<cancel_handle> cancel;
  departure how{};
  input::read read;
  {
    const std::lock_guard hold(s.mutex);
    if (s.generation != generation || s.muted) {
      return {};
    }
    // The error of a socket can be read only once, also by a read or a write: look() may already
    // have done so.
    if (s.gone < departure::reset) {
      const int error = error_of(fd, events);
      // A thread has got the error from its read or write, and is about to tell: look(). Without it
      // a client that has vanished would look like one that has reset the connection.
      if (others_tell && has_error(events) && error == 0 && s.over == transport::tcp) {
        return {};
      }
      const auto seen = reported_by(fd, events, error, s.over);
      const bool ask =
          s.reading != nullptr && (seen == departure::none || s.reading->ends_in_band());
      if (ask) {
        read = s.reading->read_ahead();
      }
      if (read.more && s.registered) {
        hear(fd, s);  // reported again, after what has happened meanwhile
      }
      // A reset whose error has already been read looks like an end.
      const auto now = read.how == departure::none ? read.how : departure_now(fd, s.over);
      s.gone = std::max({s.gone, seen, read.how, now});
    }
    how = s.gone;
    cancel = ended_by(s);
  }
  if (cancel) {
    (*cancel)(cause_of(how), location());
  }
  return read;
}

void watcher::run() {
  tree::ask_for_short_slices();
  std::array<epoll_event, 256> events;
  for (;;) {
    const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < n; ++i) {
      const auto& ev = events[static_cast<std::size_t>(i)];
      if (ev.data.u64 == wake_tag) {
        return;
      }
      const auto of = descriptor_tag::of(ev.data.u64);
      heard(of.fd, of.generation, ev.events, true);
    }
  }
}

}  // namespace hangup::http
