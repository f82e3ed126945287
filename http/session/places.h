// How many requests of each route are in flight, for routes that have a limit
// (route::max_in_flight). Thread-safe. Not for users.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "hangup/http/route.h"

namespace hangup::http {

class places {
 public:
  // `routes`: how many there are, with route_table::none().
  explicit places(std::size_t routes) : taken_(routes) {}

  // Takes a place for one request of this route. False: there is none. (A count that is first
  // raised and then taken back would refuse others meanwhile.)
  bool take(const route& to) noexcept {
    auto& taken = taken_[to.index];
    auto now = taken.load(std::memory_order_relaxed);
    while (now < to.max_in_flight) {
      if (taken.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void give_back(const route& to) noexcept {
    taken_[to.index].fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::vector<std::atomic<std::size_t>> taken_;
};

}  // namespace hangup::http
