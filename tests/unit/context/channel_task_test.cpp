// channel<T> and select() in tasks, alone and together with threads.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "hangup/context/select.h"
#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "tests/unit/context/task_support.h"

namespace hangup {
namespace {

using namespace test;

constexpr auto not_this = [](auto&&...) { ADD_FAILURE() << "the wrong case"; };

TEST(channel_task, values_go_between_tasks_of_one_thread_in_their_order) {
  channel<std::string> lines(2);
  std::vector<std::string> got;
  const auto both = [&](awaited_task_group& stages) {
    stages.go([&](const context& ctx) -> task<std::error_code> {
      std::error_code ec;
      for (int n = 0; n < 100 && !ec; ++n) {
        ec = co_await lines.send(ctx, "line " + std::to_string(n));
      }
      lines.close();
      co_return ec;
    });
    stages.go([&](const context& ctx) -> task<> {
      for (std::string next; !co_await lines.receive(ctx, next);) {
        got.push_back(next);
      }
    });
  };
  EXPECT_EQ(run_blocking(with_task_group(background(), both)), std::error_code());
  ASSERT_EQ(got.size(), 100U);
  for (int n = 0; n < 100; ++n) {
    EXPECT_EQ(got[static_cast<std::size_t>(n)], "line " + std::to_string(n));
  }
}

TEST(channel_task, a_wait_that_is_over_at_once_does_not_suspend) {
  channel<int> ch(1);
  const auto work = [&]() -> task<int> {
    int sum = 0;
    for (int n = 0; n < rounds(100'000); ++n) {
      if (co_await ch.send(background(), n)) {
        co_return -1;
      }
      int got = -1;
      if (co_await ch.receive(background(), got)) {
        co_return -1;
      }
      sum += got == n;
    }
    co_return sum;
  };
  EXPECT_EQ(run_blocking(work()), rounds(100'000));
}

TEST(channel_task, a_value_that_is_not_sent_is_destroyed_and_the_reason_is_said) {
  channel<std::unique_ptr<int>> ch(1);
  const auto ended = with_cancel(background());
  ended.cancel();
  const auto work = [&]() -> task<> {
    const std::error_code canceled = co_await ch.send(ended.ctx, std::make_unique<int>(1));
    EXPECT_EQ(canceled, errc::canceled);
    ch.close();
    const std::error_code closed = co_await ch.send(background(), std::make_unique<int>(1));
    EXPECT_EQ(closed, channel_errc::closed);
    std::unique_ptr<int> got;
    const std::error_code empty = co_await ch.receive(background(), got);
    EXPECT_EQ(empty, channel_errc::closed);
    EXPECT_EQ(got, nullptr);
  };
  run_blocking(work());
}

TEST(channel_task, threads_and_tasks_are_served_in_the_order_in_which_they_came) {
  watched<int> ch(1);
  std::atomic<int> served[4] = {};
  std::vector<std::future<std::error_code>> waiting;
  loop tasks({.name = "tasks", .threads = 2});
  const at_exit rescue([&] { ch.close(); });
  for (std::size_t i = 0; i < 4; ++i) {
    if (i % 2 == 0) {
      waiting.push_back(in_task(tasks, background(),
                                [&ch, &served, i](const context& ctx) -> task<std::error_code> {
                                  int got = -1;
                                  const std::error_code ec = co_await ch.receive(ctx, got);
                                  served[i] = got;
                                  co_return ec;
                                }));
    } else {
      waiting.push_back(in_thread(background(), [&ch, &served, i](const context& ctx) {
        int got = -1;
        const std::error_code ec = ch.receive(ctx, got);
        served[i] = got;
        return ec;
      }));
    }
    ASSERT_TRUE(spin_until([&] { return ch.receivers() == i + 1; }));
  }
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_FALSE(ch.send(background(), static_cast<int>(i) + 10));
    ASSERT_TRUE(spin_until([&] { return served[i] != 0; }));
    EXPECT_EQ(served[i], static_cast<int>(i) + 10);
  }
}

// As the test of the same name for threads: a round in which the task was quicker says nothing.
TEST(channel_task, one_that_was_woken_in_vain_keeps_its_place_and_is_not_resumed) {
  int told = 0;
  loop tasks({.name = "tasks"});
  for (int round = 0; round < 1000 && told < 20; ++round) {
    watched<int> ch(1);
    std::atomic<int> got[2] = {};
    std::vector<std::future<std::error_code>> waiting;
    const at_exit rescue([&] {
      ch.close();
      for (auto& w : waiting) {
        w.wait();
      }
    });
    for (std::size_t i = 0; i < 2; ++i) {
      waiting.push_back(
          in_task(tasks, background(), [&ch, &got, i](const context& ctx) -> task<std::error_code> {
            int value = -1;
            const std::error_code ec = co_await ch.receive(ctx, value);
            got[i] = value;
            co_return ec;
          }));
      ASSERT_TRUE(spin_until([&] { return ch.receivers() == i + 1; }));
    }
    int taken_back = 0;
    ASSERT_FALSE(ch.try_send(1));
    if (!ch.try_receive(taken_back)) {
      EXPECT_TRUE(spin_until([&] { return ch.receivers() == 2; }));
      EXPECT_EQ(got[0] + got[1], 0);
      EXPECT_FALSE(ch.send(background(), 2));
      EXPECT_TRUE(spin_until([&] { return got[0] + got[1] != 0; }));
      EXPECT_EQ(got[0], 2);
      ++told;
    }
  }
  EXPECT_GT(told, 0);
}

TEST(channel_task, the_end_of_its_context_wakes_a_task_that_waits_whatever_for) {
  for (const bool by_deadline : {false, true}) {
    watched<int> empty(1);
    watched<int> full(1);
    ASSERT_FALSE(full.try_send(1));
    const auto above = with_cancel(background());
    const auto own = with_timeout(above.ctx, by_deadline ? 30ms : clock::duration(never));
    std::vector<std::future<std::error_code>> waiting;
    loop tasks({.name = "tasks", .threads = 2});
    waiting.push_back(in_task(tasks, own.ctx, [&](const context& ctx) -> task<std::error_code> {
      int got = 0;
      co_return co_await empty.receive(ctx, got);
    }));
    waiting.push_back(in_task(tasks, own.ctx, [&](const context& ctx) -> task<std::error_code> {
      co_return co_await full.send(ctx, 2);
    }));
    waiting.push_back(in_task(tasks, own.ctx, [&](const context& ctx) -> task<std::error_code> {
      co_return co_await select(ctx, on_receive(empty, not_this), on_send(full, 3, not_this));
    }));
    EXPECT_TRUE(spin_until(
        [&] { return (empty.receivers() == 2 && full.senders() == 2) || own.ctx.done(); }));
    if (!by_deadline) {
      above.cancel();
    }
    for (auto& w : waiting) {
      ASSERT_TRUE(over(w));
      EXPECT_EQ(w.get(), by_deadline ? errc::deadline_exceeded : errc::canceled);
    }
    EXPECT_EQ(empty.receivers() + full.senders(), 0U);
    EXPECT_EQ(full.size(), 1U);
  }
}

TEST(channel_task, close_wakes_all_tasks_that_wait) {
  watched<int> full(1);
  watched<int> empty(1);
  ASSERT_FALSE(full.try_send(1));
  std::vector<std::future<std::error_code>> waiting;
  loop tasks({.name = "tasks", .threads = 2});
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(in_task(tasks, background(), [&](const context& c) -> task<std::error_code> {
      co_return co_await full.send(c, 2);
    }));
    waiting.push_back(in_task(tasks, background(), [&](const context& c) -> task<std::error_code> {
      int got = 0;
      co_return co_await empty.receive(c, got);
    }));
  }
  EXPECT_TRUE(spin_until([&] { return full.senders() == 4 && empty.receivers() == 4; }));
  full.close();
  empty.close();
  for (auto& w : waiting) {
    ASSERT_TRUE(over(w));
    EXPECT_EQ(w.get(), channel_errc::closed);
  }
}

TEST(channel_task, a_task_that_leaves_with_its_context_passes_its_notification_on_to_a_thread) {
  for (int round = 0; round < rounds(100); ++round) {
    watched<loaded> ch(1);
    const auto c = with_cancel(background());
    loaded got;
    loop tasks({.name = "tasks"});
    auto leaves = in_task(tasks, c.ctx, [&](const context& ctx) -> task<std::error_code> {
      loaded unused;
      co_return co_await ch.receive(ctx, unused);
    });
    ASSERT_TRUE(spin_until([&] { return ch.receivers() == 1; }));
    auto stays = in_thread(
        background(), [&](const context& ctx) -> std::error_code { return ch.receive(ctx, got); });
    ASSERT_TRUE(spin_until([&] { return ch.receivers() == 2; }));
    // The context ends under the channel's lock, before the first of them is notified.
    EXPECT_FALSE(ch.try_send(loaded(round, loaded::going_in, [&] { c.cancel(); })));
    const bool woken = over(stays);
    ch.close();
    ASSERT_TRUE(woken) << "a wake-up was lost";
    EXPECT_FALSE(stays.get());
    EXPECT_EQ(leaves.get(), errc::canceled);
    EXPECT_EQ(got.value, round);
  }
}

TEST(channel_task, an_exception_of_a_move_reaches_a_task_that_was_suspended) {
  for (int round = 0; round < rounds(100); ++round) {
    watched<loaded> ch(1);
    loaded got;
    loop tasks({.name = "tasks"});
    auto leaves = in_task(tasks, background(), [&](const context& ctx) -> task<std::error_code> {
      loaded unused;
      co_return co_await ch.receive(ctx, unused);
    });
    ASSERT_TRUE(spin_until([&] { return ch.receivers() == 1; }));
    auto stays = in_task(tasks, background(), [&](const context& ctx) -> task<std::error_code> {
      co_return co_await ch.receive(ctx, got);
    });
    ASSERT_TRUE(spin_until([&] { return ch.receivers() == 2; }));
    EXPECT_FALSE(ch.try_send(
        loaded(round, loaded::coming_out, [] { throw std::runtime_error("cannot be moved"); })));
    const bool woken = over(stays);
    ch.close();
    ASSERT_TRUE(woken) << "a wake-up was lost";
    EXPECT_FALSE(stays.get());
    EXPECT_EQ(got.value, round);
    EXPECT_THROW(static_cast<void>(leaves.get()), std::runtime_error);
  }
}

TEST(select_task, the_case_that_happens_runs_in_the_task_with_nothing_registered) {
  watched<int> a(1);
  watched<std::string> b(1);
  int happened = 0;
  const auto both = [&](awaited_task_group& group) {
    group.go([&](const context& ctx) -> task<std::error_code> {
      const auto here = std::this_thread::get_id();
      co_return co_await select(ctx, on_receive(a, not_this),
                                on_receive(b, [&, here](const std::string& text) {
                                  EXPECT_EQ(std::this_thread::get_id(), here);
                                  EXPECT_EQ(a.receivers() + b.receivers(), 0U);
                                  EXPECT_EQ(text, "a text that is too long for the string itself");
                                  ++happened;
                                }));
    });
    group.go([&](const context& ctx) -> task<std::error_code> {
      EXPECT_EQ(a.receivers() + b.receivers(), 2U);
      co_return co_await b.send(ctx, "a text that is too long for the string itself");
    });
  };
  EXPECT_EQ(run_blocking(with_task_group(background(), both)), std::error_code());
  EXPECT_EQ(happened, 1);
}

TEST(select_task, a_value_is_moved_from_only_if_its_case_happens) {
  channel<std::unique_ptr<int>> full(1);
  channel<int> ready(1);
  ASSERT_FALSE(full.try_send(std::make_unique<int>(1)));
  ASSERT_FALSE(ready.try_send(1));
  auto value = std::make_unique<int>(2);
  const auto work = [&]() -> task<> {
    std::error_code ec = co_await select(background(), on_send(full, std::move(value), not_this),
                                         on_receive(ready, [](int) {}));
    EXPECT_FALSE(ec);
    EXPECT_NE(value, nullptr);
    std::unique_ptr<int> out;
    EXPECT_FALSE(full.try_receive(out));
    ec =
        co_await select(background(), on_send(full, std::move(value)), on_receive(ready, not_this));
    EXPECT_FALSE(ec);
    EXPECT_EQ(value, nullptr);
  };
  run_blocking(work());
}

TEST(select_task, says_closed_when_all_channels_are_and_tells_who_asked_for_it) {
  watched<int> a(1);
  watched<int> b(1);
  int told = 0;
  const auto work = [&](awaited_task_group& group) {
    group.go([&](const context& ctx) -> task<> {
      const std::error_code ec =
          co_await select(ctx, on_receive(a, not_this), on_receive(b, not_this));
      EXPECT_EQ(ec, channel_errc::closed);
    });
    group.go([&](const context& ctx) -> task<> {
      const std::error_code ec =
          co_await select(ctx, on_receive(a, not_this, [&] { ++told; }), on_receive(b, not_this));
      EXPECT_FALSE(ec);
    });
    group.go([&](const context& ctx) -> task<> {
      EXPECT_EQ(a.receivers() + b.receivers(), 4U);
      a.close();
      EXPECT_FALSE(co_await sleep_for(ctx, 1ms));
      EXPECT_EQ(b.receivers(), 1U);
      b.close();
    });
  };
  EXPECT_EQ(run_blocking(with_task_group(background(), work)), std::error_code());
  EXPECT_EQ(told, 1);
}

TEST(select_task, what_a_function_throws_comes_out_and_the_value_has_been_received) {
  channel<int> ch(1);
  ASSERT_FALSE(ch.try_send(1));
  const auto work = [&]() -> task<> {
    bool thrown = false;
    try {
      const std::error_code ec = co_await select(
          background(), on_receive(ch, [](int) { throw std::runtime_error("no"); }));
      ADD_FAILURE() << ec.message();
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
  };
  run_blocking(work());
  EXPECT_EQ(ch.size(), 0U);
}

// As many values are wanted as are sent, and nothing is closed: one lost wake-up, one value given
// twice, and somebody waits for ever or the numbers are wrong. Each actor is a thread or a task, as
// the seed says; all use all channels, in different orders; visitors give up at any moment.
struct fair {
  fair(std::size_t width, std::size_t capacity) {
    for (std::size_t i = 0; i < width; ++i) {
      stalls.push_back(std::make_unique<channel<int>>(capacity));
    }
  }
  channel<int>& stall(std::size_t i) { return *stalls[i % stalls.size()]; }

  // What happened in one select(). Answers how many values its caller has more than before.
  struct deal {
    int got = 0;
    int put = 0;
    int gain() const { return got - put; }
  };
  int count(const deal& d, int bought_value, int value, std::error_code ec) {
    wrong += d.got + d.put != (ec ? 0 : 1);
    bought += bought_value;
    sold += d.put * std::int64_t{value};
    return d.gain();
  }

  auto selling(const context& ctx, std::size_t at, const int& value, deal& d) {
    const auto put = [&d] { ++d.put; };
    return select(ctx, on_send(stall(at), value, put), on_send(stall(at + 1), value, put));
  }
  auto buying(const context& ctx, std::size_t at, int& into, deal& d) {
    const auto get = [&d, &into](int v) {
      ++d.got;
      into += v;
    };
    return select(ctx, on_receive(stall(at), get), on_receive(stall(at + 1), get),
                  on_receive(stall(at + 2), get));
  }
  auto trading(const context& ctx, std::size_t at, const int& value, int& into, deal& d) {
    const auto put = [&d] { ++d.put; };
    const auto get = [&d, &into](int v) {
      ++d.got;
      into += v;
    };
    return select(ctx, on_receive(stall(at), get), on_send(stall(at), value, put),
                  on_send(stall(at + 1), value, put), on_receive(stall(at + 1), get));
  }

  enum what { sell, buy, trade };
  int by_thread(what w, const context& ctx, std::size_t at) {
    deal d;
    int into = 0;
    const int value = ++made;
    const std::error_code ec = w == sell  ? selling(ctx, at, value, d).get()
                               : w == buy ? buying(ctx, at, into, d).get()
                                          : trading(ctx, at, value, into, d).get();
    return count(d, into, value, ec);
  }
  task<int> by_task(what w, const context& ctx, std::size_t at) {
    deal d;
    int into = 0;
    const int value = ++made;
    std::error_code ec;
    if (w == sell) {
      ec = co_await selling(ctx, at, value, d);
    } else if (w == buy) {
      ec = co_await buying(ctx, at, into, d);
    } else {
      ec = co_await trading(ctx, at, value, into, d);
    }
    co_return count(d, into, value, ec);
  }

  std::vector<std::unique_ptr<channel<int>>> stalls;
  std::atomic<int> made{0};
  std::atomic<std::int64_t> sold{0};
  std::atomic<std::int64_t> bought{0};
  std::atomic<int> wrong{0};
};

// One actor: sells, buys, or visits and settles afterwards what it has too much or too little.
void act_as_thread(fair& f, const context& ctx, fair::what w, int each, std::uint32_t seed) {
  std::mt19937 own(seed);
  int gain = 0;
  for (int n = 0; n < each; ++n) {
    if (w != fair::trade) {
      f.by_thread(w, ctx, own());
      continue;
    }
    const auto visit = with_timeout(ctx, std::chrono::microseconds(own() % 100));
    gain += f.by_thread(w, visit.ctx, own());
  }
  for (; gain != 0 && !ctx.done(); gain += gain > 0 ? -1 : 1) {
    f.by_thread(gain > 0 ? fair::sell : fair::buy, ctx, own());
  }
}

task<> act_as_task(fair& f, const context& ctx, fair::what w, int each, std::uint32_t seed) {
  std::mt19937 own(seed);
  int gain = 0;
  for (int n = 0; n < each; ++n) {
    if (w != fair::trade) {
      co_await f.by_task(w, ctx, own());
      continue;
    }
    const auto visit = with_timeout(ctx, std::chrono::microseconds(own() % 100));
    gain += co_await f.by_task(w, visit.ctx, own());
  }
  for (; gain != 0 && !ctx.done(); gain += gain > 0 ? -1 : 1) {
    co_await f.by_task(gain > 0 ? fair::sell : fair::buy, ctx, own());
  }
}

TEST(select_task, between_threads_and_tasks_each_case_happens_once_and_no_wake_up_is_lost) {
  for (int seed = 0; seed < rounds(400); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    fair f(1 + random() % 3, 1 + random() % 2);
    const int pairs = 1 + static_cast<int>(random() % 3);
    const int each = 1 + static_cast<int>(random() % 12);
    const auto in_time = with_cancel(background());
    std::vector<std::future<std::error_code>> actors;
    bool done = true;
    {
      loop tasks({.name = "tasks", .threads = 1 + static_cast<unsigned>(random() % 3)});
      for (int i = 0; i < 2 * pairs + 3; ++i) {
        const auto w = i < pairs ? fair::sell : i < 2 * pairs ? fair::buy : fair::trade;
        const auto own_seed = static_cast<std::uint32_t>(seed * 16 + i);
        if (random() % 3 != 0) {
          actors.push_back(
              in_task(tasks, in_time.ctx,
                      [&f, w, each, own_seed](const context& c) -> task<std::error_code> {
                        co_await act_as_task(f, c, w, each, own_seed);
                        co_return std::error_code();
                      }));
        } else {
          actors.push_back(in_thread(in_time.ctx, [&f, w, each, own_seed](const context& c) {
            act_as_thread(f, c, w, each, own_seed);
            return std::error_code();
          }));
        }
      }
      for (auto& a : actors) {
        done = done && over(a);
      }
      in_time.cancel();
    }
    ASSERT_TRUE(done) << "somebody waits for ever";
    ASSERT_EQ(f.wrong, 0);
    ASSERT_EQ(f.sold, f.bought);
    for (const auto& stall : f.stalls) {
      ASSERT_EQ(stall->size(), 0U);
    }
  }
}

// All the ways to send and to receive, with contexts that end while a task waits and a channel that
// is closed at any moment: what was sent has been received, or is left.
TEST(channel_task, what_was_sent_is_received_or_left_whatever_ends_when) {
  for (int seed = 0; seed < rounds(200); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    channel<std::unique_ptr<std::int64_t>> ch(1 + random() % 4);
    const int senders = 1 + static_cast<int>(random() % 4);
    const int receivers = 1 + static_cast<int>(random() % 4);
    const auto close_after = std::chrono::microseconds(random() % 2000);
    std::atomic<std::int64_t> sent{0};
    std::atomic<std::int64_t> received{0};
    std::atomic<int> wrong{0};
    {
      loop tasks({.name = "tasks", .threads = 2});
      std::vector<std::future<std::error_code>> all;
      for (int i = 1; i <= senders + receivers; ++i) {
        const bool sender = i <= senders;
        all.push_back(in_task(
            tasks, background(), [&, i, sender, seed](const context& ctx) -> task<std::error_code> {
              std::mt19937 own(static_cast<std::uint32_t>(seed * 16 + i));
              for (std::int64_t n = 1;; ++n) {
                const auto c = own() % 4 == 0
                                   ? with_timeout(ctx, std::chrono::microseconds(own() % 50))
                                   : with_cancel(ctx);
                std::error_code ec;
                std::unique_ptr<std::int64_t> value;
                if (sender) {
                  const auto number = n * 16 + i;
                  value = std::make_unique<std::int64_t>(number);
                  ec = co_await ch.send(c.ctx, std::move(value));
                  sent += ec ? 0 : number;
                } else {
                  ec = co_await ch.receive(c.ctx, value);
                  received += ec ? 0 : *value;
                  wrong += (value != nullptr) == static_cast<bool>(ec);
                }
                wrong += ec && ec != errc::deadline_exceeded && ec != channel_errc::closed;
                if (ec == channel_errc::closed ||
                    (!sender && n == 300)) {  // some leave before the end
                  co_return ec;
                }
              }
            }));
      }
      EXPECT_FALSE(sleep_for(background(), close_after).get());
      ch.close();
      for (auto& one : all) {
        ASSERT_TRUE(over(one)) << "somebody waits for ever";
      }
    }
    std::int64_t left = 0;
    std::unique_ptr<std::int64_t> value;
    while (!ch.try_receive(value)) {
      left += *value;
    }
    ASSERT_EQ(sent, received + left);
    ASSERT_EQ(wrong, 0);
  }
}

TEST(channel_task, may_be_destroyed_by_whoever_saw_the_last_effect) {
  loop tasks({.name = "tasks", .threads = 2});
  for (int round = 0; round < rounds(1000); ++round) {
    auto* const ch = new channel<int>(1);
    auto sender = in_task(tasks, background(), [ch](const context& ctx) -> task<std::error_code> {
      co_return co_await ch->send(ctx, 1);
    });
    auto receiver = in_task(tasks, background(), [ch](const context& ctx) -> task<std::error_code> {
      int got = 0;
      const std::error_code ec = co_await ch->receive(ctx, got);
      delete ch;
      co_return ec;
    });
    ASSERT_TRUE(over(receiver));
    ASSERT_TRUE(over(sender));
    EXPECT_FALSE(sender.get());
    EXPECT_FALSE(receiver.get());
  }
}

}  // namespace
}  // namespace hangup
