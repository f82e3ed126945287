// Who sleeps on a context whose end is announced on a descriptor is woken by the descriptor itself.
#include "context/early_end.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <future>

#include "hangup/context/task.h"
#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "tests/unit/context/kinds.h"
#include "tests/unit/context/support.h"

namespace hangup::test {
namespace {

// One end of a connection, whose hang-up is announced, and a context that ends by it.
class announced : public testing::Test {
 protected:
  context listening(const context& above, short events = POLLRDHUP) {
    return with_value<early_end>(
        above, {both_.fd[0], events,
                [](void* of, const early_end::type& what, short reported) noexcept {
                  static_cast<announced*>(of)->told(what, reported);
                  return what.events;
                },
                this, 7});
  }
  void told(const early_end::type& what, short reported) noexcept {
    ++calls_;
    tag_ = what.tag;
    reported_ = reported;
    if (ends_) {
      top_.cancel({.kind = test::kinds::disconnected});
    }
  }

  sockets both_;
  cancelable top_ = with_cancel(background());
  bool ends_ = true;  // what is reported is the end
  std::atomic<int> calls_{0};
  std::atomic<std::uint32_t> tag_{0};
  std::atomic<short> reported_{0};
};

TEST_F(announced, an_end_wakes_the_sleeper_which_reports_it_once) {
  const auto ctx = listening(top_.ctx);
  std::jthread sleeper([&] {
    EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled);
    EXPECT_EQ(wait_done(ctx).get(), errc::canceled) << "and again, without a report";
  });
  both_.hang_up();
  sleeper.join();
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(tag_, 7U);
  EXPECT_NE(reported_ & POLLRDHUP, 0);
  EXPECT_EQ(ctx.cause()->kind, test::kinds::disconnected);
}

TEST_F(announced, an_end_wakes_a_task_that_sleeps_which_reports_it_once) {
  const auto ctx = listening(top_.ctx);
  std::jthread leaver([&] {
    std::this_thread::sleep_for(2ms);
    both_.hang_up();
  });
  const auto sleeps = [&]() -> task<std::error_code> { co_return co_await sleep_for(ctx, never); };
  EXPECT_EQ(run_blocking(sleeps()), errc::canceled);
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(ctx.cause()->kind, test::kinds::disconnected);
}

TEST_F(announced, what_is_reported_and_no_end_lets_a_task_sleep_on) {
  ends_ = false;
  const auto ctx = listening(top_.ctx);
  both_.hang_up();
  const auto sleeps = [&]() -> task<std::error_code> { co_return co_await sleep_for(ctx, 20ms); };
  const auto begin = clock::now();
  EXPECT_FALSE(run_blocking(sleeps()));
  EXPECT_GE(clock::now() - begin, 20ms);
  EXPECT_LE(calls_, 1);
}

TEST_F(announced, an_end_that_is_there_before_the_sleep_is_met_by_it) {
  const auto ctx = listening(top_.ctx);
  both_.hang_up();
  EXPECT_FALSE(ctx.done()) << "nobody has looked";
  EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled);
  EXPECT_EQ(calls_, 1);
}

TEST_F(announced, an_end_wakes_every_one_of_many_sleepers) {
  for (int i = 0; i < rounds(50); ++i) {
    sockets both;
    const auto c = with_cancel(background());
    const auto ctx = with_value<early_end>(
        c.ctx, {both.fd[0], POLLRDHUP,
                [](void* of, const early_end::type& what, short) noexcept {
                  (*static_cast<const cancel_func*>(of))({.kind = test::kinds::disconnected});
                  return what.events;
                },
                const_cast<cancel_func*>(&c.cancel), 0});
    together(4, [&](int n) {
      if (n == 0) {
        both.hang_up();
      } else {
        EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled);
      }
    });
  }
}

TEST_F(announced, what_is_no_end_is_reported_once_and_the_sleep_goes_on_to_its_time) {
  ends_ = false;
  const auto ctx = listening(top_.ctx);
  both_.hang_up();  // for ever readable: who polled it again would spin
  const auto from = clock::now();
  EXPECT_FALSE(sleep_for(ctx, 30ms).get());
  EXPECT_GE(clock::now() - from, 30ms);
  EXPECT_EQ(calls_, 1);
}

TEST_F(announced, what_is_no_end_does_not_keep_another_one_from_waking_the_sleeper) {
  ends_ = false;
  const auto ctx = listening(top_.ctx);
  both_.hang_up();
  std::jthread sleeper([&] { EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled); });
  ASSERT_TRUE(spin_until([&] { return calls_ == 1; }));
  top_.cancel();
  sleeper.join();
  EXPECT_EQ(calls_, 1);
}

TEST_F(announced, input_is_reported_and_the_sleep_goes_on_to_its_end_or_its_time) {
  ends_ = false;
  const auto ctx = listening(top_.ctx, POLLIN);
  ASSERT_EQ(::send(both_.fd[1], "x", 1, 0), 1);  // nobody reads it, so it is reported all the time
  EXPECT_FALSE(sleep_for(ctx, 20ms));
  const auto timed = with_timeout(ctx, 20ms);
  EXPECT_EQ(wait_done(timed.ctx).get(), errc::deadline_exceeded);
  std::jthread sleeper([&] { EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled); });
  EXPECT_TRUE(spin_until([&, before = calls_.load()] { return calls_ > before + 1; }));
  top_.cancel();
}

TEST_F(announced, who_sleeps_for_long_says_that_it_polls_and_polls_what_it_is_told) {
  struct told {
    std::atomic<int> polling{0};
    std::atomic<int> begun{0};
  } polls;
  auto what = *listening(top_.ctx).value<early_end>();
  what.of = &polls;
  what.events = POLLRDHUP;
  what.reported = [](void* of, const early_end::type& at, short reported) noexcept {
    EXPECT_EQ(static_cast<told*>(of)->polling, 1);
    EXPECT_NE(reported & POLLIN, 0);
    return at.events;
  };
  what.begins = [](void* of, const early_end::type&, const context&, short& events) noexcept {
    ++static_cast<told*>(of)->polling;
    ++static_cast<told*>(of)->begun;
    events = POLLIN;
    return true;
  };
  what.stops = [](void* of, const early_end::type&) noexcept { --static_cast<told*>(of)->polling; };
  const auto ctx = with_value<early_end>(top_.ctx, what);
  EXPECT_FALSE(sleep_for(ctx, 0ms));
  EXPECT_FALSE(sleep_for(ctx, 100us));
  EXPECT_EQ(polls.begun, 0) << "not worth it";
  both_.hang_up();  // readable as well
  EXPECT_FALSE(sleep_for(ctx, 500ms));
  EXPECT_EQ(polls.begun, 1);
  EXPECT_EQ(polls.polling, 0);
}

// The owner of the descriptor has gone; what ended the context is why it could go.
TEST_F(announced, who_finds_that_it_cannot_begin_to_poll_is_told_that_the_context_has_ended) {
  auto what = *listening(top_.ctx).value<early_end>();
  what.of = &top_;
  what.begins = [](void* of, const early_end::type&, const context&, short&) noexcept {
    static_cast<cancelable*>(of)->cancel();
    return false;
  };
  what.stops = [](void*, const early_end::type&) noexcept { ADD_FAILURE() << "it has not begun"; };
  const auto ctx = with_value<early_end>(top_.ctx, what);
  EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled);

  top_ = with_cancel(background());
  const auto again = with_value<early_end>(top_.ctx, what);
  loop tasks({.name = "tasks"});
  std::promise<std::error_code> slept;
  const auto sleeps = [&](const context&) -> task<> {
    const std::error_code ec = co_await sleep_for(again, never);
    slept.set_value(ec);
  };
  ASSERT_FALSE(spawn(tasks, background(), sleeps));
  EXPECT_EQ(slept.get_future().get(), errc::canceled);
  EXPECT_EQ(calls_, 0);
}

// What a thread of a loop hears only between two of its tasks, others hear at once.
TEST_F(announced, a_task_that_sleeps_lets_others_listen_while_its_thread_is_held) {
  struct told {
    std::atomic<int> begun{0};
    std::atomic<int> stopped{0};
  } polls;
  auto what = *listening(top_.ctx).value<early_end>();
  what.of = &polls;
  what.begins = [](void* of, const early_end::type&, const context&, short& events) noexcept {
    ++static_cast<told*>(of)->begun;
    events = POLLRDHUP;
    return true;
  };
  what.stops = [](void* of, const early_end::type&) noexcept { ++static_cast<told*>(of)->stopped; };
  what.reported = [](void*, const early_end::type& at, short) noexcept {
    ADD_FAILURE() << "whoever listens now has it";
    return at.events;
  };
  const auto ctx = with_value<early_end>(top_.ctx, what);
  loop tasks({.name = "tasks", .threads = 1});
  std::promise<std::error_code> slept;
  const auto sleeps = [&](const context&) -> task<> {
    const std::error_code ec = co_await sleep_for(ctx, never);
    slept.set_value(ec);
  };
  ASSERT_FALSE(spawn(tasks, background(), sleeps));
  ASSERT_TRUE(spin_until([&] { return polls.begun == 1; }));
  EXPECT_EQ(polls.stopped, 0);
  std::promise<void> held;
  const auto holds = [&](const context&) -> task<> {
    EXPECT_TRUE(spin_until([&] { return polls.stopped == 1; }));
    both_.hang_up();
    held.set_value();
    co_return;
  };
  ASSERT_FALSE(spawn(tasks, background(), holds));
  held.get_future().wait();
  top_.cancel();  // as who listens does
  EXPECT_EQ(slept.get_future().get(), errc::canceled);
  EXPECT_TRUE(spin_until([&] { return tasks.now().tasks == 0; }));
  EXPECT_EQ(polls.stopped, 1) << "once";
}

TEST_F(announced, events_that_were_not_asked_for_do_not_wake_it) {
  const auto ctx = listening(top_.ctx, 0);
  ASSERT_EQ(::send(both_.fd[1], "x", 1, 0), 1);
  ASSERT_EQ(::shutdown(both_.fd[1], SHUT_WR), 0);
  EXPECT_FALSE(sleep_for(ctx, 20ms).get());
  EXPECT_EQ(calls_, 0);
}

TEST_F(announced, an_end_by_another_cause_wakes_the_sleeper_and_is_not_reported) {
  for (int i = 0; i < rounds(200); ++i) {
    const auto c = with_cancel(top_.ctx);
    const auto ctx = listening(c.ctx);
    together(2, [&](int n) {
      if (n == 0) {
        c.cancel();
      } else {
        EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled);
      }
    });
  }
  EXPECT_EQ(calls_, 0);
}

TEST_F(announced, a_deadline_comes_in_its_time) {
  const auto c = with_timeout(top_.ctx, 20ms);
  EXPECT_EQ(sleep_for(listening(c.ctx), never).get(), errc::deadline_exceeded);
  EXPECT_EQ(calls_, 0);
}

TEST_F(announced, a_deadline_is_kept_by_the_sleeper_itself) {
  const stalled_timer stalled;
  const auto c = with_timeout(top_.ctx, 20ms);
  EXPECT_EQ(wait_done(listening(c.ctx)).get(), errc::deadline_exceeded);
}

TEST_F(announced, a_sleep_that_is_over_says_nothing) {
  const auto ctx = listening(top_.ctx);
  EXPECT_FALSE(sleep_for(ctx, 5ms).get());
  EXPECT_FALSE(sleep_for(ctx, 0ms).get());
  EXPECT_FALSE(sleep_until(ctx, clock::time_point::min()).get());
  EXPECT_EQ(calls_, 0);
}

TEST_F(announced, after_the_end_nobody_looks_at_the_descriptor) {
  const auto ctx = listening(top_.ctx);
  both_.hang_up();
  top_.cancel();
  EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled);
  EXPECT_EQ(wait_done(ctx).get(), errc::canceled);
  EXPECT_EQ(calls_, 0);
}

TEST_F(announced, an_end_wakes_who_sleeps_on_what_is_derived) {
  struct key {
    using type = int;
  };
  const auto ctx = listening(top_.ctx);
  const auto timed = with_timeout(ctx, never);
  const auto child = with_cancel(with_value<key>(timed.ctx, 1));
  both_.hang_up();
  EXPECT_EQ(sleep_for(child.ctx, never).get(), errc::canceled);
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(child.ctx.cause()->kind, test::kinds::disconnected);
}

// The work goes on after the request, and maybe after the server that announced its end.
TEST_F(announced, ends_are_not_heard_below_without_cancel) {
  const auto free = without_cancel(listening(top_.ctx));
  const auto timed = with_timeout(free, never);
  const auto child = with_cancel(timed.ctx);
  both_.hang_up();
  EXPECT_FALSE(sleep_for(free, 5ms).get());
  EXPECT_FALSE(sleep_for(timed.ctx, 5ms).get());
  EXPECT_FALSE(sleep_for(child.ctx, 5ms).get());
  EXPECT_EQ(calls_, 0);
  // One that is put below it is.
  const auto own = listening(timed.ctx);
  ends_ = false;
  EXPECT_FALSE(sleep_for(own, 5ms).get());
  EXPECT_EQ(calls_, 1);
}

TEST_F(announced, an_end_is_waited_for_in_another_way_if_there_is_no_descriptor_to_be_woken_by) {
  const auto ctx = listening(top_.ctx);
  std::promise<void> go;
  std::promise<void> slept;
  std::jthread sleeper([&] {  // which has no eventfd of its own yet
    go.get_future().wait();
    EXPECT_FALSE(sleep_for(ctx, 5ms).get());
    slept.set_value();
    EXPECT_EQ(sleep_for(ctx, never).get(), errc::canceled);
  });
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  both_.hang_up();  // would be reported, if it were polled
  go.set_value();
  slept.get_future().wait();
  top_.cancel();
  sleeper.join();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(calls_, 0);
}

}  // namespace
}  // namespace hangup::test
