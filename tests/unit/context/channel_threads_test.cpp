// channel<T> between threads: who waits, who is woken, and that nothing is lost.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <functional>
#include <latch>
#include <memory>
#include <random>
#include <string>

#include "hangup/context/channel.h"
#include "hangup/context/wait.h"
#include "tests/unit/context/channel_support.h"

namespace hangup {
namespace {

using namespace test;

TEST(channel, a_sender_waits_for_room) {
  watched<int> ch(1);
  ASSERT_FALSE(ch.send(background(), 1));
  auto sent = aside([&] { return ch.send(background(), 2); });
  const at_exit rescue([&] { ch.close(); });
  ASSERT_TRUE(spin_until([&] { return ch.senders() == 1; }));
  int got = 0;
  ASSERT_FALSE(ch.receive(background(), got));
  ASSERT_TRUE(over(sent));
  EXPECT_FALSE(sent.get());
  ASSERT_FALSE(ch.receive(background(), got));
  EXPECT_EQ(got, 2);
}

TEST(channel, a_receiver_waits_for_a_value) {
  watched<int> ch(1);
  int got = 0;
  auto received = aside([&] { return ch.receive(background(), got); });
  const at_exit rescue([&] { ch.close(); });
  ASSERT_TRUE(spin_until([&] { return ch.receivers() == 1; }));
  ASSERT_FALSE(ch.send(background(), 1));
  ASSERT_TRUE(over(received));
  EXPECT_FALSE(received.get());
  EXPECT_EQ(got, 1);
}

TEST(channel, those_that_wait_are_served_in_the_order_in_which_they_came) {
  watched<int> ch(1);
  std::atomic<int> served[3] = {};
  std::vector<std::jthread> threads;
  const at_exit rescue([&] { ch.close(); });
  for (std::size_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      int got = -1;
      (void)ch.receive(background(), got);
      served[i] = got;
    });
    ASSERT_TRUE(spin_until([&] { return ch.receivers() == i + 1; }));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_FALSE(ch.send(background(), static_cast<int>(i) + 10));
    ASSERT_TRUE(spin_until([&] { return served[i] != 0; }));
    EXPECT_EQ(served[i], static_cast<int>(i) + 10);
  }
}

// A value comes, wakes the first of two, and is gone again before that one has come to it: most
// times. If it was quicker the round says nothing.
TEST(channel, one_that_was_woken_in_vain_keeps_its_place) {
  int told = 0;
  for (int round = 0; round < 1000 && told < 20; ++round) {
    watched<int> ch(1);
    std::atomic<int> got[2] = {};
    std::vector<std::jthread> threads;
    const at_exit rescue([&] { ch.close(); });
    for (std::size_t i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        int value = -1;
        (void)ch.receive(background(), value);
        got[i] = value;
      });
      ASSERT_TRUE(spin_until([&] { return ch.receivers() == i + 1; }));
    }
    int taken_back = 0;
    ASSERT_FALSE(ch.try_send(1));
    const bool in_vain = !ch.try_receive(taken_back);
    if (in_vain) {
      EXPECT_TRUE(spin_until([&] { return ch.receivers() == 2; }));
      EXPECT_FALSE(ch.send(background(), 2));
      EXPECT_TRUE(spin_until([&] { return got[0] + got[1] != 0; }));
      EXPECT_EQ(got[0], 2);
      ++told;
    }
  }
  EXPECT_GT(told, 0);
}

// Seen by the time that its thread has run: a thread that sleeps uses next to nothing.
TEST(channel, one_that_was_woken_in_vain_sleeps_again) {
  watched<int> ch(1);
  auto time_run = aside([&] {
    int ignored = 0;
    EXPECT_FALSE(ch.receive(background(), ignored));
    timespec run{};
    EXPECT_EQ(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &run), 0);
    return std::chrono::seconds(run.tv_sec) + std::chrono::nanoseconds(run.tv_nsec);
  });
  const at_exit rescue([&] { ch.close(); });
  ASSERT_TRUE(spin_until([&] { return ch.receivers() == 1; }));
  ASSERT_FALSE(ch.try_send(1));
  int taken_back = 0;
  if (!ch.try_receive(taken_back)) {  // else the receiver was quicker, and is gone
    ASSERT_TRUE(spin_until([&] { return ch.receivers() == 1; }));
    ASSERT_FALSE(sleep_for(background(), 300ms).get());
    ASSERT_FALSE(ch.try_send(2));
  }
  ASSERT_TRUE(over(time_run));
  EXPECT_LT(time_run.get(), 100ms);
}

// What ends a thread that waits, and with which error.
struct ending {
  const char* how;
  std::error_code expected;
  std::function<cancelable(const context&)> derive;
  std::function<void(const cancelable& above, const cancelable& own)> end;
};

std::vector<ending> all_endings() {
  return {
      {"cancel", errc::canceled, [](const context& above) { return with_cancel(above); },
       [](const cancelable&, const cancelable& own) { own.cancel(); }},
      {"cancel of the parent", errc::canceled,
       [](const context& above) { return with_timeout(above, never); },
       [](const cancelable& above, const cancelable&) { above.cancel(); }},
      {"deadline", errc::deadline_exceeded,
       [](const context& above) { return with_timeout(above, 30ms); },
       [](const cancelable&, const cancelable&) {}},
  };
}

TEST(channel, a_receiver_that_waits_is_woken_by_the_end_of_its_context) {
  for (const auto& e : all_endings()) {
    SCOPED_TRACE(e.how);
    watched<int> ch(1);
    const auto above = with_cancel(background());
    const auto own = e.derive(above.ctx);
    int got = 7;
    auto received = aside([&] { return ch.receive(own.ctx, got); });
    EXPECT_TRUE(spin_until([&] { return ch.receivers() == 1 || own.ctx.done(); }));
    e.end(above, own);
    const bool woken = over(received);
    ch.close();
    EXPECT_TRUE(woken);
    EXPECT_EQ(received.get(), e.expected);
    EXPECT_EQ(got, 7);
  }
}

TEST(channel, a_sender_that_waits_is_woken_by_the_end_of_its_context) {
  for (const auto& e : all_endings()) {
    SCOPED_TRACE(e.how);
    watched<int> ch(1);
    ASSERT_FALSE(ch.try_send(1));
    const auto above = with_cancel(background());
    const auto own = e.derive(above.ctx);
    auto sent = aside([&] { return ch.send(own.ctx, 2); });
    EXPECT_TRUE(spin_until([&] { return ch.senders() == 1 || own.ctx.done(); }));
    e.end(above, own);
    const bool woken = over(sent);
    ch.close();
    EXPECT_TRUE(woken);
    EXPECT_EQ(sent.get(), e.expected);
    int got = 0;
    ASSERT_FALSE(ch.try_receive(got));
    EXPECT_EQ(got, 1);
    EXPECT_EQ(ch.try_receive(got), channel_errc::closed);  // and nothing else
  }
}

TEST(channel, the_end_of_one_context_leaves_other_waiters_waiting) {
  watched<int> ch(1);
  const auto c = with_cancel(background());
  int got = 0;
  auto leaves = aside([&] {
    int unused = 0;
    return ch.receive(c.ctx, unused);
  });
  ASSERT_TRUE(spin_until([&] { return ch.receivers() == 1; }));
  auto stays = aside([&] { return ch.receive(background(), got); });
  ASSERT_TRUE(spin_until([&] { return ch.receivers() == 2; }));
  c.cancel();
  EXPECT_TRUE(over(leaves));
  EXPECT_EQ(ch.receivers(), 1U);
  EXPECT_FALSE(ch.try_send(1));
  EXPECT_TRUE(over(stays));
  ch.close();
  EXPECT_EQ(leaves.get(), errc::canceled);
  EXPECT_FALSE(stays.get());
  EXPECT_EQ(got, 1);
}

TEST(channel, close_wakes_all_that_wait) {
  watched<int> full(1);
  watched<int> empty(1);
  ASSERT_FALSE(full.try_send(1));
  const auto in_time = with_cancel(background());
  std::atomic<int> closed{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { closed += full.send(in_time.ctx, 2) == channel_errc::closed; });
    threads.emplace_back([&] {
      int got = 0;
      closed += empty.receive(in_time.ctx, got) == channel_errc::closed;
    });
  }
  EXPECT_TRUE(spin_until([&] { return full.senders() == 4 && empty.receivers() == 4; }));
  full.close();
  empty.close();
  EXPECT_TRUE(spin_until([&] { return closed == 8; }));
  in_time.cancel();
  threads.clear();
  int got = 0;
  EXPECT_FALSE(full.try_receive(got));
  EXPECT_EQ(full.try_receive(got), channel_errc::closed);
}

// Two wait, and the one that came first cannot use its turn. Both are there when `turn` gives it to
// the first; if that one does not pass it on, the second sleeps for ever.
void expect_second_is_served(const std::function<std::error_code()>& first,
                             const std::function<std::error_code()>& second,
                             const std::function<bool(std::size_t)>& waiting,
                             const std::function<void()>& turn, const std::function<void()>& rescue,
                             std::error_code expected_of_first) {
  auto leaves = aside(first);
  ASSERT_TRUE(spin_until([&] { return waiting(1); }));
  auto stays = aside(second);
  ASSERT_TRUE(spin_until([&] { return waiting(2); }));
  turn();
  const bool woken = over(stays);
  rescue();
  ASSERT_TRUE(woken) << "a wake-up was lost";
  EXPECT_FALSE(stays.get());
  EXPECT_EQ(leaves.get(), expected_of_first);
}

const auto by_exception = std::make_error_code(std::errc::io_error);

std::error_code caught(const std::function<std::error_code()>& f) {
  try {
    return f();
  } catch (const std::runtime_error&) {
    return by_exception;
  }
}

// In the next two the context ends under the channel's lock, just before the first waiter is
// notified. It has the lock to take before it can leave, so it leaves with the notification.
TEST(channel, a_receiver_that_leaves_with_its_context_passes_its_notification_on) {
  for (int round = 0; round < rounds(100); ++round) {
    watched<loaded> ch(1);
    const auto c = with_cancel(background());
    loaded unused;
    loaded got;
    expect_second_is_served(
        [&] { return ch.receive(c.ctx, unused); }, [&] { return ch.receive(background(), got); },
        [&](std::size_t n) { return ch.receivers() == n; },
        [&] {
          ASSERT_FALSE(ch.send(background(), loaded(round, loaded::going_in, [&] { c.cancel(); })));
        },
        [&] { ch.close(); }, errc::canceled);
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(got.value, round);
  }
}

TEST(channel, a_sender_that_leaves_with_its_context_passes_its_notification_on) {
  for (int round = 0; round < rounds(100); ++round) {
    watched<loaded> ch(1);
    const auto c = with_cancel(background());
    ASSERT_FALSE(ch.try_send(loaded(1, loaded::coming_out, [&] { c.cancel(); })));
    loaded got;
    expect_second_is_served(
        [&] { return ch.send(c.ctx, loaded(2)); }, [&] { return ch.send(background(), loaded(3)); },
        [&](std::size_t n) { return ch.senders() == n; },
        [&] { ASSERT_FALSE(ch.receive(background(), got)); }, [&] { ch.close(); }, errc::canceled);
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_FALSE(ch.receive(background(), got));
    EXPECT_EQ(got.value, 3);
  }
}

TEST(channel, a_receiver_that_leaves_with_an_exception_passes_its_notification_on) {
  for (int round = 0; round < rounds(100); ++round) {
    watched<loaded> ch(1);
    loaded unused;
    loaded got;
    const auto fail = [] { throw std::runtime_error("cannot be moved"); };
    expect_second_is_served(
        [&] { return caught([&] { return ch.receive(background(), unused); }); },
        [&] { return ch.receive(background(), got); },
        [&](std::size_t n) { return ch.receivers() == n; },
        [&] { ASSERT_FALSE(ch.send(background(), loaded(round, loaded::coming_out, fail))); },
        [&] { ch.close(); }, by_exception);
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(got.value, round);
  }
}

TEST(channel, a_sender_that_leaves_with_an_exception_passes_its_notification_on) {
  for (int round = 0; round < rounds(100); ++round) {
    watched<loaded> ch(1);
    ASSERT_FALSE(ch.try_send(loaded(1)));
    const auto fail = [] { throw std::runtime_error("cannot be moved"); };
    loaded got;
    expect_second_is_served(
        [&] {
          return caught([&] { return ch.send(background(), loaded(2, loaded::going_in, fail)); });
        },
        [&] { return ch.send(background(), loaded(3)); },
        [&](std::size_t n) { return ch.senders() == n; },
        [&] { ASSERT_FALSE(ch.receive(background(), got)); }, [&] { ch.close(); }, by_exception);
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_FALSE(ch.receive(background(), got));
    EXPECT_EQ(got.value, 3);
  }
}

// Nobody comes to the rescue: each value is meant for somebody who waits until it is there, and
// nothing is closed. Visitors give up at any moment and put back what they were given.
TEST(channel, no_wake_up_is_lost_to_visitors_that_give_up) {
  for (int seed = 0; seed < rounds(800); ++seed) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    const int receivers = 1 + static_cast<int>(random() % 3);
    const int each = 1 + static_cast<int>(random() % 8);
    watched<int> ch(1 + random() % 3);
    const auto in_time = with_cancel(background());
    auto all = aside([&] {
      std::atomic<std::int64_t> sum{0};
      together(receivers * 2 + 3, [&](int i) {
        std::mt19937 own(static_cast<std::uint32_t>(seed * 16 + i));
        for (int n = 0; n < each; ++n) {
          if (i < receivers) {
            int got = 0;
            sum += ch.receive(in_time.ctx, got) ? 0 : got;
          } else if (i < receivers * 2) {
            (void)ch.send(in_time.ctx, n);
          } else {
            const auto visit = with_timeout(in_time.ctx, std::chrono::microseconds(own() % 100));
            int got = 0;
            if (!ch.receive(visit.ctx, got)) {
              (void)ch.send(in_time.ctx, got);
            }
          }
        }
      });
      return sum.load();
    });
    const bool done = over(all);
    const auto size = ch.size();
    const auto senders = ch.senders();
    const auto left_waiting = ch.receivers();
    in_time.cancel();
    ASSERT_TRUE(done) << "seed " << seed << ": " << size << " values in it, " << senders
                      << " senders and " << left_waiting << " receivers wait";
    ASSERT_EQ(all.get(), receivers * each * (each - 1) / 2) << "seed " << seed;
    ASSERT_EQ(ch.size(), 0U);
  }
}

// All the ways to send and to receive, with contexts that end while they wait and a channel that is
// closed at any moment: what was sent has been received, or is left.
TEST(channel, what_was_sent_is_received_or_left_whatever_ends_when) {
  for (int seed = 0; seed < rounds(300); ++seed) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    channel<std::unique_ptr<std::int64_t>> ch(1 + random() % 4);
    const int senders = 1 + static_cast<int>(random() % 4);
    const int receivers = 1 + static_cast<int>(random() % 4);
    const auto close_after = std::chrono::microseconds(random() % 2000);
    std::atomic<std::int64_t> sent{0};
    std::atomic<std::int64_t> received{0};
    std::atomic<int> wrong{0};
    const auto whole = with_cancel(background());
    together(senders + receivers + 1, [&](int i) {
      std::mt19937 own(static_cast<std::uint32_t>(seed * 16 + i));
      if (i == 0) {
        EXPECT_FALSE(sleep_for(background(), close_after).get());
        ch.close();
        return;
      }
      const bool sender = i <= senders;
      for (std::int64_t n = 1;; ++n) {
        const auto c = own() % 4 == 0
                           ? with_timeout(whole.ctx, std::chrono::microseconds(own() % 50))
                           : with_cancel(whole.ctx);
        std::error_code ec;
        std::unique_ptr<std::int64_t> value;
        if (sender) {
          value = std::make_unique<std::int64_t>(n * 16 + i);
          const auto number = *value;
          ec = own() % 3 == 0 ? ch.try_send(std::move(value)) : ch.send(c.ctx, std::move(value));
          sent += ec ? 0 : number;
        } else {
          ec = own() % 3 == 0 ? ch.try_receive(value) : ch.receive(c.ctx, value);
          received += ec ? 0 : *value;
          wrong += (value != nullptr) == static_cast<bool>(ec);
        }
        if (ec == channel_errc::closed || (!sender && n == 300)) {  // some leave before the end
          return;
        }
        wrong += ec && ec != errc::deadline_exceeded && ec != channel_errc::empty &&
                 ec != channel_errc::full;
      }
    });
    std::int64_t left = 0;
    std::unique_ptr<std::int64_t> value;
    while (!ch.try_receive(value)) {
      left += *value;
    }
    ASSERT_EQ(sent, received + left) << "seed " << seed;
    ASSERT_EQ(wrong, 0) << "seed " << seed;
  }
}

TEST(channel, a_value_and_the_end_of_the_context_at_once_lose_neither) {
  for (int round = 0; round < rounds(2000); ++round) {
    channel<int> ch(1);
    const auto c = with_cancel(background());
    std::error_code ec;
    int got = 0;
    together(3, [&](int i) {
      if (i == 0) {
        ec = ch.receive(c.ctx, got);
      } else if (i == 1) {
        EXPECT_FALSE(ch.send(background(), 1));
      } else {
        c.cancel();
      }
    });
    if (ec) {
      ASSERT_EQ(ec, errc::canceled);
      ASSERT_EQ(got, 0);
      ASSERT_EQ(ch.size(), 1U);
    } else {
      ASSERT_EQ(got, 1);
      ASSERT_EQ(ch.size(), 0U);
    }
  }
}

TEST(channel, of_a_send_and_a_close_at_once_the_receiver_sees_both_or_the_close_alone) {
  for (int round = 0; round < rounds(2000); ++round) {
    channel<int> ch(1);
    std::error_code sent;
    std::error_code first;
    std::error_code second;
    int got = 0;
    together(3, [&](int i) {
      if (i == 0) {
        sent = ch.send(background(), 1);
      } else if (i == 1) {
        ch.close();
      } else {
        first = ch.receive(background(), got);
        second = ch.receive(background(), got);
      }
    });
    ASSERT_EQ(second, channel_errc::closed);
    ASSERT_EQ(sent, first);  // both without an error, or both `closed`
    ASSERT_EQ(got, sent ? 0 : 1);
  }
}

TEST(channel, may_be_destroyed_by_whoever_saw_the_last_effect) {
  enum { of_a_send, of_a_send_that_had_to_wait, of_a_close, kinds };
  for (int round = 0; round < rounds(2000); ++round) {
    auto* const ch = new watched<int>(1);
    const int effect = round % kinds;
    if (effect == of_a_send_that_had_to_wait) {
      ASSERT_FALSE(ch->try_send(0));
    }
    together(2, [&](int i) {
      if (i == 0) {
        EXPECT_FALSE(ch->send(background(), 1));
        if (effect == of_a_close) {
          ch->close();
        }
        return;
      }
      int got = 0;
      if (effect == of_a_send_that_had_to_wait) {
        EXPECT_TRUE(spin_until([&] { return ch->senders() == 1; }));
        EXPECT_FALSE(ch->receive(background(), got));
      }
      EXPECT_FALSE(ch->receive(background(), got));
      EXPECT_EQ(got, 1);
      if (effect == of_a_close) {
        EXPECT_EQ(ch->receive(background(), got), channel_errc::closed);
      }
      delete ch;
    });
  }
}

// For TSan: nothing but the channel orders these accesses.
TEST(channel, a_receiver_sees_what_the_sender_did_before_it_sent) {
  channel<int*> ch(2);
  std::vector<int> cells(static_cast<std::size_t>(rounds(5000)));
  together(2, [&](int i) {
    if (i == 0) {
      int value = 0;
      for (auto& cell : cells) {
        cell = ++value;
        EXPECT_FALSE(ch.send(background(), &cell));
      }
      ch.close();
    } else {
      int value = 0;
      for (int* cell = nullptr; !ch.receive(background(), cell);) {
        ASSERT_EQ(*cell, ++value);
      }
      ASSERT_EQ(static_cast<std::size_t>(value), cells.size());
    }
  });
}

TEST(channel, with_room_for_one_it_is_a_mutex) {
  channel<int> turn(1);
  int counter = 0;
  const int each = rounds(2000);
  together(4, [&](int) {
    for (int n = 0; n < each; ++n) {
      int ignored = 0;
      ASSERT_FALSE(turn.send(background(), 0));
      ++counter;
      ASSERT_FALSE(turn.receive(background(), ignored));
    }
  });
  EXPECT_EQ(counter, 4 * each);
}

TEST(channel, all_stages_of_a_pipeline_end_with_the_context_wherever_they_are) {
  for (const bool stuck : {false, true}) {  // on their output, or idle on their input
    watched<int> first(1);
    watched<int> second(1);
    const auto c = with_cancel(background());
    const auto feed = [&] {
      std::error_code ec;
      for (int n = 0; !ec; ++n) {
        ec = stuck || n < 2 ? first.send(c.ctx, n) : wait_done(c.ctx);
      }
      return ec;
    };
    const auto pass_on = [&] {
      for (int n = 0;;) {
        if (const auto ec = first.receive(c.ctx, n)) {
          return ec;
        }
        if (const auto ec = second.send(c.ctx, n)) {
          return ec;
        }
      }
    };
    const auto drain = [&] {
      std::error_code ec;
      for (int n = 0; !ec;) {
        ec = stuck ? wait_done(c.ctx) : second.receive(c.ctx, n);
      }
      return ec;
    };
    std::vector<std::future<std::error_code>> stages;
    stages.push_back(aside(feed));
    stages.push_back(aside(pass_on));
    stages.push_back(aside(drain));
    EXPECT_TRUE(spin_until([&] {
      return stuck ? first.senders() == 1 && second.senders() == 1
                   : first.receivers() == 1 && second.receivers() == 1;
    }));
    c.cancel();
    for (auto& stage : stages) {
      EXPECT_TRUE(over(stage));
      EXPECT_EQ(stage.get(), errc::canceled);
    }
  }
}

}  // namespace
}  // namespace hangup
