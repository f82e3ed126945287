// How long a client may keep us waiting, for what it sends or for what it takes of an answer. It
// may stand still for some time, and what it uses of that it earns again only by what it moves, at
// a least rate: so a byte now and then does not put the end off for ever, and whoever keeps the
// rate is never cut off. Without a rate each byte earns all of the time again. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "context/context.h"

namespace hangup::http {

class pace {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // `still`: how long the client may stand still. `rate`: bytes per second; 0: none.
  pace(std::chrono::milliseconds still, std::uint64_t rate) noexcept
      : still_(saturated(still)), rate_(rate) {}

  // With the next request everything begins anew.
  void restart() noexcept {
    waiting_ = false;
    used_ = duration::zero();
  }

  // It is waited for from now on, or still is. Until when?
  time_point wait(time_point now) noexcept {
    if (!waiting_) {
      waiting_ = true;
      since_ = now;
    }
    return later(since_, still_ - used_);
  }
  bool waiting() const noexcept { return waiting_; }

  // So many bytes have been moved: it is not waited for any more. `now` counts only if it was.
  void moved(std::uint64_t bytes, time_point now) noexcept {
    if (waiting_) {
      waiting_ = false;
      used_ += std::chrono::duration_cast<duration>(now - since_);
    }
    // In floating point: the time for a large body at a low rate does not fit into the integer.
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
