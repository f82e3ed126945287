#include "handlers/query/postgres_cancel.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <vector>

#include "context/background_thread.h"
#include "http/net/descriptor.h"

namespace hangup::query {

// Outlives the sender if the thread hangs in PQcancel().
struct cancel_sender::core {
  using state = postgres_cancel::state;

  core(std::size_t most, int bell)
      : room(most), rung(http::descriptor::made(::fcntl(bell, F_DUPFD_CLOEXEC, 0), "eventfd")) {
    queue.reserve(most);
  }

  void work() {
    std::unique_lock hold(mutex);
    for (;;) {
      changed.wait(hold, [this] { return stop || !queue.empty(); });
      if (stop) {
        over = true;
        changed.notify_all();
        return;
      }
      auto next = std::move(queue.front());
      queue.erase(queue.begin());
      next->state_ = state::being_sent;
      hold.unlock();
      std::array<char, 256> why{};
      const bool arrived = ::PQcancel(next->handle_, why.data(), why.size()) != 0;
      sent.fetch_add(arrived ? 1 : 0, std::memory_order_relaxed);
      hold.lock();
      next->state_ = state::none;
      next.reset();
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto n = ::write(rung.get(), &one, sizeof one);
    }
  }

  const std::size_t room;
  const http::descriptor rung;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::shared_ptr<postgres_cancel>> queue;  // guarded by mutex, as the rest
  bool stop = false;
  bool over = false;
  std::atomic<std::uint64_t> sent{0};
};

cancel_sender::cancel_sender(std::size_t room, int rung)
    : core_(std::make_shared<core>(room, rung)) {
  if (const auto failed = tree::start_background_thread("cancel", tree::all_signals(),
                                                        [c = core_] { c->work(); })) {
    throw std::system_error(failed, "thread");
  }
}

cancel_sender::~cancel_sender() {
  std::unique_lock hold(core_->mutex);
  core_->stop = true;
  core_->changed.notify_all();
  core_->changed.wait_for(hold, std::chrono::seconds(1), [this] { return core_->over; });
}

bool cancel_sender::send(const std::shared_ptr<postgres_cancel>& c) noexcept {
  const std::lock_guard hold(core_->mutex);
  if (c->state_ != core::state::none || core_->queue.size() == core_->room) {
    return false;
  }
  c->state_ = core::state::queued;
  core_->queue.push_back(c);
  core_->changed.notify_all();
  return true;
}

bool cancel_sender::withdraw(postgres_cancel& c) noexcept {
  const std::lock_guard hold(core_->mutex);
  if (c.state_ == core::state::queued) {
    std::erase_if(core_->queue, [&c](const auto& queued) { return queued.get() == &c; });
    c.state_ = core::state::none;
  }
  return c.state_ == core::state::none;
}

std::uint64_t cancel_sender::sent() const noexcept {
  return core_->sent.load(std::memory_order_relaxed);
}

}  // namespace hangup::query
