// A counter that many threads add to all the time: each has one of a few places, so that they do
// not take the same cache line from each other. Reading adds them up.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hangup::server {

class spread_counter {
 public:
  void add() noexcept { places_[own_place()].count.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t sum() const noexcept {
    std::uint64_t all = 0;
    for (const auto& p : places_) {
      all += p.count.load(std::memory_order_relaxed);
    }
    return all;
  }

 private:
  static constexpr std::size_t places = 8;
  struct alignas(64) place {
    std::atomic<std::uint64_t> count{0};
  };

  static std::size_t own_place() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t own = threads.fetch_add(1, std::memory_order_relaxed) % places;
    return own;
  }

  std::array<place, places> places_;
};

}  // namespace hangup::server
