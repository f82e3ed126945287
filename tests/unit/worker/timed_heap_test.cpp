// The heap of timers, compared with a sorted map of the standard library.
#include "worker/timed_heap.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

namespace hangup {
namespace {

using time_point = tree::timed_heap::time_point;

struct numbered_timer final : tree::timed {
  void due() noexcept override {}
};

TEST(timed_heap, gives_timers_in_the_order_of_their_times_whatever_is_removed) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::array<numbered_timer, 100> timers;
    std::map<tree::timed*, time_point> model;
    tree::timed_heap heap;
    for (int step = 0; step < 5000; ++step) {
      auto& t = timers[random() % timers.size()];
      const auto earliest = [&] {
        auto at = time_point::max();
        for (const auto& [_, when] : model) {
          at = std::min(at, when);
        }
        return at;
      };
      ASSERT_EQ(heap.empty(), model.empty());
      if (!model.empty()) {
        ASSERT_EQ(heap.next(), earliest());
      }
      ASSERT_EQ(t.armed(), model.count(&t) == 1);
      if (!heap.empty() && random() % 3 == 0) {
        auto& first = heap.take_first();
        ASSERT_FALSE(first.armed());
        ASSERT_EQ(model.erase(&first), 1U);
      } else if (t.armed()) {
        heap.remove(t);
        model.erase(&t);
      } else {
        const time_point when{std::chrono::nanoseconds(random() % 50)};
        heap.insert(t, when);
        model[&t] = when;
      }
    }
  }
}

TEST(timed_heap, of_a_hundred_thousand_in_one_row_is_emptied_without_recursion) {
  std::vector<numbered_timer> timers(100'000);
  tree::timed_heap heap;
  for (std::size_t i = timers.size(); i > 0; --i) {  // each becomes the root: one long chain
    heap.insert(timers[i - 1], time_point{std::chrono::nanoseconds(i)});
  }
  for (std::size_t i = 0; i < timers.size(); ++i) {
    ASSERT_EQ(&heap.take_first(), &timers[i]);
  }
}

}  // namespace
}  // namespace hangup
