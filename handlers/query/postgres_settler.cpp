#include "handlers/query/postgres_settler.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "context/background_thread.h"

namespace hangup::query {
namespace {

using namespace std::chrono_literals;
using clock = context::clock;

// A statement usually ends a few milliseconds after its cancel request. About one request in a
// thousand is lost, because it arrives before the server has begun the statement.
constexpr auto first_pause = 20ms;
constexpr auto longest_pause = 1000ms;
constexpr std::string_view query_canceled = "57014";

// Milliseconds for poll(2), rounded up; -1: without a limit.
int until(clock::time_point when) noexcept {
  if (when == clock::time_point::max()) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

settler::settler(std::size_t most, std::chrono::milliseconds budget,
                 std::function<void(const settled&)> tell)
    : budget_(budget),
      tell_(std::move(tell)),
      bell_(http::descriptor::made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      sender_(most, bell_.get()) {
  arrived_.reserve(most);  // so that neither settle() nor the thread allocates
  patients_.reserve(most);
  fds_.reserve(most + 1);
  thread_ = std::thread([this] {
    const auto all = tree::all_signals();
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    ::pthread_setname_np(::pthread_self(), "settler");
    work();
  });
}

settler::~settler() {
  {
    const std::lock_guard hold(mutex_);
    stop_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(bell_.get(), &one, sizeof one);
  thread_.join();
}

void settler::settle(held connection, settled::time_point stopped) noexcept {
  const auto now = clock::now();
  const bool first = sender_.send(connection->cancel());
  patient p{.connection = std::move(connection),
            .record = {.stopped = stopped, .idle = {}, .over = {}},
            .drop_at = now + budget_,
            .cancel_at = now + first_pause,
            .pause = first_pause};
  p.record.cancels = first ? 1 : 0;
  {
    const std::lock_guard hold(mutex_);
    arrived_.push_back(std::move(p));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(bell_.get(), &one, sizeof one);
}

void settler::work() {
  for (;;) {
    fds_.assign(1, {bell_.get(), POLLIN, 0});
    auto next = clock::time_point::max();
    for (const auto& p : patients_) {
      fds_.push_back({p.connection->fd(), p.connection->awaits(), 0});
      next = std::min(next, p.drop_at);
      if (p.now == step::ending) {
        next = std::min(next, p.cancel_at);
      }
    }
    ::poll(fds_.data(), fds_.size(), until(next));
    std::uint64_t rings = 0;
    [[maybe_unused]] const auto n = ::read(bell_.get(), &rings, sizeof rings);

    for (std::size_t i = 0; i < patients_.size(); ++i) {
      auto& p = patients_[i];
      if (const auto how = treat(p, fds_[i + 1].revents); how != outcome::waits) {
        discharge(p, how == outcome::kept);
      }
    }
    std::erase_if(patients_, [](const patient& p) { return !p.connection; });

    const std::lock_guard hold(mutex_);
    for (auto& p : arrived_) {  // the next poll includes their descriptors
      patients_.push_back(std::move(p));
    }
    arrived_.clear();
    if (stop_ && patients_.empty()) {
      return;
    }
  }
}

settler::outcome settler::treat(patient& p, short reported) {
  const auto now = clock::now();
  if (now >= p.drop_at) {
    return outcome::dropped;
  }
  if ((reported & ~POLLOUT) != 0) {
    p.connection->receive();  // if it is lost, what has arrived can still be taken
  }
  if (const auto how = read(p); how != outcome::waits) {
    return how;
  }
  if (p.now == step::ending && now >= p.cancel_at) {
    p.record.cancels += sender_.send(p.connection->cancel()) ? 1 : 0;
    p.pause = std::min(2 * p.pause, std::chrono::milliseconds(longest_pause));
    p.cancel_at = now + p.pause;
  }
  if (p.now == step::joining && p.idle && sender_.withdraw(*p.connection->cancel())) {
    return check(p);
  }
  return outcome::waits;
}

// Takes what has arrived: results of the cancelled statement or of the check.
settler::outcome settler::read(patient& p) {
  while (!p.idle) {
    postgres_result r;
    switch (p.connection->take(r)) {
      case postgres_connection::event::nothing:
        return outcome::waits;
      case postgres_connection::event::lost:
        return outcome::dropped;
      case postgres_connection::event::result: {
        const auto status = ::PQresultStatus(r.get());
        const bool error = status == PGRES_FATAL_ERROR;
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH ||
            (error && p.now == step::checking && sql_state(*r) != query_canceled)) {
          return outcome::dropped;
        }
        p.hit = p.hit || error;
        break;
      }
      case postgres_connection::event::report_over:
        p.record.idle = clock::now();
        p.now = step::joining;
        break;
      case postgres_connection::event::idle:
        p.idle = true;
        if (p.now == step::checking) {
          return check(p);
        }
    }
  }
  return outcome::waits;
}

// Everything that was sent has completed: decides what to do next.
settler::outcome settler::check(patient& p) {
  auto& c = *p.connection;
  if (p.now == step::checking) {
    p.record.late_cancels += p.hit ? 1 : 0;
    p.checked = !p.hit;
  }
  p.now = step::checking;
  p.hit = false;
  if (p.checked && c.idle()) {
    return outcome::kept;
  }
  p.idle = false;
  return c.discard() ? read(p) : outcome::dropped;
}

void settler::discharge(patient& p, bool keep) {
  sender_.withdraw(*p.connection->cancel());
  if (keep) {
    p.connection.keep();
  }
  p.connection = held();
  p.record.kept = keep;
  p.record.over = clock::now();
  if (tell_) {
    try {
      tell_(p.record);
    } catch (...) {  // out of memory: this one is not reported
    }
  }
}

}  // namespace hangup::query
