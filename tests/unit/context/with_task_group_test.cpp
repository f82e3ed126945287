// with_task_group(): tasks that belong together.
#include "hangup/context/with_task_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "hangup/context/event.h"
#include "hangup/context/shield.h"
#include "hangup/context/wait.h"
#include "tests/unit/context/task_support.h"

namespace hangup {
namespace {

using namespace test;

using group_of_tasks = awaited_task_group;
const auto broken = std::make_error_code(std::errc::io_error);

task<std::error_code> fails(std::error_code with) {
  co_return with;
}
task<> throws(std::string words) {
  throw std::runtime_error(words);
  co_return;
}
task<std::error_code> waits_for_its_end(context ctx) {
  co_return co_await wait_done(ctx);
}

template <class Body>
std::error_code run_group(Body body, const context& ctx = background()) {
  return run_blocking(with_task_group(ctx, body));
}

TEST(with_task_group, is_over_when_all_tasks_have_returned) {
  int returned = 0;
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              for (int i = 0; i < 10; ++i) {
                g.go([&, i](const context& ctx) -> task<std::error_code> {
                  const std::error_code ec = co_await sleep_for(ctx, i * 1ms);
                  ++returned;
                  co_return ec;
                });
              }
              EXPECT_EQ(returned, 0);
            }),
            std::error_code());
  EXPECT_EQ(returned, 10);
}

TEST(with_task_group, without_tasks_is_over_with_its_body) {
  EXPECT_EQ(run_group([](group_of_tasks&) {}), std::error_code());
  EXPECT_EQ(run_group([](group_of_tasks&) { return broken; }), broken);
  EXPECT_EQ(run_group([](group_of_tasks&) -> task<> { co_return; }), std::error_code());
  EXPECT_EQ(run_group([](group_of_tasks&) -> task<std::error_code> { co_return broken; }), broken);
  EXPECT_THROW(run_group([](group_of_tasks&) { throw std::runtime_error("the body"); }),
               std::runtime_error);
}

TEST(with_task_group, takes_tasks_and_functions_that_make_them_with_and_without_a_context) {
  int ran = 0;
  const auto count = [&ran](const context&) -> task<> {
    ++ran;
    co_return;
  };
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              g.go(count(g.ctx()));
              g.go(count);
              g.go([&]() -> task<> { co_await count(background()); });
              g.go([&](const context& ctx) { return count(ctx); });
              return g.go([&]() -> task<std::error_code> {
                ++ran;
                co_return std::error_code();
              });
            }),
            std::error_code());
  EXPECT_EQ(ran, 5);
}

TEST(with_task_group, the_first_error_ends_the_context_of_the_others_with_its_code_and_place) {
  std::error_code of_the_other;
  location started;
  const auto ec = run_group([&](group_of_tasks& g) {
    g.go([&](const context& ctx) -> task<std::error_code> {
      of_the_other = co_await wait_done(ctx);
      EXPECT_EQ(ctx.cause()->kind, cause_kind::sibling_failed);
      EXPECT_EQ(ctx.cause()->code, broken);
      EXPECT_EQ(ctx.cause()->source.line, started.line);
      co_return of_the_other;
    });
    started = location::current();
    started.line += 2;
    g.go(fails(broken));
  });
  EXPECT_EQ(ec, broken);
  EXPECT_EQ(of_the_other, errc::canceled);
}

TEST(with_task_group, what_the_first_failed_task_threw_is_rethrown_when_all_are_over) {
  bool other_over = false;
  try {
    run_group([&](group_of_tasks& g) {
      g.go([&](const context& ctx) -> task<> {
        EXPECT_EQ(co_await wait_done(ctx), errc::canceled);
        EXPECT_EQ(ctx.cause()->text, "the first");
        EXPECT_FALSE(co_await sleep_for(background(), 10ms));
        other_over = true;
      });
      g.go(throws("the first"));
      g.go(throws("the second"));
    });
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "the first");
  }
  EXPECT_TRUE(other_over);
}

TEST(with_task_group, takes_canceled_error_for_the_error_that_it_is) {
  const auto c = with_cancel(background());
  EXPECT_EQ(run_group(
                [&](group_of_tasks& g) {
                  g.go([&](const context& ctx) -> task<> {
                    c.cancel();
                    ctx.throw_if_done();
                    co_return;
                  });
                },
                c.ctx),
            errc::canceled);
}

TEST(with_task_group, a_body_that_fails_ends_its_tasks_and_they_are_waited_for) {
  for (const bool by_exception : {false, true}) {
    int over = 0;
    const auto body = [&](group_of_tasks& g) -> task<std::error_code> {
      // Destroyed with the body, before the tasks are over. What they use lives outside of it.
      for (int i = 0; i < 3; ++i) {
        g.go([&](const context& ctx) -> task<> {
          EXPECT_EQ(co_await wait_done(ctx), errc::canceled);
          EXPECT_FALSE(co_await sleep_for(background(), 5ms));
          ++over;
        });
      }
      EXPECT_FALSE(co_await sleep_for(g.ctx(), 1ms));
      if (by_exception) {
        throw std::runtime_error("the body");
      }
      co_return broken;
    };
    if (by_exception) {
      EXPECT_THROW(run_group(body), std::runtime_error);
    } else {
      EXPECT_EQ(run_group(body), broken);
    }
    EXPECT_EQ(over, 3);
  }
}

TEST(with_task_group, the_end_of_the_context_outside_ends_body_and_tasks) {
  const auto c = with_timeout(background(), 20ms);
  EXPECT_EQ(run_group(
                [](group_of_tasks& g) -> task<std::error_code> {
                  g.go(waits_for_its_end(g.ctx()));
                  co_return co_await wait_done(g.ctx());
                },
                c.ctx),
            errc::deadline_exceeded);
}

TEST(with_task_group, its_own_end_does_not_end_the_context_outside) {
  const auto c = with_cancel(background());
  context inside = background();
  EXPECT_EQ(run_group(
                [&](group_of_tasks& g) {
                  inside = g.ctx();
                  g.go(fails(broken));
                },
                c.ctx),
            broken);
  EXPECT_TRUE(inside.done());
  EXPECT_FALSE(c.ctx.done());
}

TEST(with_task_group, starts_nothing_after_a_failure_and_says_so) {
  bool ran = false;
  EXPECT_EQ(run_group([&](group_of_tasks& g) -> task<> {
              g.go(fails(broken));
              EXPECT_EQ(co_await wait_done(g.ctx()), errc::canceled);
              const std::error_code ec = g.go([&]() -> task<> {
                ran = true;
                co_return;
              });
              EXPECT_EQ(ec, errc::canceled);
              EXPECT_FALSE(g.try_go(fails(broken)));
            }),
            broken);
  EXPECT_FALSE(ran);
}

TEST(with_task_group, a_shield_in_a_task_is_not_left_half_way) {
  bool committed = false;
  EXPECT_EQ(run_group([&](group_of_tasks& g) -> task<> {
              g.go([&](const context& ctx) -> task<std::error_code> {
                shield region(ctx, 10s);
                EXPECT_FALSE(co_await sleep_for(region.ctx(), 20ms));
                committed = true;
                co_return region.leave();
              });
              EXPECT_FALSE(co_await sleep_for(g.ctx(), 1ms));
              throw canceled_error(errc::canceled);
            }),
            errc::canceled);
  EXPECT_TRUE(committed);
}

TEST(with_task_group, what_a_task_has_kept_is_destroyed_before_the_group_is_over) {
  std::weak_ptr<int> captured;
  std::weak_ptr<int> local;
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              auto kept = std::make_shared<int>(1);
              captured = kept;
              g.go([kept, &local](const context& ctx) -> task<std::error_code> {
                const auto own = std::make_shared<int>(*kept);
                local = own;
                co_return co_await sleep_for(ctx, 1ms);
              });
            }),
            std::error_code());
  EXPECT_TRUE(captured.expired());
  EXPECT_TRUE(local.expired());
}

TEST(with_task_group, a_destructor_that_throws_is_a_task_that_throws) {
  struct thrower {
    ~thrower() noexcept(false) { throw std::runtime_error("a destructor"); }
  };
  EXPECT_THROW(run_group([](group_of_tasks& g) {
                 g.go([]() -> task<> {
                   const thrower at_the_end;
                   co_return;
                 });
               }),
               std::runtime_error);
}

TEST(with_task_group, what_the_call_of_a_function_throws_counts_as_thrown_by_the_task) {
  EXPECT_THROW(run_group([](group_of_tasks& g) {
                 g.go([](const context&) -> task<> { throw std::runtime_error("no task"); });
                 EXPECT_TRUE(g.ctx().done());
               }),
               std::runtime_error);
  EXPECT_THROW(run_group([](group_of_tasks& g) { g.go(task<>()); }), std::logic_error);
}

TEST(with_task_group, its_limit_is_reached_and_never_exceeded) {
  for (const int limit : {1, 2, 10}) {
    int active = 0;
    int highest = 0;
    std::vector<int> order;
    EXPECT_EQ(run_group([&](group_of_tasks& g) {
                g.set_limit(limit);
                for (int i = 0; i < 100; ++i) {
                  g.go([&, i](const context& ctx) -> task<std::error_code> {
                    highest = std::max(highest, ++active);
                    order.push_back(i);
                    const std::error_code slept = co_await sleep_for(ctx, 100us);
                    --active;
                    co_return slept;
                  });
                }
              }),
              std::error_code());
    EXPECT_EQ(highest, limit);
    EXPECT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(with_task_group, room_is_waited_for_by_a_body_that_starts_tasks_without_end) {
  int running = 0;
  int started = 0;
  EXPECT_EQ(run_group([&](group_of_tasks& g) -> task<std::error_code> {
              g.set_limit(3);
              for (;;) {
                if (const std::error_code ec = co_await g.room()) {
                  co_return ec;
                }
                EXPECT_LT(running, 3);
                ++running;
                const bool last = ++started == 100;
                const auto refused = g.go([&, last](const context& ctx) -> task<std::error_code> {
                  const std::error_code ec = co_await sleep_for(ctx, 100us);
                  --running;
                  co_return last ? broken : ec;
                });
                if (refused) {
                  --running;
                  co_return refused;
                }
              }
            }),
            broken);
  EXPECT_GE(started, 100);
  EXPECT_EQ(running, 0);
}

TEST(with_task_group, its_limit_is_not_changed_under_running_tasks) {
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              g.set_limit(2);
              g.set_limit(-1);
              g.go([]() -> task<> { co_return; });
              EXPECT_THROW(g.set_limit(1), std::logic_error);
              EXPECT_THROW(g.report_late("late", {}), std::logic_error);
            }),
            std::error_code());
}

TEST(with_task_group, with_limit_zero_starts_nothing) {
  const auto none = std::make_error_code(std::errc::operation_not_permitted);
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              g.set_limit(0);
              EXPECT_FALSE(g.try_go(fails(broken)));
              EXPECT_EQ(g.go(fails(broken)), none);
            }),
            none);
}

TEST(with_task_group, try_go_keeps_nothing) {
  event go_on;
  int ran = 0;
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              const auto work = [&](const context& ctx) -> task<std::error_code> {
                ++ran;
                co_return co_await go_on.wait(ctx);
              };
              g.set_limit(2);
              EXPECT_TRUE(g.try_go(work));
              EXPECT_TRUE(g.try_go(work));
              EXPECT_FALSE(g.try_go(work));
              go_on.set();
            }),
            std::error_code());
  EXPECT_EQ(ran, 2);
}

TEST(with_task_group, what_is_kept_when_a_task_fails_is_never_started) {
  std::weak_ptr<int> kept;
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              g.set_limit(1);
              g.go([](const context& ctx) -> task<std::error_code> {
                static_cast<void>(co_await sleep_for(ctx, 5ms));
                co_return broken;
              });
              for (int i = 0; i < 3; ++i) {
                auto mine = std::make_shared<int>(i);
                kept = mine;
                EXPECT_EQ(g.go([mine]() -> task<> {
                  ADD_FAILURE() << "started in a group that has failed";
                  co_return;
                }),
                          std::error_code());
              }
            }),
            broken);
  EXPECT_TRUE(kept.expired());
}

TEST(with_task_group, what_is_kept_when_the_context_ends_makes_the_group_fail) {
  const auto c = with_cancel(background());
  EXPECT_EQ(run_group(
                [&](group_of_tasks& g) {
                  g.set_limit(1);
                  g.go([&](const context&) -> task<> {
                    c.cancel();
                    co_return;
                  });
                  g.go(fails(broken));
                },
                c.ctx),
            errc::canceled);
}

TEST(with_task_group, tasks_start_further_tasks_of_their_group) {
  int ran = 0;
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              g.go([&](const context&) -> task<> {
                ++ran;
                for (int i = 0; i < 3; ++i) {
                  g.go([&](const context& ctx) -> task<std::error_code> {
                    ++ran;
                    co_return co_await sleep_for(ctx, 1ms);
                  });
                }
                co_return;
              });
            }),
            std::error_code());
  EXPECT_EQ(ran, 4);
}

TEST(with_task_group, groups_are_nested_and_a_failure_inside_ends_all) {
  int over = 0;
  const auto leaf = [&](const context& ctx) -> task<std::error_code> {
    const std::error_code ec = co_await wait_done(ctx);
    ++over;
    co_return ec;
  };
  EXPECT_EQ(run_group([&](group_of_tasks& outer) {
              for (int i = 0; i < 3; ++i) {
                outer.go([&, i](const context& ctx) {
                  return with_task_group(ctx, [&leaf, i](group_of_tasks& inner) {
                    inner.go(leaf);
                    inner.go(leaf);
                    if (i == 2) {
                      inner.go(fails(broken));
                    }
                  });
                });
              }
            }),
            broken);
  EXPECT_EQ(over, 6);
}

TEST(with_task_group, reports_a_task_that_goes_on_after_the_end) {
  struct report {
    bool over;
    std::string name;
  };
  std::vector<report> reports;
  std::mutex guard;
  const auto told = [&](const late_stopper& l) {
    const std::lock_guard hold(guard);
    reports.push_back({l.over, std::string(l.name)});
  };
  const auto seen = [&] {
    const std::lock_guard hold(guard);
    return !reports.empty();
  };
  const auto body = [&](group_of_tasks& g) {
    g.report_late("slow", {.after = 5ms, .call = told});
    g.go([&](const context&) -> task<> {
      while (!seen()) {
        EXPECT_FALSE(co_await sleep_for(background(), 1ms));
      }
    });
    g.go(fails(broken));
  };
  EXPECT_EQ(run_blocking(with_task_group(background(), body)), broken);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_FALSE(reports[0].over);
  EXPECT_TRUE(reports[1].over);
  EXPECT_EQ(reports[1].name, "slow");
}

TEST(with_task_group, ten_thousand_tasks_wait_on_one_thread_and_end_with_the_first_failure) {
  const int many = rounds(10'000);
  int over = 0;
  event all_wait;
  EXPECT_EQ(run_group([&](group_of_tasks& g) {
              for (int i = 0; i < many; ++i) {
                g.go([&](const context& ctx) -> task<> {
                  EXPECT_EQ(co_await wait_done(ctx), errc::canceled);
                  ++over;
                });
              }
              g.go(fails(broken));
            }),
            broken);
  EXPECT_EQ(over, many);
}

TEST(with_task_group, that_is_never_awaited_begins_nothing) {
  bool ran = false;
  {
    const auto forgotten = with_task_group(background(), [&](group_of_tasks&) { ran = true; });
  }
  EXPECT_FALSE(ran);
}

// Trees of groups on the threads of a loop. Tasks fail by error or exception, wait, start others;
// contexts end at any moment. Whatever happens, all tasks that began are over when the outermost
// group is, and the result is an error if one failed.
struct grove {
  std::atomic<int> begun{0};
  std::atomic<int> over{0};
  std::atomic<int> failed{0};
};

task<std::error_code> grow(grove& all, context ctx, std::uint32_t seed, int depth) {
  struct counted {
    explicit counted(grove& g) : of(g) { ++of.begun; }
    ~counted() { ++of.over; }
    grove& of;
  };
  const counted here(all);
  std::mt19937 own(seed);
  if (depth == 0 || own() % 4 == 0) {
    switch (own() % 8) {
      case 0:
        ++all.failed;
        co_return broken;
      case 1:
        ++all.failed;
        throw std::runtime_error("a leaf");
      default:
        co_return co_await sleep_for(ctx, std::chrono::microseconds(own() % 300));
    }
  }
  const int limit = own() % 2 == 0 ? -1 : 1 + static_cast<int>(own() % 3);
  const bool waits_for_room = own() % 2 == 0;
  const auto kids = static_cast<std::uint32_t>(own() % 5);
  const auto body = [&](group_of_tasks& g) -> task<std::error_code> {
    g.set_limit(limit);
    for (std::uint32_t i = 0; i < kids; ++i) {
      if (waits_for_room) {
        if (const std::error_code ec = co_await g.room()) {
          co_return ec;
        }
      }
      if (const auto ec = g.go(grow(all, g.ctx(), seed * 7 + i, depth - 1))) {
        co_return ec;
      }
    }
    co_return std::error_code();
  };
  if (own() % 4 == 0) {
    const auto limited = with_timeout(ctx, std::chrono::microseconds(own() % 500));
    co_return co_await with_task_group(limited.ctx, body);
  }
  co_return co_await with_task_group(ctx, body);
}

TEST(with_task_group, whatever_fails_when_no_task_outlives_its_group) {
  for (int seed = 0; seed < rounds(500); ++seed) {
    SCOPED_TRACE(seed);
    grove all[4];
    std::vector<std::future<std::error_code>> trees;
    const auto c = with_cancel(background());
    loop tasks({.name = "tasks", .threads = 2});
    for (std::uint32_t i = 0; i < 4; ++i) {
      trees.push_back(in_task(tasks, c.ctx, [&all, i, seed](const context& ctx) {
        return grow(all[i], ctx, static_cast<std::uint32_t>(seed) * 4 + i, 3);
      }));
    }
    if (seed % 3 == 0) {
      c.cancel();
    }
    for (std::size_t i = 0; i < 4; ++i) {
      ASSERT_TRUE(over(trees[i])) << "a group waits for ever";
      std::error_code ec;
      try {
        ec = trees[i].get();
      } catch (const std::runtime_error&) {
        ec = broken;
      }
      EXPECT_EQ(all[i].begun, all[i].over);
      EXPECT_TRUE(ec || all[i].failed == 0);
    }
  }
}

}  // namespace
}  // namespace hangup
