// Several threads do everything at random to one tree. The seed of a failure is printed; run it
// again with HANGUP_SEED=<seed>.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>

#include "hangup/context/wait.h"
#include "tests/support/eventually.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

struct alive_key {  // counts the nodes that still exist
  using type = std::shared_ptr<int>;
};

// A context with the handle to end it, and those above it that it must end with.
struct entry {
  context ctx = background();
  std::shared_ptr<const cancel_func> cancel;
  std::vector<context> above;
};

class stressed_tree {
 public:
  explicit stressed_tree(unsigned seed) : seed_(seed), root_(with_cancel(background())) {
    entry top{root_.ctx, nullptr, {}};
    for (auto& s : slots_) {
      s.held = top;
    }
  }

  void run(int threads, int steps) {
    together(threads, [&](int i) {
      std::mt19937 random(seed_ + static_cast<unsigned>(i));
      for (int n = 0; n < steps; ++n) {
        step(random);
      }
    });
    root_.cancel({cause_kind::shutdown});
    for (auto& s : slots_) {
      check(s.held.ctx.done(), "everything ends with the root");
      coherent(s.held.ctx);
      s.held = entry{};
    }
    check(scope_of(root_.ctx).kids == nullptr, "an ended root has no children");
    check(scope_of(root_.ctx).hooks == nullptr, "an ended root has no hooks");
    check(tree::armed_timers() == 0, "no timer is left");
    // The timer's thread may still be leaving one whose deadline has just passed.
    check(test::eventually([this] { return alive_.use_count() == 1; }), "every node is destroyed");
  }

  int ends() const { return ends_; }
  int expired() const { return expired_; }
  int hooks_run() const { return hooks_run_; }

 private:
  struct slot {
    std::mutex mutex;
    entry held;
  };

  void check(bool ok, const char* what) const {
    if (!ok) {
      ADD_FAILURE() << what << ", seed " << seed_;
    }
  }

  entry pick(std::mt19937& random) {
    auto& s = slots_[random() % slots_.size()];
    const std::lock_guard hold(s.mutex);
    return s.held;
  }

  void put(std::mt19937& random, entry e) {
    auto& s = slots_[random() % slots_.size()];
    const std::lock_guard hold(s.mutex);
    std::swap(s.held, e);
  }  // what was there goes here, without the lock of the slot: it may run hooks

  void coherent(const context& ctx) const {
    const auto ec = ctx.err();
    const bool done = ctx.done();
    check(!ec || done, "an error means done");
    if (done) {
      check(ctx.err() == errc::canceled || ctx.err() == errc::deadline_exceeded, "one of two");
      const auto* const why = ctx.cause();
      check(why != nullptr && why->at != clock::time_point{}, "the end has a cause");
      check(why == nullptr ||
                (why->kind == cause_kind::deadline) == (ctx.err() == errc::deadline_exceeded),
            "the cause fits the error");
    }
  }

  void derive(std::mt19937& random) {
    auto parent = pick(random);
    if (parent.above.size() > 20 || parent.ctx.done()) {
      parent = entry{root_.ctx, nullptr, {}};
    }
    const auto base =
        random() % 3 == 0 ? with_value<alive_key>(parent.ctx, alive_) : context(parent.ctx);
    const clock::duration time = 1us * (random() % 3000);
    auto c = random() % 2 == 0 ? with_cancel(base) : with_timeout(base, time);
    auto above = parent.above;
    above.push_back(parent.ctx);
    auto cancel = std::make_shared<const cancel_func>(std::move(c.cancel));
    put(random, {c.ctx, std::move(cancel), std::move(above)});
  }

  void end(std::mt19937& random) {
    const auto e = pick(random);
    if (e.cancel == nullptr) {
      return;
    }
    (*e.cancel)({test::kinds::overruled, {}, "stress"});
    check(e.ctx.done(), "done when cancel has returned");
    expired_ += e.ctx.err() == errc::deadline_exceeded;
    ++ends_;
    for (auto& s : slots_) {
      entry other;
      {
        const std::lock_guard hold(s.mutex);
        other = s.held;
      }
      for (const auto& a : other.above) {
        check(!(a == e.ctx) || other.ctx.done(), "descendants are done when cancel has returned");
      }
    }
  }

  void hook(std::mt19937& random) {
    const auto e = pick(random);
    const auto victim = pick(random);
    const bool cancels = random() % 4 == 0;
    std::atomic<int> ran{0};
    bool stopped = false;
    {
      after_func registration(e.ctx, [&] {
        ++ran;
        check(e.ctx.done(), "a hook runs after the end");
        if (cancels && victim.cancel != nullptr) {
          (*victim.cancel)();
        }
        check(with_cancel(e.ctx).ctx.done(), "a child of an ended context is born ended");
      });
      (void)sleep_for(background(), 1us * (random() % 200));
      stopped = random() % 2 == 0 && registration.stop();
    }
    check(ran <= 1 && !(stopped && ran != 0), "a hook runs once or was stopped");
    hooks_run_ += ran;
  }

  void wait(std::mt19937& random) {
    const auto e = pick(random);
    const std::error_code ec = sleep_for(e.ctx, 1us * (random() % 300));
    check(!ec || e.ctx.err() == ec, "a wait returns the error of its context");
  }

  void token(std::mt19937& random) {
    const auto e = pick(random);
    std::atomic<int> ran{0};
    {
      const std::stop_callback callback(e.ctx.stop_token(), [&] {
        ++ran;
        check(e.ctx.done(), "a stop comes after the end");
      });
      (void)sleep_for(e.ctx, 1us * (random() % 100));
    }
    check(ran <= 1, "a stop callback runs once");
  }

  void step(std::mt19937& random) {
    coherent(pick(random).ctx);
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        return derive(random);
      case 3:
      case 4:
        return end(random);
      case 5:
        return hook(random);
      case 6:
        return wait(random);
      default:
        return token(random);
    }
  }

  const unsigned seed_;
  cancelable root_;
  std::array<slot, 24> slots_;
  const std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::atomic<int> ends_{0};
  std::atomic<int> expired_{0};
  std::atomic<int> hooks_run_{0};
};

TEST(stress, everything_at_random_on_several_threads) {  // B72
  const char* const given = std::getenv("HANGUP_SEED");
  std::random_device device;
  for (int round = 0; round < (given != nullptr ? 1 : 8); ++round) {
    const auto seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                       : static_cast<unsigned>(device());
    SCOPED_TRACE("HANGUP_SEED=" + std::to_string(seed));
    stressed_tree tree(seed);
    tree.run(6, rounds(1500));
    // That the tree was stressed at all.
    EXPECT_GT(tree.ends(), 0);
    EXPECT_GT(tree.hooks_run(), 0);
    if (HasFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace hangup
