#include "handlers/query/cancelled_connections.h"

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

cancelled_connections::cancelled_connections(std::size_t most, std::chrono::milliseconds budget,
                                             std::function<void(const settled&)> tell)
    : budget_(budget),
      tell_(std::move(tell)),
      bell_(http::descriptor::made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      sender_(most, bell_.get()) {
  arrived_.reserve(most);  // so that neither settle() nor the thread allocates
  entries_.reserve(most);
  fds_.reserve(most + 1);
  thread_ = std::thread([this] {
    const auto all = tree::all_signals();
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    ::pthread_setname_np(::pthread_self(), "cancelled");
    work();
  });
}

cancelled_connections::~cancelled_connections() {
  {
    const std::lock_guard hold(mutex_);
    stop_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(bell_.get(), &one, sizeof one);
  thread_.join();
}

void cancelled_connections::settle(held connection, settled::time_point stopped) noexcept {
  const auto now = clock::now();
  const bool first = sender_.send(connection->cancel());
  entry e{.connection = std::move(connection),
          .record = {.stopped = stopped, .idle = {}, .over = {}},
          .drop_at = now + budget_,
          .cancel_at = now + first_pause,
          .pause = first_pause};
  e.record.cancels = first ? 1 : 0;
  {
    const std::lock_guard hold(mutex_);
    arrived_.push_back(std::move(e));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(bell_.get(), &one, sizeof one);
}

void cancelled_connections::work() {
  for (;;) {
    fds_.assign(1, {bell_.get(), POLLIN, 0});
    auto next = clock::time_point::max();
    for (const auto& e : entries_) {
      fds_.push_back({e.connection->fd(), e.connection->awaits(), 0});
      next = std::min(next, e.drop_at);
      if (e.now == step::ending) {
        next = std::min(next, e.cancel_at);
      }
    }
    ::poll(fds_.data(), fds_.size(), until(next));
    std::uint64_t rings = 0;
    [[maybe_unused]] const auto n = ::read(bell_.get(), &rings, sizeof rings);

    for (std::size_t i = 0; i < entries_.size(); ++i) {
      auto& e = entries_[i];
      if (const auto how = advance(e, fds_[i + 1].revents); how != outcome::waits) {
        give_back(e, how == outcome::kept);
      }
    }
    std::erase_if(entries_, [](const entry& e) { return !e.connection; });

    const std::lock_guard hold(mutex_);
    for (auto& e : arrived_) {  // the next poll includes their descriptors
      entries_.push_back(std::move(e));
    }
    arrived_.clear();
    if (stop_ && entries_.empty()) {
      return;
    }
  }
}

cancelled_connections::outcome cancelled_connections::advance(entry& e, short reported) {
  const auto now = clock::now();
  if (now >= e.drop_at) {
    return outcome::dropped;
  }
  if ((reported & ~POLLOUT) != 0) {
    e.connection->receive();  // if it is lost, what has arrived can still be taken
  }
  if (const auto how = read(e); how != outcome::waits) {
    return how;
  }
  if (e.now == step::ending && now >= e.cancel_at) {
    e.record.cancels += sender_.send(e.connection->cancel()) ? 1 : 0;
    e.pause = std::min(2 * e.pause, std::chrono::milliseconds(longest_pause));
    e.cancel_at = now + e.pause;
  }
  if (e.now == step::joining && e.idle && sender_.withdraw(*e.connection->cancel())) {
    return check(e);
  }
  return outcome::waits;
}

// Takes what has arrived: results of the cancelled statement or of the check.
cancelled_connections::outcome cancelled_connections::read(entry& e) {
  while (!e.idle) {
    postgres_result r;
    switch (e.connection->take(r)) {
      case postgres_connection::event::nothing:
        return outcome::waits;
      case postgres_connection::event::lost:
        return outcome::dropped;
      case postgres_connection::event::result: {
        const auto status = ::PQresultStatus(r.get());
        const bool error = status == PGRES_FATAL_ERROR;
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH ||
            (error && e.now == step::checking && sql_state(*r) != query_canceled)) {
          return outcome::dropped;
        }
        e.hit = e.hit || error;
        break;
      }
      case postgres_connection::event::report_over:
        e.record.idle = clock::now();
        e.now = step::joining;
        break;
      case postgres_connection::event::idle:
        e.idle = true;
        if (e.now == step::checking) {
          return check(e);
        }
    }
  }
  return outcome::waits;
}

// Everything that was sent has completed: decides what to do next.
cancelled_connections::outcome cancelled_connections::check(entry& e) {
  auto& c = *e.connection;
  if (e.now == step::checking) {
    e.record.late_cancels += e.hit ? 1 : 0;
    e.checked = !e.hit;
  }
  e.now = step::checking;
  e.hit = false;
  if (e.checked && c.idle()) {
    return outcome::kept;
  }
  e.idle = false;
  return c.discard() ? read(e) : outcome::dropped;
}

void cancelled_connections::give_back(entry& e, bool keep) {
  sender_.withdraw(*e.connection->cancel());
  if (keep) {
    e.connection.keep();
  }
  e.connection = held();
  e.record.kept = keep;
  e.record.over = clock::now();
  if (tell_) {
    try {
      tell_(e.record);
    } catch (...) {  // out of memory: this one is not reported
    }
  }
}

}  // namespace hangup::query
