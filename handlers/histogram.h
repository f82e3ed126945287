// Counts durations by length, for metrics of type histogram.
//
// `Bounds` is a std::array of upper bounds in seconds, in ascending order; an additional count is
// for durations longer than the last bound. `Count` is an integer type, or an atomic one. In the
// latter case several threads may call add() at once, and a reader may see a duration in the counts
// shortly before or after it sees it in the sum.
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

  // A duration equal to a bound is counted below that bound; a negative one counts as zero. Takes
  // no lock and allocates nothing.
  void add(std::chrono::nanoseconds time) noexcept {
    const auto some = std::max<std::int64_t>(time.count(), 0);
    const auto* const bound =
        std::lower_bound(Bounds.begin(), Bounds.end(), static_cast<double>(some) / 1e9);
    ++counts[static_cast<std::size_t>(bound - Bounds.begin())];
    ns += static_cast<std::uint64_t>(some);
  }
};

}  // namespace hangup::handlers
