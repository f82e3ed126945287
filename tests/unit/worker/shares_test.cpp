// Jobs of different owners in one pool: whoever has less is served first, and nobody keeps the
// others out.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "hangup/context/wait.h"
#include "tests/unit/worker/support.h"

namespace hangup {
namespace {

using namespace test;

constexpr pool::owner greedy = 1;
constexpr pool::owner modest = 2;
constexpr pool::owner third = 3;

// Jobs that run until they are let go.
class held {
 public:
  explicit held(pool& p) : pool_(p) {}
  ~held() {
    let_go();
    EXPECT_TRUE(spin_until([this] { return is_idle(pool_); }));
  }

  std::error_code post(pool::owner whose) {
    auto& j = jobs_.emplace_back();
    j.on_run = [this] { EXPECT_TRUE(go_.await()); };
    return pool_.post(background(), j, whose);
  }
  // The n-th that was posted.
  bool runs(std::size_t n) {
    return spin_until([&] { return jobs_[n].runs == 1; });
  }
  bool has_begun(std::size_t n) const { return jobs_[n].runs == 1; }
  void let_go() { go_.set(); }

 private:
  pool& pool_;
  event go_;
  std::deque<counted> jobs_;
};

TEST(shares, owners_take_turns_and_each_keeps_its_order) {
  pool p({.name = "p", .workers = 1, .queue = 100});
  std::string order;
  std::deque<counted> jobs;
  {
    busy first(p);
    const auto post = [&](pool::owner whose, char as) {
      auto& j = jobs.emplace_back();
      j.on_run = [&order, as] { order.push_back(as); };
      ASSERT_FALSE(p.post(background(), j, whose));
    };
    for (const char as : std::string("abcdef")) {
      post(greedy, as);
    }
    post(modest, '1');
    post(modest, '2');
    post(third, '.');
  }
  ASSERT_TRUE(spin_until([&] { return is_idle(p); }));
  EXPECT_EQ(order, "a1.b2cdef");
}

TEST(shares, the_next_worker_is_for_whoever_has_fewest_running) {
  pool p({.name = "p", .workers = 3, .queue = 100});
  held jobs(p);
  counted ends;
  event go;
  ends.on_run = [&] { EXPECT_TRUE(go.await()); };
  ASSERT_FALSE(p.post(background(), ends, third));
  ASSERT_TRUE(spin_until([&] { return ends.runs == 1; }));
  ASSERT_FALSE(jobs.post(greedy));
  ASSERT_FALSE(jobs.post(greedy));
  ASSERT_TRUE(jobs.runs(0) && jobs.runs(1));
  ASSERT_FALSE(jobs.post(greedy));
  ASSERT_FALSE(jobs.post(modest));
  go.set();
  EXPECT_TRUE(jobs.runs(3)) << "who came later, and has none";
  EXPECT_FALSE(jobs.has_begun(2));
}

TEST(shares, one_whose_jobs_hold_all_workers_does_not_keep_the_others_out) {
  pool p({.name = "p", .workers = 2, .queue = 100, .spare_workers = 1});
  held jobs(p);
  for (int i = 0; i < 5; ++i) {
    ASSERT_FALSE(jobs.post(greedy));
  }
  ASSERT_TRUE(jobs.runs(0) && jobs.runs(1));
  for (int i = 0; i < 10; ++i) {  // one after the other on the spare worker
    counted j;
    ASSERT_FALSE(p.post(background(), j, i % 2 == 0 ? modest : third));
    ASSERT_TRUE(j.await());
    ASSERT_TRUE(spin_until([&] { return p.now().running == 2; }));
  }
  EXPECT_EQ(p.now().queued, 3U) << "no spare worker for the greedy one";
  ASSERT_FALSE(jobs.post(modest));
  ASSERT_TRUE(jobs.runs(5));
  ASSERT_FALSE(jobs.post(modest));
  EXPECT_EQ(p.now().running, 3U);
  EXPECT_EQ(p.now().queued, 4U) << "nor for the second of one who has one";
}

TEST(shares, one_alone_has_no_more_than_the_ordinary_workers_and_places) {
  pool p({.name = "p", .workers = 2, .queue = 4, .spare_workers = 2, .spare_queue = 2});
  held jobs(p);
  for (int i = 0; i < 6; ++i) {
    ASSERT_FALSE(jobs.post(greedy)) << i;
  }
  ASSERT_TRUE(jobs.runs(0) && jobs.runs(1));
  EXPECT_EQ(jobs.post(greedy), pool_errc::full);
  EXPECT_EQ(p.now().running, 2U);
  EXPECT_EQ(p.now().queued, 4U);
  EXPECT_EQ(p.now().rejected, 1U);
}

TEST(shares, one_who_fills_the_queue_leaves_the_spare_places_to_the_others) {
  pool p({.name = "p", .workers = 1, .queue = 4, .spare_queue = 2});
  held jobs(p);
  for (int i = 0; i < 5; ++i) {
    ASSERT_FALSE(jobs.post(greedy)) << i;
  }
  ASSERT_TRUE(jobs.runs(0));
  ASSERT_FALSE(jobs.post(modest)) << "the queue is full, but not for who has none in it";
  EXPECT_EQ(jobs.post(greedy), pool_errc::share);
  EXPECT_EQ(std::error_code(pool_errc::share).message(),
            "the places left in the queue of the pool are reserved for others");
  EXPECT_EQ(p.why_not(pool_errc::share),
            "the places left in the queue of the pool \"p\" are reserved for other clients");
  EXPECT_EQ(p.why_not(pool_errc::full), "the queue of the pool \"p\" is full");
  ASSERT_FALSE(jobs.post(modest));
  EXPECT_EQ(jobs.post(third), pool_errc::full) << "the spare places are bounded, too";
  EXPECT_EQ(p.now().queued, 6U);
  EXPECT_EQ(p.now().rejected, 2U);
}

TEST(shares, without_a_queue_who_has_none_running_gets_the_spare_worker_and_nobody_waits) {
  pool p({.name = "p", .workers = 1, .queue = 0, .spare_workers = 1});
  held jobs(p);
  ASSERT_FALSE(jobs.post(greedy));
  EXPECT_EQ(jobs.post(greedy), pool_errc::full);
  ASSERT_FALSE(jobs.post(modest));
  ASSERT_TRUE(jobs.runs(2));
  EXPECT_EQ(jobs.post(modest), pool_errc::full);
  EXPECT_EQ(jobs.post(third), pool_errc::full);
}

TEST(shares, what_leaves_the_queue_leaves_the_share_of_its_owner_as_it_was) {
  pool p({.name = "p", .workers = 1, .queue = 1, .spare_queue = 1});
  held jobs(p);
  ASSERT_FALSE(jobs.post(greedy));
  ASSERT_TRUE(jobs.runs(0));
  ASSERT_FALSE(jobs.post(greedy));
  for (int i = 0; i < 100; ++i) {
    const auto own = with_cancel(background());
    counted j;
    ASSERT_FALSE(p.post(own.ctx, j, modest)) << i;
    own.cancel();
    ASSERT_EQ(j.drops, 1);
  }
  EXPECT_EQ(p.now().queued, 1U);
}

// However owners come, leave and finish: every job is run or dropped, once, no more run at once
// than may, and the pool can be destroyed with jobs in it.
TEST(shares, lose_no_job_whatever_the_order) {
  constexpr unsigned workers = 3;
  constexpr unsigned spare = 2;
  for (int round = 0; round < rounds(40); ++round) {
    std::atomic<unsigned> in{0};
    std::atomic<unsigned> most{0};
    std::atomic<int> over{0};
    std::atomic<int> accepted{0};
    std::deque<counted> jobs[4];
    {
      pool p(
          {.name = "p", .workers = workers, .queue = 16, .spare_workers = spare, .spare_queue = 8});
      together(4, [&](int t) {
        std::mt19937 random(static_cast<unsigned>(t + 4 * round));
        for (int i = 0; i < 100; ++i) {
          auto& j = jobs[t].emplace_back();
          j.on_run = [&, spins = random() % 2000] {
            const auto now = ++in;
            auto before = most.load();
            while (before < now && !most.compare_exchange_weak(before, now)) {
            }
            for (auto n = spins; n > 0; --n) {
              std::atomic_signal_fence(std::memory_order_seq_cst);
            }
            --in;
            ++over;
          };
          j.on_drop = [&] { ++over; };
          const auto own = with_cancel(background());
          accepted += p.post(own.ctx, j, random() % 5) ? 0 : 1;
          if (random() % 4 == 0) {
            own.cancel();
          }
        }
      });
    }
    ASSERT_EQ(over, accepted);
    ASSERT_LE(most, workers + spare);
    for (const auto& of_one : jobs) {
      ASSERT_TRUE(std::all_of(of_one.begin(), of_one.end(),
                              [](const auto& j) { return j.runs + j.drops <= 1; }));
    }
  }
}

}  // namespace
}  // namespace hangup
