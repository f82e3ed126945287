#include "server/line_writer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "context/background_thread.h"
#include "server/streams.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t bytes_of_a_line = 1024;
constexpr auto for_the_reader = 1s;
constexpr auto for_the_thread = 250ms;  // to notice that it has to end, and to do so

}  // namespace

struct line_writer::shared {
  shared(int to, std::size_t lines) : fd(to), ring(lines) {}

  bool take(std::string& batch);
  void pop() noexcept;
  void work() noexcept;

  const int fd;
  const cancelable writing = with_cancel(background());
  std::atomic<std::uint64_t> dropped{0};
  std::mutex mutex;  // guards all of the following
  std::condition_variable changed;
  std::vector<std::string> ring;
  std::size_t first = 0;
  std::size_t count = 0;
  std::size_t bytes = 0;
  bool ending = false;
  bool over = false;
};

// The lock must be held.
void line_writer::shared::pop() noexcept {
  bytes -= ring[first].size();
  ring[first] = {};  // releases the memory
  first = (first + 1) % ring.size();
  --count;
}

// Waits for lines and takes as many as can be written at once. Returns false if there will be no
// more. Allocates nothing: `batch` has enough room, and a longer line replaces it.
bool line_writer::shared::take(std::string& batch) {
  std::unique_lock hold(mutex);
  changed.wait(hold, [this] { return count > 0 || ending; });
  batch.clear();
  while (count > 0 && batch.size() + ring[first].size() <= PIPE_BUF) {
    batch.append(ring[first]);
    pop();
  }
  if (count > 0 && batch.empty()) {
    bytes -= ring[first].size();
    batch.swap(ring[first]);
    pop();
  }
  return !batch.empty();
}

void line_writer::shared::work() noexcept {
  std::string batch;
  try {
    batch.reserve(PIPE_BUF);
    while (take(batch)) {
      const auto n = write_text(writing.ctx, fd, batch, std::chrono::milliseconds::max());
      dropped.fetch_add(static_cast<std::uint64_t>(std::count(
                            batch.begin() + static_cast<std::ptrdiff_t>(n), batch.end(), '\n')),
                        std::memory_order_relaxed);
    }
  } catch (const std::bad_alloc&) {  // when the thread begins: nothing will be written
  }
  const std::lock_guard hold(mutex);
  over = true;
  changed.notify_all();
}

line_writer::line_writer(int fd, std::size_t queue)
    : shared_(std::make_shared<shared>(fd, std::max<std::size_t>(queue, 1))) {
  if (const auto failed = tree::start_background_thread("hangup-log", tree::all_signals(),
                                                        [s = shared_] { s->work(); })) {
    throw std::system_error(failed, "the thread of the log cannot be started");
  }
}

void line_writer::add(std::string line) noexcept {
  auto& s = *shared_;
  std::uint64_t drops = 0;
  {
    const std::lock_guard hold(s.mutex);
    if (s.ending || s.over) {
      drops = 1;
    } else {
      const auto most = s.ring.size() * bytes_of_a_line;
      while (s.count > 0 && (s.count == s.ring.size() || s.bytes + line.size() > most)) {
        s.pop();
        ++drops;
      }
      s.bytes += line.size();
      s.ring[(s.first + s.count++) % s.ring.size()] = std::move(line);
    }
  }
  s.changed.notify_one();
  s.dropped.fetch_add(drops, std::memory_order_relaxed);
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
  s.changed.notify_all();
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
