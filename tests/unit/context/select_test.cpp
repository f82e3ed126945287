// select(): one of several channels, or the context.
#include "hangup/context/select.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "hangup/context/wait.h"
#include "tests/unit/context/channel_support.h"

namespace hangup {
namespace {

using namespace test;

constexpr auto nothing = [](auto&&...) {};
constexpr auto must_not_run = [](auto&&...) { ADD_FAILURE() << "the wrong case"; };

TEST(select, does_the_case_that_can_go_on) {
  channel<int> empty(1);
  channel<std::string> ready(1);
  channel<int> full(1);
  ASSERT_FALSE(full.try_send(1));
  for (int round = 0; round < 20; ++round) {  // it starts at a random case
    ASSERT_FALSE(ready.try_send("value"));
    std::string got;
    ASSERT_FALSE(select(background(), on_receive(empty, must_not_run),
                        on_receive(ready, [&](std::string value) { got = std::move(value); }),
                        on_send(full, 2, must_not_run)));
    ASSERT_EQ(got, "value");
    int sent = 0;
    ASSERT_FALSE(select(background(), on_receive(ready, must_not_run),
                        on_send(empty, 5, [&] { ++sent; }), on_send(full, 2, must_not_run)));
    ASSERT_EQ(sent, 1);
    int five = 0;
    ASSERT_FALSE(empty.try_receive(five));
    ASSERT_EQ(five, 5);
  }
}

TEST(select, does_one_case_only_when_all_could_go_on) {
  channel<int> a(1);
  channel<int> b(1);
  channel<int> c(1);
  ASSERT_FALSE(a.try_send(1));
  ASSERT_FALSE(b.try_send(1));
  int calls = 0;
  ASSERT_FALSE(select(background(), on_receive(a, [&](int) { ++calls; }),
                      on_receive(b, [&](int) { ++calls; }), on_send(c, 1, [&] { ++calls; })));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(a.size() + b.size(), 1 + c.size());  // one value is gone, or one has come
}

TEST(select, an_ended_context_does_nothing_though_cases_are_ready) {
  channel<int> a(1);
  channel<std::unique_ptr<int>> b(1);
  channel<int> closed(1);
  closed.close();
  ASSERT_FALSE(a.try_send(1));
  const auto c = with_cancel(background());
  c.cancel();
  auto value = std::make_unique<int>(2);
  EXPECT_EQ(select(c.ctx, on_receive(a, must_not_run), on_send(b, std::move(value), must_not_run),
                   on_receive(closed, must_not_run, must_not_run))
                .get(),
            errc::canceled);
  EXPECT_NE(value, nullptr);
  EXPECT_EQ(a.size(), 1U);
  EXPECT_EQ(b.size(), 0U);
}

TEST(select, a_value_is_moved_from_only_if_its_case_happens) {
  channel<std::unique_ptr<int>> full(1);
  channel<int> ready(1);
  ASSERT_FALSE(full.try_send(std::make_unique<int>(1)));
  ASSERT_FALSE(ready.try_send(1));
  auto value = std::make_unique<int>(2);
  ASSERT_FALSE(select(background(), on_send(full, std::move(value), must_not_run),
                      on_receive(ready, nothing)));
  ASSERT_NE(value, nullptr);
  std::unique_ptr<int> out;
  ASSERT_FALSE(full.try_receive(out));
  ASSERT_FALSE(
      select(background(), on_send(full, std::move(value)), on_receive(ready, must_not_run)));
  EXPECT_EQ(value, nullptr);
  ASSERT_FALSE(full.try_receive(out));
  EXPECT_EQ(*out, 2);
}

TEST(select, an_lvalue_is_copied_and_kept) {
  channel<std::string> ch(1);
  std::string text = "text that is too long to live in the string itself";
  ASSERT_FALSE(select(background(), on_send(ch, text)));
  EXPECT_FALSE(text.empty());
  std::string got;
  ASSERT_FALSE(ch.try_receive(got));
  EXPECT_EQ(got, text);
}

TEST(select, a_closed_channel_drops_out_and_the_others_are_waited_for) {
  watched<int> closed(1);
  watched<int> open(1);
  closed.close();
  int got = 0;
  auto selected = aside([&] {
    return select(background(), on_receive(closed, must_not_run), on_send(closed, 1, must_not_run),
                  on_receive(open, [&](int value) { got = value; }))
        .get();
  });
  const at_exit rescue([&] { open.close(); });
  ASSERT_TRUE(spin_until([&] { return open.receivers() == 1; }));
  ASSERT_FALSE(open.send(background(), 3));
  ASSERT_TRUE(over(selected));
  EXPECT_FALSE(selected.get());
  EXPECT_EQ(got, 3);
}

TEST(select, says_closed_when_all_channels_are) {
  channel<int> a(1);
  channel<int> b(1);
  ASSERT_FALSE(a.try_send(1));
  a.close();
  b.close();
  int got = 0;
  const auto once = [&] {
    return select(background(), on_receive(a, [&](int value) { got += value; }),
                  on_send(b, 1, must_not_run))
        .get();
  };
  EXPECT_FALSE(once());  // drains first
  EXPECT_EQ(got, 1);
  EXPECT_EQ(once(), channel_errc::closed);
  EXPECT_EQ(got, 1);
}

TEST(select, hears_the_last_close_while_it_waits) {
  watched<int> a(1);
  watched<int> b(1);
  ASSERT_FALSE(b.try_send(1));
  auto selected = aside([&] {
    return select(background(), on_receive(a, must_not_run), on_send(b, 2, must_not_run)).get();
  });
  const at_exit rescue([&] {
    a.close();
    b.close();
  });
  ASSERT_TRUE(spin_until([&] { return a.receivers() == 1 && b.senders() == 1; }));
  a.close();
  EXPECT_EQ(b.senders(), 1U);
  b.close();
  ASSERT_TRUE(over(selected));
  EXPECT_EQ(selected.get(), channel_errc::closed);
}

TEST(select, a_case_that_asks_for_it_is_told_of_the_close_each_time) {
  channel<int> input(1);
  watched<int> other(1);
  channel<int> output(1);
  output.close();
  ASSERT_FALSE(input.try_send(1));
  input.close();
  int got = 0;
  int told = 0;
  const auto once = [&] {
    return select(background(),
                  on_receive(
                      input, [&](int value) { got += value; }, [&] { ++told; }),
                  on_receive(other, must_not_run))
        .get();
  };
  EXPECT_FALSE(once());
  EXPECT_EQ(got, 1);
  EXPECT_EQ(told, 0);
  EXPECT_FALSE(once());
  EXPECT_FALSE(once());
  EXPECT_EQ(told, 2);
  auto value = std::make_unique<int>(1);
  channel<std::unique_ptr<int>> shut(1);
  shut.close();
  EXPECT_FALSE(select(background(), on_receive(other, must_not_run),
                      on_send(shut, std::move(value), must_not_run, [&] { ++told; })));
  EXPECT_EQ(told, 3);
  EXPECT_NE(value, nullptr);
}

TEST(select, a_case_that_asks_for_it_is_told_of_a_close_while_it_waits) {
  watched<int> a(1);
  watched<int> b(1);
  int told = 0;
  auto selected = aside([&] {
    return select(background(), on_receive(a, must_not_run, [&] { ++told; }),
                  on_receive(b, must_not_run))
        .get();
  });
  const at_exit rescue([&] {
    a.close();
    b.close();
  });
  ASSERT_TRUE(spin_until([&] { return b.receivers() == 1 && a.receivers() == 1; }));
  a.close();
  ASSERT_TRUE(over(selected));
  EXPECT_FALSE(selected.get());
  EXPECT_EQ(told, 1);
  EXPECT_EQ(b.receivers(), 0U);
}

TEST(select, a_loop_over_two_inputs_gets_everything_and_ends_with_the_last) {
  channel<int> a(2);
  channel<int> b(2);
  const int each = rounds(2000);
  std::int64_t sum = 0;
  together(3, [&](int i) {
    if (i < 2) {
      for (int n = 1; n <= each * (i + 1); ++n) {
        EXPECT_FALSE((i == 0 ? a : b).send(background(), n));
      }
      (i == 0 ? a : b).close();
      return;
    }
    const auto add = [&](int value) { sum += value; };
    std::error_code ec;
    while (!ec) {
      ec = select(background(), on_receive(a, add), on_receive(b, add));
    }
    EXPECT_EQ(ec, channel_errc::closed);
  });
  const std::int64_t n = each;
  EXPECT_EQ(sum, n * (n + 1) / 2 + 2 * n * (2 * n + 1) / 2);
}

TEST(select, is_woken_by_each_of_its_cases) {
  for (const int which : {0, 1, 2}) {
    watched<int> a(1);
    watched<int> b(1);
    watched<int> c(1);
    ASSERT_FALSE(c.try_send(0));
    int happened = -1;
    auto selected = aside([&] {
      return select(background(), on_receive(a, [&](int) { happened = 0; }),
                    on_receive(b, [&](int) { happened = 1; }), on_send(c, 2, [&] { happened = 2; }))
          .get();
    });
    const at_exit rescue([&] {
      a.close();
      b.close();
      c.close();
    });
    ASSERT_TRUE(
        spin_until([&] { return a.receivers() == 1 && b.receivers() == 1 && c.senders() == 1; }));
    int got = 0;
    ASSERT_FALSE(which == 0 ? a.try_send(1) : which == 1 ? b.try_send(1) : c.try_receive(got));
    ASSERT_TRUE(over(selected));
    EXPECT_FALSE(selected.get());
    EXPECT_EQ(happened, which);
    EXPECT_EQ(a.receivers() + b.receivers() + c.senders(), 0U);  // it has left no trace
  }
}

TEST(select, is_woken_by_the_end_of_its_context) {
  for (const bool by_deadline : {false, true}) {
    watched<int> a(1);
    watched<int> b(1);
    ASSERT_FALSE(b.try_send(0));
    const auto above = with_cancel(background());
    const auto own = with_timeout(above.ctx, by_deadline ? 30ms : clock::duration(never));
    auto selected = aside([&] {
      return select(own.ctx, on_receive(a, must_not_run), on_send(b, 1, must_not_run)).get();
    });
    const at_exit rescue([&] {
      a.close();
      b.close();
    });
    EXPECT_TRUE(spin_until([&] { return b.senders() == 1 || own.ctx.done(); }));
    if (!by_deadline) {
      above.cancel();
    }
    ASSERT_TRUE(over(selected));
    EXPECT_EQ(selected.get(), by_deadline ? errc::deadline_exceeded : errc::canceled);
    EXPECT_EQ(a.receivers() + b.senders(), 0U);
    EXPECT_EQ(b.size(), 1U);
  }
}

TEST(select, functions_run_on_the_callers_thread_with_nothing_locked_or_registered) {
  watched<int> ch(1);
  watched<int> other(1);
  ASSERT_FALSE(ch.try_send(1));
  const auto here = std::this_thread::get_id();
  int inner = 0;
  ASSERT_FALSE(select(background(), on_receive(other, must_not_run), on_receive(ch, [&](int value) {
                        EXPECT_EQ(std::this_thread::get_id(), here);
                        EXPECT_EQ(ch.receivers() + other.receivers(), 0U);
                        EXPECT_FALSE(ch.try_send(value + 1));  // would hang here
                        EXPECT_FALSE(select(background(), on_receive(ch, [&](int v) { inner = v; }),
                                            on_receive(other, must_not_run)));
                        ch.close();
                      })));
  EXPECT_EQ(inner, 2);
}

TEST(select, what_a_function_throws_comes_out_and_the_value_has_been_received) {
  channel<int> ch(1);
  ASSERT_FALSE(ch.try_send(1));
  EXPECT_THROW(
      (void)select(background(), on_receive(ch, [](int) { throw std::runtime_error(""); })).get(),
      std::runtime_error);
  EXPECT_EQ(ch.size(), 0U);
  EXPECT_THROW(
      (void)select(background(), on_send(ch, 1, [] { throw std::runtime_error(""); })).get(),
      std::runtime_error);
  EXPECT_EQ(ch.size(), 1U);
}

TEST(select, a_value_that_cannot_be_moved_happens_to_no_case) {
  channel<fragile> ch(1);
  ASSERT_FALSE(ch.try_send(fragile(1)));
  fragile::constructions_to_fail = 1;
  EXPECT_THROW((void)select(background(), on_receive(ch, must_not_run)).get(), std::runtime_error);
  EXPECT_EQ(ch.size(), 1U);
  int got = 0;
  ASSERT_FALSE(select(background(), on_receive(ch, [&](fragile f) { got = f.value; })));
  EXPECT_EQ(got, 1);
  fragile kept(2);
  fragile::constructions_to_fail = 1;
  EXPECT_THROW((void)select(background(), on_send(ch, std::move(kept), must_not_run)).get(),
               std::runtime_error);
  EXPECT_EQ(ch.size(), 0U);
}

TEST(select, a_busy_channel_does_not_starve_the_others) {
  channel<int> busy(1);
  channel<int> also(1);
  channel<int> out(1);
  int taken[3] = {};
  for (int round = 0; round < 6000; ++round) {
    (void)busy.try_send(1);
    (void)also.try_send(1);
    int ignored = 0;
    (void)out.try_receive(ignored);
    ASSERT_FALSE(select(background(), on_receive(busy, [&](int) { ++taken[0]; }),
                        on_receive(also, [&](int) { ++taken[1]; }),
                        on_send(out, 1, [&] { ++taken[2]; })));
  }
  for (const int count : taken) {
    EXPECT_GT(count, 1000);  // of 2000 expected
  }
}

TEST(select, two_that_are_called_in_turn_do_not_always_start_at_the_same_case) {
  channel<int> a(1);
  channel<int> b(1);
  int taken[2][2] = {};
  for (int round = 0; round < 4000; ++round) {
    (void)a.try_send(1);
    (void)b.try_send(1);
    auto& mine = taken[round % 2];
    ASSERT_FALSE(select(background(), on_receive(a, [&](int) { ++mine[0]; }),
                        on_receive(b, [&](int) { ++mine[1]; })));
  }
  for (const auto& mine : taken) {
    EXPECT_GT(mine[0], 500);  // of 1000 expected
    EXPECT_GT(mine[1], 500);
  }
}

// One thread waits for two channels and is notified by both before it can go on; behind it, on each
// channel, waits another. It does one of the two, and must pass the other notification on. How both
// come first: the second is made inside the first, under the lock of the first channel, which the
// thread needs for whatever it does.
TEST(select, what_leaves_with_another_case_passes_its_notification_on) {
  for (int round = 0; round < rounds(150); ++round) {
    watched<loaded> a(1);
    watched<loaded> b(1);
    const bool sends = round % 2 == 0;  // its second case
    if (sends) {
      ASSERT_FALSE(b.try_send(loaded(0)));
    }
    const auto on_b = [&] { return sends ? b.senders() : b.receivers(); };
    std::atomic<int> first_took{0};
    auto first = aside([&] {
      const auto took_a = [&](loaded) { first_took = 1; };
      return sends ? select(background(), on_receive(a, took_a),
                            on_send(b, loaded(1), [&] { first_took = 2; }))
                         .get()
                   : select(background(), on_receive(a, took_a),
                            on_receive(b, [&](loaded) { first_took = 2; }))
                         .get();
    });
    ASSERT_TRUE(spin_until([&] { return a.receivers() == 1 && on_b() == 1; }));
    std::atomic<int> behind_done{0};
    const auto behind = [&](bool on_a) {
      loaded got;
      const auto ec = on_a || !sends ? (on_a ? a : b).receive(background(), got).get()
                                     : b.send(background(), loaded(2)).get();
      if (!ec) {
        behind_done = on_a ? 1 : 2;
      }
    };
    std::jthread on_a_too([&] { behind(true); });
    std::jthread on_b_too([&] { behind(false); });
    EXPECT_TRUE(spin_until([&] { return a.receivers() == 2 && on_b() == 2; }));
    loaded ignored;
    EXPECT_FALSE(a.try_send(loaded(3, loaded::going_in, [&] {
      EXPECT_FALSE(sends ? b.try_receive(ignored) : b.try_send(loaded(4)));
    })));
    const bool passed_on = over(first) && spin_until([&] { return behind_done != 0; });
    a.close();
    b.close();
    ASSERT_TRUE(passed_on) << "a wake-up was lost";
    EXPECT_FALSE(first.get());
    EXPECT_EQ(first_took + behind_done, 3);  // one did the one, the other the other
  }
}

TEST(select, what_leaves_with_its_context_passes_all_its_notifications_on) {
  for (int round = 0; round < rounds(150); ++round) {
    watched<loaded> a(1);
    watched<loaded> b(1);
    const auto c = with_cancel(background());
    auto first = aside([&] {
      return select(c.ctx, on_receive(a, must_not_run), on_receive(b, must_not_run)).get();
    });
    ASSERT_TRUE(spin_until([&] { return a.receivers() == 1 && b.receivers() == 1; }));
    loaded from_a;
    loaded from_b;
    auto on_a = aside([&] { return a.receive(background(), from_a).get(); });
    auto on_b = aside([&] { return b.receive(background(), from_b).get(); });
    ASSERT_TRUE(spin_until([&] { return a.receivers() == 2 && b.receivers() == 2; }));
    // The end first, then both notifications, all under the lock of the first channel.
    EXPECT_FALSE(a.try_send(loaded(1, loaded::going_in, [&] {
      EXPECT_FALSE(b.try_send(loaded(2, loaded::going_in, [&] { c.cancel(); })));
    })));
    const bool passed_on = over(on_a) && over(on_b);
    a.close();
    b.close();
    ASSERT_TRUE(passed_on) << "a wake-up was lost";
    EXPECT_EQ(first.get(), errc::canceled);
    EXPECT_EQ(from_a.value, 1);
    EXPECT_EQ(from_b.value, 2);
  }
}

TEST(select, the_same_channel_in_several_cases_gives_each_value_once) {
  for (int round = 0; round < rounds(150); ++round) {
    watched<int> ch(2);
    int sum = 0;
    const auto add = [&](int value) { sum += value; };
    auto twice = aside([&] {
      const std::error_code ec =
          select(background(), on_receive(ch, add), on_receive(ch, add), on_receive(ch, add));
      return ec ? ec : select(background(), on_receive(ch, add), on_receive(ch, add)).get();
    });
    EXPECT_TRUE(spin_until([&] { return ch.receivers() == 3; }));
    EXPECT_FALSE(ch.try_send(1));
    EXPECT_FALSE(ch.try_send(2));
    const bool done = over(twice);
    ch.close();
    ASSERT_TRUE(done);
    EXPECT_FALSE(twice.get());
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(ch.receivers(), 0U);
  }
}

// As many values are wanted as are sent, and nothing is closed: one lost wake-up, one value given
// twice, and somebody waits for ever or the numbers are wrong. Everybody uses all channels, in
// different orders, some to send and to receive in one select; visitors give up at any moment.
struct market {
  market(std::size_t width, std::size_t capacity) {
    for (std::size_t i = 0; i < width; ++i) {
      stalls.push_back(std::make_unique<channel<int>>(capacity));
    }
  }
  channel<int>& stall(std::size_t i) { return *stalls[i % stalls.size()]; }

  void sell(const context& ctx, std::size_t start) {
    int calls = 0;
    const int value = ++made;
    const auto count = [&] { ++calls; };
    const std::error_code ec =
        select(ctx, on_send(stall(start), value, count), on_send(stall(start + 1), value, count),
               on_send(stall(start + 2), value, count));
    wrong += calls != (ec ? 0 : 1);
    sold += calls * std::int64_t{value};
  }

  void buy(const context& ctx, std::size_t start) {
    int calls = 0;
    const auto count = [&](int value) {
      ++calls;
      bought += value;
    };
    const std::error_code ec =
        select(ctx, on_receive(stall(start), count), on_receive(stall(start + 1), count),
               on_receive(stall(start + 2), count));
    wrong += calls != (ec ? 0 : 1);
  }

  // Whichever it can. Answers how many values it has more than before.
  int trade(const context& ctx, std::size_t start) {
    int calls = 0;
    int gain = 0;
    const int value = ++made;
    const auto get = [&](int v) {
      ++calls;
      ++gain;
      bought += v;
    };
    const auto put = [&] {
      ++calls;
      --gain;
      sold += value;
    };
    const std::error_code ec =
        select(ctx, on_receive(stall(start), get), on_send(stall(start), value, put),
               on_send(stall(start + 1), value, put), on_receive(stall(start + 1), get));
    wrong += calls != (ec ? 0 : 1);
    return gain;
  }

  std::vector<std::unique_ptr<channel<int>>> stalls;
  std::atomic<int> made{0};
  std::atomic<std::int64_t> sold{0};
  std::atomic<std::int64_t> bought{0};
  std::atomic<int> wrong{0};
};

TEST(select, from_many_threads_does_each_case_once_and_loses_no_wake_up) {
  for (int seed = 0; seed < rounds(600); ++seed) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    market m(1 + random() % 3, 1 + random() % 2);
    const int pairs = 1 + static_cast<int>(random() % 2);
    const int each = 1 + static_cast<int>(random() % 12);
    const auto in_time = with_cancel(background());
    const auto& ctx = in_time.ctx;
    auto all = aside([&] {
      together(pairs * 2 + 3, [&](int i) {
        std::mt19937 own(static_cast<std::uint32_t>(seed * 16 + i));
        int gain = 0;
        for (int n = 0; n < each; ++n) {
          if (i < pairs) {
            m.sell(ctx, own());
          } else if (i < 2 * pairs) {
            m.buy(ctx, own());
          } else {
            const auto visit = with_timeout(ctx, std::chrono::microseconds(own() % 100));
            gain += m.trade(visit.ctx, own());
          }
        }
        for (; gain > 0 && !ctx.done(); --gain) {
          m.sell(ctx, own());
        }
        for (; gain < 0 && !ctx.done(); ++gain) {
          m.buy(ctx, own());
        }
      });
    });
    const bool done = over(all);
    in_time.cancel();
    ASSERT_TRUE(done) << "somebody waits for ever, seed " << seed;
    all.get();
    ASSERT_EQ(m.wrong, 0) << "seed " << seed;
    ASSERT_EQ(m.sold, m.bought) << "seed " << seed;
    for (const auto& stall : m.stalls) {
      ASSERT_EQ(stall->size(), 0U) << "seed " << seed;
    }
  }
}

// The same with channels that are closed under way: nothing is lost or doubled.
TEST(select, what_was_sent_is_received_or_left_whatever_is_closed_when) {
  for (int seed = 0; seed < rounds(300); ++seed) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    market m(1 + random() % 3, 1 + random() % 3);
    const auto in_time = with_cancel(background());
    const auto close_after = std::chrono::microseconds(random() % 1000);
    auto all = aside([&] {
      together(5, [&](int i) {
        std::mt19937 own(static_cast<std::uint32_t>(seed * 16 + i));
        if (i == 0) {
          for (const auto& stall : m.stalls) {
            EXPECT_FALSE(sleep_for(background(), close_after).get());
            stall->close();
          }
          return;
        }
        for (int n = 0; n < 200; ++n) {
          const auto visit = with_timeout(in_time.ctx, std::chrono::microseconds(own() % 100));
          i % 2 == 0 ? m.sell(visit.ctx, own()) : static_cast<void>(m.trade(visit.ctx, own()));
        }
        if (i == 1) {  // until all are closed and drained
          const auto add = [&](int value) { m.bought += value; };
          std::error_code ec;
          while (!ec) {
            ec = select(in_time.ctx, on_receive(m.stall(0), add), on_receive(m.stall(1), add),
                        on_receive(m.stall(2), add));
          }
          m.wrong += ec != channel_errc::closed && !in_time.ctx.done();
        }
      });
    });
    const bool done = over(all);
    in_time.cancel();
    ASSERT_TRUE(done) << "somebody waits for ever, seed " << seed;
    all.get();
    ASSERT_EQ(m.wrong, 0) << "seed " << seed;
    for (const auto& stall : m.stalls) {
      for (int value = 0; !stall->try_receive(value);) {
        m.bought += value;
      }
    }
    ASSERT_EQ(m.sold, m.bought) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hangup
