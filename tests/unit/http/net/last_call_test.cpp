// Who comes to rest is seen by who calls, or hears the call: never neither.
#include "http/net/last_call.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace hangup::http {
namespace {

// Each round is one rest and one call that meet within nanoseconds, as far as there are two
// processors for them: what the orders forbid may be too rare to be seen, so this shows a step that
// is missing or at the wrong place sooner than an order that is too weak.
TEST(last_call, and_a_rest_at_the_same_moment_never_miss_each_other) {
  constexpr std::size_t rounds = 100'000;
  struct meeting {
    alignas(64) last_call call;
    alignas(64) std::atomic<int> word{0};
    bool heard = false;
    alignas(64) bool seen = false;
  };
  const auto all = std::make_unique<meeting[]>(rounds);
  std::atomic<std::size_t> ready[2] = {0, 0};
  const auto meet = [&](std::size_t self, std::size_t round) {
    ready[self].store(round + 1, std::memory_order_release);
    for (int spins = 0; ready[1 - self].load(std::memory_order_acquire) <= round; ++spins) {
      if (spins >= 1000) {  // on one processor the other has to have its turn
        std::this_thread::yield();
      }
    }
  };
  std::thread rests([&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      meet(0, i);
      last_call::rest(all[i].word, 1);
      all[i].heard = all[i].call.made();
    }
  });
  for (std::size_t i = 0; i < rounds; ++i) {
    meet(1, i);
    all[i].call.make();
    all[i].seen = last_call::seen(all[i].word) == 1;
  }
  rests.join();
  int missed = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    missed += !all[i].heard && !all[i].seen ? 1 : 0;
  }
  EXPECT_EQ(missed, 0);
}

TEST(last_call, that_was_made_is_heard_by_all_that_rest_later) {
  last_call call;
  std::atomic<int> word{0};
  last_call::rest(word, 3);
  EXPECT_FALSE(call.made());
  call.make();
  EXPECT_EQ(last_call::seen(word), 3);
  EXPECT_TRUE(call.made());
  call.make();
  EXPECT_TRUE(call.made());
}

}  // namespace
}  // namespace hangup::http
