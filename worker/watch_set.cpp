#include "worker/watch_set.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <limits>
#include <new>
#include <utility>

namespace hangup::tree {
namespace {

static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLPRI == POLLPRI &&
              EPOLLERR == POLLERR && EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP);

constexpr std::uint64_t bell = ~std::uint64_t{0};  // in the place of a descriptor
constexpr short always = POLLERR | POLLHUP;        // these are reported whatever one waits for

std::error_code last_error() noexcept {
  return {errno, std::generic_category()};
}

int made(int fd, const char* what) {
  if (fd < 0) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return fd;
}

// epoll_wait(2) to the nanosecond, if the kernel can do that.
int wait_for_events(int epoll, epoll_event* events, int room, std::chrono::nanoseconds time) {
  constexpr auto for_ever = std::chrono::nanoseconds::max();
  static std::atomic<bool> to_the_nanosecond{true};
  if (to_the_nanosecond.load(std::memory_order_relaxed)) {
    const timespec left{static_cast<std::time_t>(time.count() / 1'000'000'000),
                        static_cast<long>(time.count() % 1'000'000'000)};
    const int n = ::epoll_pwait2(epoll, events, room, time == for_ever ? nullptr : &left, nullptr);
    if (n >= 0 || errno != ENOSYS) {
      return n;
    }
    to_the_nanosecond.store(false, std::memory_order_relaxed);
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::min<std::chrono::nanoseconds>(
      time, std::chrono::milliseconds(std::numeric_limits<int>::max())));
  return ::epoll_wait(epoll, events, room, time == for_ever ? -1 : static_cast<int>(ms.count()));
}

}  // namespace

watch_set::watch_set()
    : epoll_(made(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event ev{};
  ev.events = EPOLLIN | EPOLLET;  // each write is an event, so nobody has to read
  ev.data.u64 = bell;
  if (bell_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &ev) != 0) {
    const auto why = last_error();
    ::close(epoll_);
    if (bell_ >= 0) {
      ::close(bell_);
    }
    throw std::system_error(why, "eventfd");
  }
}

watch_set::~watch_set() {
  ::close(bell_);
  ::close(epoll_);
}

void watch_set::ring() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(bell_, &one, sizeof one);
}

std::error_code watch_set::watch(watched& w, int fd, short events) noexcept {
  const std::lock_guard hold(mutex_);
  const auto number = static_cast<std::size_t>(fd);
  if (number >= first_.size()) {
    if (::fcntl(fd, F_GETFD) < 0) {
      return last_error();  // no room for a number that may be anything
    }
    try {
      first_.resize(number + 1);
    } catch (const std::bad_alloc&) {
      return std::make_error_code(std::errc::not_enough_memory);
    }
  }
  w.fd_ = fd;
  w.asked_ = events;
  w.next_ = std::exchange(first_[number], &w);
  if (const auto failed = hear(fd)) {
    first_[number] = w.next_;
    w.fd_ = -1;
    return failed;
  }
  ++watching_;
  return {};
}

// Once, for all that one of those who wait for this descriptor waits for.
std::error_code watch_set::hear(int fd) noexcept {
  epoll_event ev{};
  ev.events = EPOLLONESHOT;
  ev.data.u64 = static_cast<std::uint64_t>(fd);
  const auto* const first = first_[static_cast<std::size_t>(fd)];
  for (const auto* w = first; w != nullptr; w = w->next_) {
    ev.events |= static_cast<std::uint16_t>(w->asked_);
  }
  // If somebody waits already, it is in the set, unless that was for a file that has been closed.
  auto op = first->next_ == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  int failed = ::epoll_ctl(epoll_, op, fd, &ev);
  if (failed != 0 && (errno == EEXIST || errno == ENOENT)) {
    op = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    failed = ::epoll_ctl(epoll_, op, fd, &ev);
  }
  return failed == 0 ? std::error_code{} : last_error();
}

void watch_set::unwatch(watched& w) noexcept {
  if (w.fd_ < 0) {
    return;
  }
  const std::lock_guard hold(mutex_);
  watched** here = &first_[static_cast<std::size_t>(w.fd_)];
  const bool alone = *here == &w && w.next_ == nullptr;
  while (*here != &w) {
    here = &(*here)->next_;
  }
  *here = w.next_;
  --watching_;
  if (alone) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, w.fd_, nullptr);
  }
  w.fd_ = -1;
}

short watch_set::meant(const watched& w, short events) noexcept {
  return static_cast<short>(events & (w.asked_ | always));
}

void watch_set::wait(std::chrono::nanoseconds time) noexcept {
  const int n = wait_for_events(epoll_, events_.data(), static_cast<int>(events_.size()), time);
  happened_ = static_cast<std::size_t>(std::max(n, 0));
}

void watch_set::tell() noexcept {
  for (std::size_t i = 0; i < happened_; ++i) {
    const auto what = static_cast<short>(events_[i].events);
    if (events_[i].data.u64 == bell) {
      continue;
    }
    auto* told = take(events_[i].data.u64, what);
    while (told != nullptr) {
      auto& one = *std::exchange(told, told->next_);
      one.happened(meant(one, what));
    }
  }
  happened_ = 0;
}

// Takes out those that wait for one of these events.
watched* watch_set::take(std::size_t fd, short events) noexcept {
  const std::lock_guard hold(mutex_);
  watched* taken = nullptr;
  const auto take_those = [&](const auto& that) {
    for (watched** here = &first_[fd]; *here != nullptr;) {
      watched& w = **here;
      if (that(w)) {
        *here = w.next_;
        w.fd_ = -1;
        w.next_ = std::exchange(taken, &w);
        --watching_;
      } else {
        here = &w.next_;
      }
    }
  };
  take_those([events](const watched& w) { return meant(w, events) != 0; });
  if (first_[fd] == nullptr) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, static_cast<int>(fd), nullptr);
  } else if (hear(static_cast<int>(fd))) {            // the event was the only one
    take_those([](const watched&) { return true; });  // and there is no memory for the next
  }
  return taken;
}

bool watch_set::not_looked_at(std::size_t& from) noexcept {
  constexpr std::size_t enough = 256;
  const std::lock_guard hold(mutex_);
  for (std::size_t seen = 0; from < first_.size(); ++from) {
    if (seen >= enough) {
      return false;
    }
    for (auto* w = first_[from]; w != nullptr; w = w->next_, ++seen) {
      w->not_looked_at();
    }
  }
  return true;
}

}  // namespace hangup::tree
