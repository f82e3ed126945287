#include "server/line_writer.h"

#include <semaphore.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "context/background_thread.h"
#include "server/line_queue.h"
#include "server/streams.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto between_writes = 50ms;
constexpr auto for_a_copy = 1ms;  // a thread has taken places, and has yet to fill them
constexpr auto for_the_reader = 1s;
constexpr auto for_the_thread = 250ms;  // to notice that it has to end, and to do so
constexpr std::size_t part_for_urgent_lines = 8;
constexpr std::size_t part_that_is_much = 2;

}  // namespace

struct line_writer::shared {
  // What the thread of the log waits for in its sleep.
  enum class sleeps { not_now, until_a_line, until_due };

  shared(int to, std::size_t places)
      : fd(to),
        is_terminal(::isatty(to) != 0),
        most(most_at_once(to)),
        queue(places),
        for_others(queue.places() - queue.places() / part_for_urgent_lines),
        much(std::max<std::size_t>(queue.places() / part_that_is_much, 1)) {
    batch.reserve(most);
    ::sem_init(&bell, 0, 0);
  }
  ~shared() { ::sem_destroy(&bell); }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;

  void wake() noexcept;
  bool has_to_wait(sleeps how) const noexcept;
  void sleep(sleeps how, std::optional<clock::time_point> until) noexcept;
  bool wait_for_lines(clock::time_point due) noexcept;
  bool write_all() noexcept;
  void work() noexcept;

  const int fd;
  const bool is_terminal;
  const std::size_t most;  // bytes in one write
  line_queue queue;
  const std::size_t for_others;  // so many places may be taken by lines that can wait
  const std::size_t much;        // so many are not left to wait
  const cancelable writing = with_cancel(background());
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<bool> urgent{false};  // there is a line that is to be written at once
  std::atomic<sleeps> resting{sleeps::not_now};
  sem_t bell{};

  // Of the thread, and so not in a cache line that all others read.
  alignas(line_queue::cache_line) std::string batch;

  std::mutex mutex;  // guards the following, which are for the end only
  std::condition_variable changed;
  bool ending = false;
  bool over = false;
};

// Going to sleep and adding a line. The thread stores what it waits for in `resting` and then looks
// at the queue and at `urgent`. Who adds a line changes the queue, and `urgent`, and then looks at
// `resting`. All of these are sequentially consistent, so that in their one order either the thread
// sees the line, or who has added it sees that the thread sleeps, and rings. The bell is a counter:
// if it rings before the thread has lain down, the thread does not sleep.
void line_writer::shared::wake() noexcept {
  if (resting.exchange(sleeps::not_now) != sleeps::not_now) {
    ::sem_post(&bell);
  }
}

bool line_writer::shared::has_to_wait(sleeps how) const noexcept {
  const auto now = queue.now();
  return !now.closed &&
         (how == sleeps::until_a_line ? now.taken == 0 : !urgent.load() && now.taken < much);
}

// Returns when it is woken, when the time is over, or for no reason.
void line_writer::shared::sleep(sleeps how, std::optional<clock::time_point> until) noexcept {
  resting.store(how);
  if (has_to_wait(how)) {
    if (until) {
      const auto since = until->time_since_epoch();
      const auto s = std::chrono::floor<std::chrono::seconds>(since);
      const timespec at{static_cast<std::time_t>(s.count()),
                        static_cast<long>(std::chrono::nanoseconds(since - s).count())};
      ::sem_clockwait(&bell, CLOCK_MONOTONIC, &at);
    } else {
      ::sem_wait(&bell);
    }
  }
  resting.store(sleeps::not_now);
}

// Returns true when there are lines that are to be written now, and false when there will be no
// more.
bool line_writer::shared::wait_for_lines(clock::time_point due) noexcept {
  for (;;) {
    const auto now = queue.now();
    if (now.taken == 0) {
      if (now.closed) {
        return false;
      }
      sleep(sleeps::until_a_line, std::nullopt);
    } else if (!has_to_wait(sleeps::until_due) || clock::now() >= due) {
      return true;
    } else {
      sleep(sleeps::until_due, due);
    }
  }
}

// Writes what is in the queue now; what comes meanwhile can wait for the next time. Returns whether
// it was all there.
bool line_writer::shared::write_all() noexcept {
  urgent.exchange(false);  // before the look at the queue, so that an urgent line is in it
  const auto end = queue.now().end;
  for (;;) {
    batch.clear();
    std::uint64_t lost = 0;
    const bool all = queue.take(batch, most, end, lost);
    const auto n =
        batch.empty() ? 0 : write_text(writing.ctx, fd, batch, std::chrono::milliseconds::max());
    lost += static_cast<std::uint64_t>(
        std::count(batch.begin() + static_cast<std::ptrdiff_t>(n), batch.end(), '\n'));
    dropped.fetch_add(lost, std::memory_order_relaxed);
    if (all || batch.empty()) {
      return all;
    }
  }
}

void line_writer::shared::work() noexcept {
  auto due = clock::time_point::min();
  while (wait_for_lines(due)) {
    due = clock::now() + between_writes;
    if (!write_all()) {
      std::this_thread::sleep_for(for_a_copy);
      due = clock::time_point::min();
    }
  }
  const std::lock_guard hold(mutex);
  over = true;
  changed.notify_all();
}

line_writer::line_writer(int fd, std::size_t places)
    : shared_(std::make_shared<shared>(fd, places)) {
  if (const auto failed = tree::start_background_thread("hangup-log", tree::all_signals(),
                                                        [s = shared_] { s->work(); })) {
    throw std::system_error(failed, "the thread of the log cannot be started");
  }
}

void line_writer::add(std::string_view line, when w) noexcept {
  auto& s = *shared_;
  const bool at_once = w == when::at_once;
  const auto taken = s.queue.add(line, at_once ? s.queue.places() : s.for_others);
  if (taken == 0) {
    lost();
    return;
  }
  const bool now = at_once || s.is_terminal;
  if (now) {
    s.urgent.store(true);
  }
  const auto resting = s.resting.load();
  if (resting == shared::sleeps::until_a_line ||
      (resting == shared::sleeps::until_due && (now || taken >= s.much))) {
    s.wake();
  }
}

void line_writer::lost() noexcept {
  shared_->dropped.fetch_add(1, std::memory_order_relaxed);
}

void line_writer::end() noexcept {
  auto& s = *shared_;
  std::unique_lock hold(s.mutex);
  if (std::exchange(s.ending, true)) {
    return;
  }
  s.queue.close();
  s.wake();
  const auto over = [&s] { return s.over; };
  if (!s.changed.wait_for(hold, for_the_reader, over)) {
    hold.unlock();  // hooks on the end of the context take the lock
    s.writing.cancel();
    hold.lock();
    s.changed.wait_for(hold, for_the_thread, over);
  }
}

std::uint64_t line_writer::dropped() const noexcept {
  return shared_->dropped.load(std::memory_order_relaxed);
}

}  // namespace hangup::server
