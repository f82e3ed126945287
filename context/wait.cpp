#include "hangup/context/wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "context/early_end.h"
#include "hangup/context/after_func.h"

namespace hangup {
namespace {

using clock = context::clock;

// How often a wait checks its context if nothing can wake the thread.
constexpr auto unwoken = std::chrono::milliseconds(20);

// Who sleeps for less does not tell the owner of an early_end that it polls, and so does not poll,
// as that costs system calls. The end of the context wakes it anyway.
constexpr auto worth_telling = std::chrono::milliseconds(1);

// Wakes this thread from poll(2) when a context ends.
class wake_up {
 public:
  // Tries again on every call until a descriptor is available.
  static wake_up& of_this_thread() noexcept {
    thread_local wake_up mine;
    if (mine.fd_ < 0) {
      mine.fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    return mine;
  }
  ~wake_up() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  wake_up(const wake_up&) = delete;
  wake_up& operator=(const wake_up&) = delete;

  int fd() const noexcept { return fd_; }  // negative: none
  void ring() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(fd_, &one, sizeof one);
  }
  void hush() const noexcept {
    std::uint64_t rings = 0;
    [[maybe_unused]] const auto n = ::read(fd_, &rings, sizeof rings);
  }

 private:
  wake_up() = default;
  int fd_ = -1;
};

// Returns null for an unlimited wait.
const timespec* time_left(clock::time_point until, timespec& left) {
  if (until == clock::time_point::max()) {
    return nullptr;
  }
  const auto now = clock::now();
  const auto ns = until <= now ? 0 : std::chrono::nanoseconds(until - now).count();
  left.tv_sec = static_cast<std::time_t>(ns / 1'000'000'000);
  left.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  return &left;
}

// poll(2) on up to two descriptors until something happens or the time has passed.
std::error_code poll_until(pollfd* fds, nfds_t count, clock::time_point until) {
  for (;;) {
    timespec left{};
    const int n = ::ppoll(fds, count, time_left(until, left), nullptr);
    if (n > 0) {
      return {};
    }
    if (n == 0) {
      if (clock::now() < until) {
        continue;
      }
      return std::make_error_code(std::errc::timed_out);
    }
    if (errno != EINTR) {
      return {errno, std::generic_category()};
    }
  }
}

// The implementation of wait_fd(); `on` receives the reported events.
std::error_code wait_poll(const context& ctx, pollfd& on, clock::time_point until) {
  pollfd fds[2] = {on, {-1, POLLIN, 0}};
  auto* const s = context_access::scope(ctx);
  if (s == nullptr) {
    const auto ec = poll_until(fds, 1, until);
    on = fds[0];
    return ec;
  }
  if (const auto ec = ctx.err()) {
    return ec;
  }
  const tree::blocking here;
  const auto end = std::min(until, s->due);
  std::error_code ec;
  bool look_again = false;
  do {
    auto& wake = wake_up::of_this_thread();
    fds[1].fd = wake.fd();
    const auto now = wake.fd() >= 0 ? end : std::min(end, clock::now() + unwoken);
    {
      const after_func on_end(ctx, [&wake]() noexcept { wake.ring(); });
      ec = poll_until(fds, 2, now);
    }
    if (ctx.done()) {
      wake.hush();
    }
    look_again = ec == std::errc::timed_out && now < end && !ctx.done();
  } while (look_again);
  on = fds[0];
  if (on.revents != 0) {
    return {};
  }
  if (ec == std::errc::timed_out && s->due <= until) {
    tree::end_if_due(*s);
  }
  return ctx.done() ? ctx.err() : ec;
}

// The early_end of this context, or null. Not inherited through without_cancel(): an early_end
// above it describes the end that was dropped, and its owner may be gone.
const early_end::type* announced(const context& ctx) noexcept {
  const auto* const at = ctx.value<early_end>();
  if (at != nullptr) {
    for (const auto* n = &context_access::node(ctx); n->ends != nullptr; n = n->parent) {
      if (n->values == n && n->values->get() == at) {
        return at->reported != nullptr ? at : nullptr;
      }
    }
  }
  return nullptr;
}

bool is_worth_it(clock::time_point until) noexcept {
  return until > clock::now() + worth_telling;
}

bool begin(const early_end::type& at, const context& ctx, short& events) noexcept {
  return at.begins == nullptr || at.begins(at.of, at, ctx, events);
}

// A thread that polls the descriptor of an early_end.
class poller {
 public:
  poller(const context& ctx, const early_end::type& at) noexcept
      : at_(at), events_(at.events), begun_(begin(at, ctx, events_)) {}
  ~poller() {
    if (begun_ && at_.stops != nullptr) {
      at_.stops(at_.of, at_);
    }
  }
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  // Returns false if what was reported does not mean the end.
  bool sleep(const context& ctx, clock::time_point when) {
    if (!begun_) {
      return true;  // the context has ended
    }
    const auto end = std::min(when, context_access::scope(ctx)->due);
    pollfd on{at_.fd, events_, 0};
    for (;;) {
      if (wait_poll(ctx, on, when) || ctx.done()) {
        return true;
      }
      const auto next = at_.reported(at_.of, at_, on.revents);
      if (ctx.done() || on.revents != POLLIN) {
        return ctx.done();
      }
      // Input that never ends must not keep it from its time.
      on = {clock::now() < end ? at_.fd : -1, next, 0};
    }
  }

 private:
  const early_end::type& at_;
  short events_;
  const bool begun_;
};

// Sleeps on the descriptor of the early_end. Returns false if what was reported does not mean the
// end, or if there is no descriptor to wake this thread with: then the caller sleeps in the
// ordinary way.
bool sleep_listening(const context& ctx, const early_end::type& at, clock::time_point when) {
  return is_worth_it(when) && wake_up::of_this_thread().fd() >= 0 &&
         poller(ctx, at).sleep(ctx, when);
}

}  // namespace

namespace tree {

std::error_code sleeping::block() noexcept {
  if (const auto* const at = announced(ctx_); at != nullptr && sleep_listening(ctx_, *at, when_)) {
    return ctx_.err();
  }
  const blocking here;
  auto* const s = context_access::scope(ctx_);
  if (s == nullptr) {
    state_word never;
    never.wait_end(when_);
    return {};
  }
  if (!s->word.wait_end(std::min(when_, s->due)) && s->due <= when_) {
    end_if_due(*s);
  }
  return ctx_.err();
}

void sleeping::awaiter::listen() noexcept {
  const auto* const at = announced(of_.ctx_);
  if (at == nullptr || at->fd < 0 || !is_worth_it(of_.when_) ||
      (at->begins != nullptr && !wait_.on().is_looked_after())) {
    return;
  }
  short events = at->events;
  listens_ = begin(*at, of_.ctx_, events);
  if (listens_ && wait_.on().watch(*this, at->fd, events)) {
    stop_listening();  // it cannot be watched: this is an ordinary sleep
  }
}

void sleeping::awaiter::stop_listening() noexcept {
  listens_ = false;
  wait_.on().unwatch(*this);
  let_others_listen();
}

void sleeping::awaiter::let_others_listen() noexcept {
  const auto* const at = announced(of_.ctx_);
  if (!std::exchange(others_listen_, true) && at->stops != nullptr) {
    at->stops(at->of, *at);
  }
}

void sleeping::awaiter::not_looked_at() noexcept {
  let_others_listen();
}

void sleeping::awaiter::happened(short events) noexcept {
  const auto* const at = announced(of_.ctx_);
  if (of_.ctx_.done() || others_listen_) {
    return;
  }
  const short next = at->reported(at->of, *at, events);
  if (of_.ctx_.done()) {
    return;  // which wakes the task
  }
  if (events != POLLIN || wait_.on().watch(*this, at->fd, next)) {
    stop_listening();
  }
}

std::error_code fd_waiting::block() noexcept {
  pollfd on{fd_, events_, 0};
  return wait_poll(ctx_, on, until_);
}

bool fd_waiting::awaiter::await_ready() noexcept {
  if (of_.ctx_.done()) {
    return true;
  }
  pollfd on{of_.fd_, of_.events_, 0};
  happened_ = ::poll(&on, 1, 0) > 0;
  return happened_ || over_already(of_.ctx_, of_.until_);
}

bool fd_waiting::awaiter::start() noexcept {
  // poll(2) ignores negative descriptors: only the context or the time ends such a wait.
  if (of_.fd_ >= 0) {
    failed_ = wait_.on().watch(*this, of_.fd_, of_.events_);
    if (failed_) {
      return false;
    }
  }
  suspended_ = true;
  return wait_.start();
}

void fd_waiting::awaiter::happened(short) noexcept {
  happened_ = true;
  wait_.wake();
}

std::error_code fd_waiting::awaiter::await_resume() noexcept {
  if (suspended_) {
    wait_.on().unwatch(*this);
    wait_.leave();
  }
  if (happened_) {
    return {};
  }
  if (failed_) {
    return failed_;
  }
  return of_.ctx_.done() ? of_.ctx_.err() : std::make_error_code(std::errc::timed_out);
}

}  // namespace tree
}  // namespace hangup
