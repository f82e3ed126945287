// with_signal: a context that ends when the process is told to stop.
#include "hangup/context/signal.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <future>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "tests/support/needs.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

std::atomic<int> handled{0};
void count(int) {
  ++handled;
}

using handler = void (*)(int);

handler disposition(int signal) {
  struct sigaction now {};
  EXPECT_EQ(::sigaction(signal, nullptr, &now), 0);
  return now.sa_handler;
}

// Sets what a signal does, and what it did before at the end.
class during {
 public:
  during(int signal, handler how) : signal_(signal), how_(how) {
    struct sigaction mine {};
    mine.sa_handler = how;
    mine.sa_flags = SA_NODEFER;
    EXPECT_EQ(::sigaction(signal, &mine, &before_), 0);
  }
  ~during() {
    EXPECT_TRUE(spin_until([this] { return disposition(signal_) == how_; }));
    ::sigaction(signal_, &before_, nullptr);
  }
  during(const during&) = delete;
  during& operator=(const during&) = delete;

 private:
  const int signal_;
  const handler how_;
  struct sigaction before_ {};
};

TEST(with_signal, ends_on_raise_and_names_the_signal) {  // B87
  const auto c = with_signal(background(), {SIGINT, SIGTERM});
  const auto below = with_cancel(c.ctx);
  EXPECT_FALSE(c.ctx.done());
  ::raise(SIGTERM);
  EXPECT_EQ(wait_done(below.ctx).get(), errc::canceled);
  EXPECT_EQ(c.ctx.cause()->kind, cause_kind::signal);
  EXPECT_EQ(c.ctx.cause()->text, "SIGTERM");
  EXPECT_EQ(below.ctx.cause(), c.ctx.cause());
}

TEST(with_signal, ends_on_kill) {  // B87
  const auto c = with_signal(background(), {SIGINT, SIGTERM});
  ::kill(::getpid(), SIGINT);
  EXPECT_EQ(wait_done(c.ctx).get(), errc::canceled);
  EXPECT_EQ(c.ctx.cause()->text, "SIGINT");
}

TEST(with_signal, every_signal_that_can_be_caught_works) {
  for (const int signal : {SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTSTP, SIGCHLD,
                           SIGWINCH, SIGRTMIN, SIGRTMAX}) {
    const auto c = with_signal(background(), {signal});
    ::kill(::getpid(), signal);
    ASSERT_EQ(wait_done(c.ctx).get(), errc::canceled);
    EXPECT_EQ(c.ctx.cause()->text.substr(0, 3), "SIG");
  }
}

TEST(with_signal, ends_in_another_thread_than_the_one_that_was_interrupted) {
  const auto c = with_signal(background(), {SIGUSR1});
  std::promise<std::thread::id> where;
  const after_func hook(c.ctx, [&] { where.set_value(std::this_thread::get_id()); });
  ::raise(SIGUSR1);
  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}

TEST(with_signal, the_signal_has_no_other_effect_while_one_lives) {
  const during counted(SIGUSR1, count);
  const during fatal(SIGUSR2, SIG_DFL);  // would end the program
  handled = 0;
  for (const int signal : {SIGUSR1, SIGUSR2}) {
    const auto c = with_signal(background(), {signal});
    ::raise(signal);
    EXPECT_EQ(wait_done(c.ctx).get(), errc::canceled);
  }
  EXPECT_EQ(handled, 0);
}

TEST(with_signal, what_the_signal_did_before_is_restored_at_the_end) {  // B87
  for (const handler before : {SIG_IGN, SIG_DFL, static_cast<handler>(count)}) {
    const during set(SIGUSR1, before);
    {
      const auto c = with_signal(background(), {SIGUSR1});
      EXPECT_NE(disposition(SIGUSR1), before);
      c.cancel();
      EXPECT_EQ(disposition(SIGUSR1), before);
    }
    { const auto by_its_handle = with_signal(background(), {SIGUSR1}); }
    EXPECT_EQ(disposition(SIGUSR1), before);
    {
      const auto parent = with_cancel(background());
      const auto c = with_signal(parent.ctx, {SIGUSR1});
      parent.cancel();
      EXPECT_EQ(disposition(SIGUSR1), before);
    }
    {
      const auto c = with_signal(background(), {SIGUSR1});
      ::raise(SIGUSR1);
      EXPECT_EQ(wait_done(c.ctx).get(), errc::canceled);
      EXPECT_TRUE(spin_until([&] { return disposition(SIGUSR1) == before; }));
    }
  }
  handled = 0;
  const during set(SIGUSR1, count);
  with_signal(background(), {SIGUSR1}).cancel();
  ::raise(SIGUSR1);
  EXPECT_EQ(handled, 1);
}

TEST(with_signal, flags_and_mask_of_what_was_before_are_restored_too) {
  struct sigaction mine {};
  struct sigaction first {};
  mine.sa_handler = count;
  mine.sa_flags = SA_RESTART | SA_NODEFER;
  ::sigaddset(&mine.sa_mask, SIGHUP);
  ASSERT_EQ(::sigaction(SIGUSR1, &mine, &first), 0);
  with_signal(background(), {SIGUSR1}).cancel();
  struct sigaction now {};
  ::sigaction(SIGUSR1, &first, &now);
  EXPECT_EQ(now.sa_flags & (SA_RESTART | SA_NODEFER), SA_RESTART | SA_NODEFER);
  EXPECT_TRUE(::sigismember(&now.sa_mask, SIGHUP));
  EXPECT_FALSE(::sigismember(&now.sa_mask, SIGINT));
}

// Not some time later: the program may have set a handler of its own by then, or ask for the end.
TEST(with_signal, what_the_signal_did_before_is_restored_when_its_handle_is_gone) {  // B87
  const during set(SIGUSR1, SIG_IGN);
  int late = 0;
  for (int round = 0; round < rounds(500); ++round) {
    {
      const auto c = with_signal(background(), {SIGUSR1});
      ::raise(SIGUSR1);
      ASSERT_TRUE(spin_until([&] { return c.ctx.done(); }));
    }
    late += disposition(SIGUSR1) != SIG_IGN;
    ASSERT_TRUE(spin_until([] { return disposition(SIGUSR1) == SIG_IGN; }));
  }
  EXPECT_EQ(late, 0);
}

// Also when the thread that has ended it is still busy with functions of its parent.
TEST(with_signal, what_the_signal_did_before_is_restored_before_functions_run) {  // B87
  const during set(SIGUSR1, SIG_IGN);
  const auto parent = with_cancel(background());
  std::promise<void> running;
  std::promise<void> go_on;
  const after_func slow(parent.ctx, [&] {
    running.set_value();
    go_on.get_future().wait();
  });
  {
    const auto c = with_signal(parent.ctx, {SIGUSR1});
    std::jthread ender([&] { parent.cancel(); });
    running.get_future().wait();
    EXPECT_TRUE(c.ctx.done());
    EXPECT_EQ(disposition(SIGUSR1), SIG_IGN);
    go_on.set_value();
  }
}

TEST(with_signal, a_signal_from_before_it_was_made_does_not_end_it) {
  std::promise<void> stopped;
  std::promise<void> go_on;
  {
    const auto first = with_signal(background(), {SIGUSR1});
    const auto second = with_signal(background(), {SIGUSR2});
    const after_func hold_up(first.ctx, [&] {  // the thread that reads the signals is late
      stopped.set_value();
      go_on.get_future().wait();
    });
    ::raise(SIGUSR1);
    stopped.get_future().wait();
    ::raise(SIGUSR2);
    second.cancel();
    const auto fresh = with_signal(background(), {SIGUSR2, SIGALRM});
    const auto last = with_signal(background(), {SIGALRM});
    go_on.set_value();
    EXPECT_EQ(sleep_for(fresh.ctx, 20ms).get(), std::error_code());
    ::raise(SIGALRM);
    EXPECT_EQ(wait_done(last.ctx).get(), errc::canceled);
    EXPECT_EQ(wait_done(fresh.ctx).get(), errc::canceled);
    EXPECT_EQ(fresh.ctx.cause()->text, "SIGALRM");
  }
}

// The second Ctrl-C.
TEST(with_signal, a_second_signal_ends_a_program_that_hangs_while_it_stops) {  // B87
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        const auto c = with_signal(background(), {SIGTERM});
        ::kill(::getpid(), SIGTERM);
        (void)wait_done(c.ctx);
        (void)spin_until([] { return disposition(SIGTERM) == SIG_DFL; });
        ::kill(::getpid(), SIGTERM);
        (void)wait_done(background());
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

TEST(with_signal, two_contexts_on_one_signal_both_end) {
  const during set(SIGUSR1, SIG_IGN);
  const auto one = with_signal(background(), {SIGUSR1});
  const auto two = with_signal(background(), {SIGUSR2, SIGUSR1});
  ::raise(SIGUSR1);
  EXPECT_EQ(wait_done(one.ctx).get(), errc::canceled);
  EXPECT_EQ(wait_done(two.ctx).get(), errc::canceled);
  EXPECT_TRUE(spin_until([&] { return disposition(SIGUSR1) == SIG_IGN; }));
}

TEST(with_signal, the_end_of_one_of_two_leaves_the_other_its_signal) {
  const during set(SIGUSR1, SIG_IGN);
  const auto stays = with_signal(background(), {SIGUSR1});
  { const auto goes = with_signal(background(), {SIGUSR1}); }
  EXPECT_NE(disposition(SIGUSR1), SIG_IGN);
  ::raise(SIGUSR1);
  EXPECT_EQ(wait_done(stays.ctx).get(), errc::canceled);
}

TEST(with_signal, the_same_signal_given_twice_is_as_good_as_once) {
  const during set(SIGUSR1, SIG_IGN);
  const auto c = with_signal(background(), {SIGUSR1, SIGUSR1});
  ::raise(SIGUSR1);
  EXPECT_EQ(wait_done(c.ctx).get(), errc::canceled);
  EXPECT_TRUE(spin_until([&] { return disposition(SIGUSR1) == SIG_IGN; }));
}

TEST(with_signal, on_an_ended_parent_is_born_ended_and_changes_nothing) {  // B10
  const auto parent = with_cancel(background());
  parent.cancel({cause_kind::shutdown, {}, "over"});
  const auto before = disposition(SIGUSR1);
  const auto c = with_signal(parent.ctx, {SIGUSR1});
  EXPECT_EQ(c.ctx.cause(), parent.ctx.cause());
  EXPECT_EQ(disposition(SIGUSR1), before);
}

TEST(with_signal, of_no_signal_is_a_child) {
  const auto parent = with_cancel(background());
  const auto c = with_signal(parent.ctx, {});
  EXPECT_FALSE(c.ctx.done());
  parent.cancel();
  EXPECT_TRUE(c.ctx.done());
}

TEST(with_signal, a_signal_that_cannot_be_caught_is_an_exception_and_changes_nothing) {
  const during set(SIGUSR1, SIG_IGN);
  const auto parent = with_cancel(background());
  for (const int refused : {SIGKILL, SIGSTOP, 0, -1, 65, 1000}) {
    try {
      (void)with_signal(parent.ctx, {SIGUSR1, refused, SIGUSR2});
      ADD_FAILURE() << refused;
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::invalid_argument);
    }
    EXPECT_EQ(disposition(SIGUSR1), SIG_IGN);
    EXPECT_EQ(scope_of(parent.ctx).kids, nullptr);
  }
  const auto still = with_signal(parent.ctx, {SIGUSR1});
  ::raise(SIGUSR1);
  EXPECT_EQ(wait_done(still.ctx).get(), errc::canceled);
}

TEST(with_signal, blocks_no_signal_in_any_thread) {
  sigset_t before;
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  const auto c = with_signal(background(), {SIGUSR1});
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(::sigismember(&before, SIGUSR1), 0);
  EXPECT_EQ(::sigismember(&after, SIGUSR1), 0);
}

TEST(with_signal, sent_to_any_thread_of_the_program_ends_it) {
  const auto c = with_signal(background(), {SIGUSR1});
  std::jthread t([] { ::pthread_kill(::pthread_self(), SIGUSR1); });
  EXPECT_EQ(wait_done(c.ctx).get(), errc::canceled);
}

TEST(with_signal, raised_in_a_task_of_a_group_ends_it) {
  const auto c = with_signal(background(), {SIGUSR1});
  task_group g;
  std::promise<void> raised;
  g.go([&] {
    ::raise(SIGUSR1);
    raised.set_value();
  });
  raised.get_future().wait();  // before wait(), which lends its own thread
  EXPECT_EQ(sleep_for(c.ctx, 2s).get(), errc::canceled);
  EXPECT_EQ(g.wait(), std::error_code());
}

TEST(with_signal, errno_of_the_interrupted_thread_is_left_alone) {
  const auto c = with_signal(background(), {SIGUSR1});
  errno = ENOTTY;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, ENOTTY);
  EXPECT_EQ(wait_done(c.ctx).get(), errc::canceled);
}

TEST(with_signal, a_blocking_call_of_the_interrupted_thread_goes_on) {
  needs({no_thread_sanitizer("holds a signal back until read() returns")});
  const sockets s;
  const auto c = with_signal(background(), {SIGUSR1});
  std::promise<pthread_t> who;
  ssize_t got = -1;
  std::jthread reader([&] {
    who.set_value(::pthread_self());
    char byte = 0;
    got = ::read(s.fd[0], &byte, 1);
  });
  ::pthread_kill(who.get_future().get(), SIGUSR1);
  EXPECT_EQ(wait_done(c.ctx).get(), errc::canceled);
  EXPECT_EQ(::write(s.fd[1], "x", 1), 1);
  reader.join();
  EXPECT_EQ(got, 1);
}

// A child that has not yet called exec has the handler and the pipe of its parent.
TEST(with_signal, a_signal_to_a_child_process_is_none_to_its_parent) {
  const auto c = with_signal(background(), {SIGUSR1});
  const auto after = with_signal(background(), {SIGUSR2});
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::raise(SIGUSR1);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ::raise(SIGUSR2);  // is seen after whatever the child has left behind
  EXPECT_EQ(wait_done(after.ctx).get(), errc::canceled);
  EXPECT_FALSE(c.ctx.done());
}

TEST(with_signal, a_storm_of_one_signal_does_not_hide_another) {
  const during ignored(SIGUSR1, SIG_IGN);
  std::promise<void> stopped;
  std::promise<void> go_on;
  const auto keep = with_signal(background(), {SIGUSR1});
  const auto first = with_signal(background(), {SIGUSR1});
  const auto last = with_signal(background(), {SIGUSR2});
  std::atomic<int> runs{0};
  const auto hold_up = [&] {  // the thread that reads the signals is late
    if (++runs == 1) {
      stopped.set_value();
      go_on.get_future().wait();
    }
  };
  const after_func one(keep.ctx, hold_up);
  const after_func two(first.ctx, hold_up);
  ::raise(SIGUSR1);
  stopped.get_future().wait();
  for (int i = 0; i < 70'000; ++i) {
    ::raise(SIGUSR1);
  }
  ::raise(SIGUSR2);
  go_on.set_value();
  EXPECT_EQ(sleep_for(last.ctx, 5s).get(), errc::canceled);
}

TEST(with_signal, a_storm_from_many_threads_while_contexts_come_and_go) {
  const during ignored(SIGUSR1, SIG_IGN);
  std::atomic<bool> over{false};
  std::vector<std::jthread> senders;
  for (int i = 0; i < 2; ++i) {
    senders.emplace_back([&] {
      while (!over) {
        ::raise(SIGUSR1);
        ::kill(::getpid(), SIGUSR1);
      }
    });
  }
  std::atomic<int> wrong{0};
  together(3, [&](int i) {
    for (int round = 0; round < rounds(300); ++round) {
      const auto parent = with_cancel(background());
      const auto c = with_signal(parent.ctx, {SIGUSR1});
      if (round % 3 == 0 && i == 0) {
        parent.cancel();
      } else if (round % 3 == 1 && i == 1) {
        c.cancel();
      } else {
        wrong += wait_done(c.ctx) != errc::canceled;
        wrong += c.ctx.cause()->text != "SIGUSR1";
      }
    }
  });
  over = true;
  senders.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(spin_until([] { return disposition(SIGUSR1) == SIG_IGN; }));
}

}  // namespace
}  // namespace hangup
