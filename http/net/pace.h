// How long the server waits for a client that sends a body or reads an answer. The client has a
// budget of time during which it may stand still. Waiting uses the budget up, and every byte that
// the client moves gives some of it back, at a minimum rate. So a byte now and then does not
// prolong the wait for ever, and a client that keeps the rate is never cut off. Without a rate,
// every byte gives all of the budget back. No clock is read here.
#pragma once

#include <chrono>
#include <cstdint>

#include "hangup/context/context.h"

namespace hangup::http {

class pace {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // `still`: the budget. `rate`: bytes per second; 0: none.
  pace(std::chrono::milliseconds still, std::uint64_t rate) noexcept
      : still_(saturated(still)), rate_(rate) {}

  // Resets everything, for the next request.
  void restart() noexcept {
    waiting_ = false;
    used_ = duration::zero();
  }

  // Begins or continues to wait for the client. Returns the time at which the wait must end.
  time_point wait(time_point now) noexcept {
    if (!waiting_) {
      waiting_ = true;
      since_ = now;
    }
    return later(since_, still_ - used_);
  }
  bool waiting() const noexcept { return waiting_; }

  // Bytes have been moved, so the wait has ended. `now` is used only if there was a wait.
  void moved(std::uint64_t bytes, time_point now) noexcept {
    if (waiting_) {
      waiting_ = false;
      used_ += std::chrono::duration_cast<duration>(now - since_);
    }
    // Floating point, because the time for a large body at a low rate would overflow an integer.
    const auto earned = rate_ == 0 ? 1e9 : static_cast<double>(bytes) / static_cast<double>(rate_);
    used_ =
        earned >= std::chrono::duration<double>(used_).count()
            ? duration::zero()
            : used_ - std::chrono::duration_cast<duration>(std::chrono::duration<double>(earned));
  }

 private:
  using duration = std::chrono::steady_clock::duration;

  duration still_;
  std::uint64_t rate_;
  bool waiting_ = false;
  time_point since_{};
  duration used_{0};
};

}  // namespace hangup::http
