#include "http/engine/watched_input.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

namespace hangup::http::detail {
namespace {

constexpr std::size_t block = 16 * 1024;
constexpr std::size_t most_at_once = 64 * 1024;  // then other connections have their turn
constexpr std::size_t most_room_kept = 64 * 1024;

}  // namespace

watched_input::got watched_input::take_in() noexcept {
  bool again = false;
  auto result = got::some;
  {
    const std::lock_guard hold(mutex_);
    used_ = 0;
    end_ = 0;
    waits_ = false;
    if (!ahead_.empty()) {
      std::swap(mine_, ahead_);
      ahead_.clear();
      if (ahead_.capacity() > most_room_kept) {
        ahead_ = std::string();
      }
      end_ = mine_.size();
      again = std::exchange(stalled_, false);
    } else {
      try {
        if (mine_.size() < block || mine_.capacity() > most_room_kept) {
          mine_ = std::string(block, '\0');
        }
      } catch (const std::bad_alloc&) {
        errno = ENOMEM;
        return got::an_error;
      }
      const auto n = ::recv(fd_, mine_.data(), block, MSG_DONTWAIT);
      if (n > 0) {
        end_ = static_cast<std::size_t>(n);
        again = std::exchange(stalled_, false) && end_ == block;
      } else if (n == 0) {
        result = got::the_end;
      } else if (errno == EAGAIN || errno == EINTR) {
        waits_ = true;
        result = got::nothing_yet;
      } else {
        return got::an_error;
      }
    }
  }
  if (again) {
    call_again();
  }
  return result;
}

void watched_input::stop_waiting() noexcept {
  bool again = false;
  {
    const std::lock_guard hold(mutex_);
    waits_ = false;
    again = std::exchange(stalled_, false);
  }
  if (again) {
    call_again();
  }
}

bool watched_input::has_more() const noexcept {
  {
    const std::lock_guard hold(mutex_);
    if (!ahead_.empty()) {
      return true;
    }
  }
  pollfd at{fd_, POLLIN, 0};
  return ::poll(&at, 1, 0) > 0;
}

void watched_input::read_ahead_by(watcher& ears) noexcept {
  ears_ = &ears;
  ears.read_ahead(fd_, *this);
}

void watched_input::stop_reading() noexcept {
  if (ears_ != nullptr) {
    std::exchange(ears_, nullptr)->stop_reading(fd_);
    const std::lock_guard hold(mutex_);
    stalled_ = false;
  }
}

// What is in the kernel is reported to the watcher once; this has it reported again.
void watched_input::call_again() noexcept {
  if (ears_ != nullptr) {
    ears_->stop_reading(fd_);
    ears_->read_ahead(fd_, *this);
  }
}

input::read watched_input::read_ahead() noexcept {
  const std::lock_guard hold(mutex_);
  std::array<char, block> piece;
  for (std::size_t all = 0; all < most_at_once;) {
    const auto room = limit_ - std::min(limit_, ahead_.size());
    if (waits_ || room == 0) {
      stalled_ = true;
      return {.left = true};
    }
    const auto n = ::recv(fd_, piece.data(), std::min(room, piece.size()), MSG_DONTWAIT);
    if (n == 0) {
      return {.how = departure::closed};
    }
    if (n < 0) {
      const bool gone = errno != EAGAIN && errno != EINTR;
      return {.how = gone ? departure_by(errno, over_) : departure::none};
    }
    try {
      ahead_.append(piece.data(), static_cast<std::size_t>(n));
    } catch (const std::bad_alloc&) {
      // Bytes are missing: the connection cannot go on.
      ::shutdown(fd_, SHUT_RDWR);
      return {.left = true};
    }
    all += static_cast<std::size_t>(n);
  }
  return {.more = true};
}

}  // namespace hangup::http::detail
