#include "hangup/context/channel.h"

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "hangup/context/after_func.h"
#include "hangup/context/detail/threads.h"

namespace hangup {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "channel"; }

  std::string message(int value) const override {
    switch (static_cast<channel_errc>(value)) {
      case channel_errc::closed:
        return "the channel is closed";
      case channel_errc::empty:
        return "the channel is empty";
      case channel_errc::full:
        return "the channel is full";
    }
    return "unknown channel error";
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<channel_errc>(value)) {
      case channel_errc::empty:
      case channel_errc::full:
        return std::errc::operation_would_block;
      case channel_errc::closed:
        break;
    }
    return {value, *this};
  }
};

}  // namespace

const std::error_category& channel_category() noexcept {
  static const category instance;
  return instance;
}

namespace channels {
namespace {

// Where a select() starts to look. It is random rather than round-robin: two selects that a thread
// calls alternately would otherwise always start at the same case.
std::size_t any_below(std::size_t count) noexcept {
  static std::atomic<std::uint32_t> seeds{1};
  thread_local std::uint32_t state = seeds.fetch_add(0x9e3779b9, std::memory_order_relaxed) | 1U;
  if (count == 1) {
    return 0;
  }
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % count;
}

}  // namespace

void ring::list::insert(operation& op, operation* prev, operation* next) noexcept {
  op.prev_ = prev;
  op.next_ = next;
  (prev != nullptr ? prev->next_ : first) = &op;
  (next != nullptr ? next->prev_ : last) = &op;
  op.linked_ = true;
}

void ring::list::remove(operation& op) noexcept {
  (op.prev_ != nullptr ? op.prev_->next_ : first) = op.next_;
  (op.next_ != nullptr ? op.next_->prev_ : last) = op.prev_;
  op.linked_ = false;
}

void ring::list::notify_one() noexcept {
  if (first != nullptr) {
    operation& op = *first;
    remove(op);
    op.sleeper_->wake();
  }
}

ring::ring(std::size_t capacity) : capacity_(capacity) {
  if (capacity == 0) {
    throw std::invalid_argument("a channel needs room for at least one value");
  }
}

std::size_t ring::place(std::size_t nth) const noexcept {
  const auto to_end = capacity_ - first_;
  return nth < to_end ? first_ + nth : nth - to_end;
}

std::size_t ring::size() const noexcept {
  const std::lock_guard hold(mutex_);
  return size_;
}

std::size_t ring::waiting(way which) const noexcept {
  const std::lock_guard hold(mutex_);
  std::size_t count = 0;
  for (auto* op = which == way::in ? senders_.first : receivers_.first; op != nullptr;
       op = op->next_) {
    ++count;
  }
  return count;
}

void ring::close() noexcept {
  const std::lock_guard hold(mutex_);
  closed_ = true;
  for (auto* const waiters : {&senders_, &receivers_}) {
    while (waiters->first != nullptr) {
      waiters->notify_one();
    }
  }
}

// With the lock held: performs the operation if that is possible.
answer ring::advance(operation& op) {
  if (op.way_ == way::in) {
    if (closed_) {
      return answer::closed;
    }
    if (size_ == capacity_) {
      return answer::blocked;
    }
    op.transfer(place(size_));
    ++size_;
    receivers_.notify_one();
  } else {
    if (size_ == 0) {
      return closed_ ? answer::closed : answer::blocked;
    }
    op.transfer(first_);
    first_ = place(1);
    --size_;
    senders_.notify_one();
  }
  return answer::done;
}

// Performs the operation, or makes it wait if there is a sleeper.
answer ring::attempt(operation& op, tree::sleeper* sleeper) {
  const std::lock_guard hold(mutex_);
  const auto result = advance(op);
  if (result != answer::blocked) {
    if (op.linked_) {
      waiters(op.way_).remove(op);
    }
    op.joined_ = false;
  } else if (sleeper != nullptr && !op.linked_) {
    op.sleeper_ = sleeper;
    op.joined_ ? waiters(op.way_).push_front(op) : waiters(op.way_).push_back(op);
    op.joined_ = true;
  }
  return result;
}

// The operation was not performed: notifies another waiter of what it had been notified of.
void ring::leave(operation& op) noexcept {
  const std::lock_guard hold(mutex_);
  if (op.linked_) {
    waiters(op.way_).remove(op);
  } else if (op.way_ == way::in ? size_ < capacity_ : size_ > 0) {
    waiters(op.way_).notify_one();
  }
}

void ring::leave(std::span<operation* const> all) noexcept {
  for (auto* const op : all) {
    if (op->joined_) {
      op->on_.leave(*op);
      op->joined_ = false;
    }
  }
}

struct ring::departure {
  std::span<operation* const> all;

  explicit departure(std::span<operation* const> ops) noexcept : all(ops) {}
  departure(const departure&) = delete;
  departure& operator=(const departure&) = delete;
  ~departure() { leave(all); }
};

// Tries one operation after the other. Returns `closed` if all of them have been dropped, or if the
// channel of `which` is closed and that operation wants to know.
answer ring::pass(std::span<operation* const> all, tree::sleeper* sleeper, std::size_t& which) {
  bool open = false;
  std::size_t i = any_below(all.size());
  for (std::size_t n = 0; n < all.size(); ++n, i = i + 1 < all.size() ? i + 1 : 0) {
    const auto result = all[i]->on_.attempt(*all[i], sleeper);
    if (result == answer::done || (result == answer::closed && all[i]->hears_close_)) {
      which = i;
      return result;
    }
    open = open || result == answer::blocked;
  }
  return open ? answer::blocked : answer::closed;
}

std::error_code ring::wait(const context& ctx, std::span<operation* const> all,
                           std::size_t& which) {
  which = none;
  if (const auto ec = ctx.err()) {
    return ec;
  }
  auto result = pass(all, nullptr, which);
  if (result == answer::blocked) {
    const tree::blocking here;
    tree::sleeper me;
    const after_func on_end(ctx, [&me]() noexcept { me.wake(); });
    const departure leaving(all);
    while ((result = pass(all, &me, which)) == answer::blocked) {
      me.park();
      if (const auto ec = ctx.err()) {
        return ec;
      }
    }
  }
  return result == answer::done ? std::error_code{} : channel_errc::closed;
}

std::error_code ring::try_now(operation& only) {
  switch (only.on_.attempt(only, nullptr)) {
    case answer::done:
      return {};
    case answer::closed:
      return channel_errc::closed;
    case answer::blocked:
      break;
  }
  return only.way_ == way::in ? channel_errc::full : channel_errc::empty;
}

bool suspended_operations::settle(answer got) noexcept {
  if (got == answer::closed) {
    result_ = channel_errc::closed;
  }
  return got != answer::blocked;
}

bool suspended_operations::over_at_once() {
  result_ = ctx_.err();
  return result_ || settle(ring::pass(all_, nullptr, which_));
}

// The same for a task that waits, and withdraws it if the wait is over.
bool suspended_operations::over_now() noexcept {
  bool over = true;
  try {
    result_ = ctx_.err();
    over = result_ || settle(ring::pass(all_, &me_, which_));
  } catch (...) {
    thrown_ = std::current_exception();
  }
  if (over) {
    ring::leave(all_);
    task_wait::leave();
  }
  return over;
}

bool suspended_operations::join() noexcept {
  return !over_now() && (start() || stays_suspended());
}

// Called after each wake-up.
bool suspended_operations::stays_suspended() noexcept {
  for (;;) {
    prepare_again();
    if (over_now()) {
      return false;
    }
    if (suspend()) {
      return true;
    }
  }
}

void suspended_operations::look_again(ready& self) noexcept {
  auto& task = static_cast<suspended_operations&>(self);
  if (!task.stays_suspended()) {
    task.resume();
  }
}

}  // namespace channels
}  // namespace hangup
