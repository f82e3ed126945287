// What a client sends on a connection that one thread serves, while the watcher may read ahead. The
// bytes are, in their order: those that this thread has taken in, those that the watcher has read,
// those in the kernel. Not for users.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

#include "http/departure/watcher.h"

namespace hangup::http::detail {

class watched_input final : public input {
 public:
  // `limit`: the most bytes that are read ahead.
  watched_input(int fd, transport over, std::size_t limit) noexcept
      : fd_(fd), over_(over), limit_(limit) {}

  // --- for the thread that serves ---
  enum class got { some, nothing_yet, the_end, an_error };  // an_error: errno has it
  // Takes in what has come, if there is nothing in taken(). Does not wait. After nothing_yet the
  // watcher leaves to this thread what comes, until the next call, or stop_waiting().
  got take_in() noexcept;
  void stop_waiting() noexcept;
  std::string_view taken() const noexcept {
    return std::string_view(mine_).substr(used_, end_ - used_);
  }
  void use(std::size_t size) noexcept { used_ += size; }
  // Whether take_in() would find something.
  bool has_more() const noexcept;

  // The watcher reads ahead from now on. One system call, and so is the opposite.
  void read_ahead_by(watcher& ears) noexcept;
  void stop_reading() noexcept;

  // --- for the watcher ---
  read read_ahead() noexcept override;
  bool ends_in_band() const noexcept override { return false; }

 private:
  void call_again() noexcept;

  const int fd_;
  const transport over_;
  const std::size_t limit_;
  watcher* ears_ = nullptr;  // set: it reads ahead

  std::string mine_;
  std::size_t used_ = 0;
  std::size_t end_ = 0;  // behind it mine_ is only room

  mutable std::mutex mutex_;  // guards what follows
  std::string ahead_;
  bool waits_ = false;    // the thread that serves is woken by what comes
  bool stalled_ = false;  // the watcher has left something in the kernel
};

}  // namespace hangup::http::detail
