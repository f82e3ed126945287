// How long work has taken to stop after the end of its context: of the last minute, and of at most
// the last 1,024 requests. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>

#include "hangup/http/clock.h"

namespace hangup::server {

class stop_times {
 public:
  void add(http::clock::time_point now, http::clock::duration took) noexcept;

  struct summary {
    http::clock::duration p50;
    http::clock::duration p99;
    http::clock::duration worst;
  };
  std::optional<summary> last_minute(http::clock::time_point now) const;

 private:
  struct one {
    http::clock::time_point at{};
    http::clock::duration took{};
  };
  mutable std::mutex mutex_;
  std::array<one, 1024> ring_{};
  std::size_t count_ = 0;
};

}  // namespace hangup::server
