#include "handlers/histogram.h"

#include <gtest/gtest.h>

#include <atomic>

namespace hangup::handlers {
namespace {

using namespace std::chrono_literals;

constexpr std::array<double, 3> some_bounds = {0.001, 0.01, 1};

TEST(histogram, counts_a_duration_below_the_first_bound_that_is_not_shorter) {
  histogram<some_bounds> h;
  h.add(0ns);
  h.add(1ms);
  h.add(1ms + 1ns);
  h.add(500ms);
  h.add(1s);
  h.add(1h);
  EXPECT_EQ(h.counts, (std::array<std::uint64_t, 4>{2, 1, 2, 1}));
  EXPECT_EQ(h.ns, 3'601'502'000'001U);
}

TEST(histogram, counts_a_negative_duration_as_none) {
  histogram<some_bounds> h;
  h.add(-1s);
  EXPECT_EQ(h.counts[0], 1U);
  EXPECT_EQ(h.ns, 0U);
}

TEST(histogram, of_atomics_counts_the_same) {
  histogram<some_bounds, std::atomic<std::uint64_t>> h;
  h.add(5ms);
  h.add(5ms);
  EXPECT_EQ(h.counts[1].load(), 2U);
  EXPECT_EQ(h.ns.load(), 10'000'000U);
}

}  // namespace
}  // namespace hangup::handlers
