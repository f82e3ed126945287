// Durations, counted by how long they were: what a metric of type histogram shows.
//
// `Bounds` is a std::array of upper bounds in seconds, ascending; one more count is for what is
// longer than the last of them. `Count` is an integer, or an atomic one: then add() may be called
// by many threads at once, and a reader may see the counts a moment before the sum, or after it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace hangup::handlers {

template <const auto& Bounds, class Count = std::uint64_t>
struct histogram {
  static constexpr auto& bounds = Bounds;

  std::array<Count, Bounds.size() + 1> counts{};
  Count ns{0};  // the sum of all durations

  // A duration that is exactly a bound counts below it, a negative one as zero. Takes no lock and
  // allocates nothing.
  void add(std::chrono::nanoseconds time) noexcept {
    const auto some = std::max<std::int64_t>(time.count(), 0);
    const auto* const bound =
        std::lower_bound(Bounds.begin(), Bounds.end(), static_cast<double>(some) / 1e9);
    ++counts[static_cast<std::size_t>(bound - Bounds.begin())];
    ns += static_cast<std::uint64_t>(some);
  }
};

}  // namespace hangup::handlers
