// wait_fd: a descriptor, a context and a time, and which of them comes first.
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <future>

#include "hangup/context/wait.h"
#include "tests/unit/context/support.h"

namespace hangup {
namespace {

using namespace test;

TEST(wait_fd, returns_when_the_descriptor_is_ready) {
  const auto c = with_cancel(background());
  const auto timed = with_timeout(background(), never);
  for (const auto& ctx : {background(), c.ctx, timed.ctx}) {
    sockets pair;
    EXPECT_FALSE(wait_fd(ctx, pair.fd[0], POLLOUT).get());
    auto result =
        std::async(std::launch::async, [&] { return wait_fd(ctx, pair.fd[0], POLLIN).get(); });
    ASSERT_EQ(::write(pair.fd[1], "x", 1), 1);
    ASSERT_EQ(result.wait_for(patience), std::future_status::ready);
    EXPECT_FALSE(result.get());
    char byte = 0;
    EXPECT_EQ(::read(pair.fd[0], &byte, 1), 1);
  }
}

TEST(wait_fd, returns_when_the_peer_hangs_up) {
  const auto c = with_cancel(background());
  sockets pair;
  pair.hang_up();
  EXPECT_FALSE(wait_fd(c.ctx, pair.fd[0], POLLOUT).get());
  EXPECT_FALSE(wait_fd(c.ctx, pair.fd[0], 0).get());  // a hang-up comes unasked
}

TEST(wait_fd, until_is_not_an_end_of_the_context) {
  const auto c = with_cancel(background());
  const auto timed = with_timeout(background(), never);
  const sockets pair;
  for (const auto& ctx : {background(), c.ctx, timed.ctx}) {
    const auto until = clock::now() + 10ms;
    const std::error_code ec = wait_fd(ctx, pair.fd[0], POLLIN, until);
    EXPECT_EQ(ec, std::make_error_code(std::errc::timed_out));  // of the generic category
    EXPECT_GE(clock::now(), until);
    EXPECT_FALSE(ctx.done());
    EXPECT_EQ(wait_fd(ctx, pair.fd[0], POLLIN, clock::now() - 1s).get(),
              std::make_error_code(std::errc::timed_out));
    EXPECT_FALSE(
        wait_fd(ctx, pair.fd[0], POLLOUT, clock::now() - 1s).get());  // ready: still looks once
  }
}

TEST(wait_fd, an_until_before_all_time_looks_once) {
  const auto c = with_timeout(background(), 1s);  // ends the wait if it should be endless
  const sockets pair;
  EXPECT_EQ(wait_fd(c.ctx, pair.fd[0], POLLIN, clock::time_point::min()).get(),
            std::make_error_code(std::errc::timed_out));
}

TEST(wait_fd, the_end_of_one_context_does_not_disturb_the_next_wait_of_the_thread) {
  const sockets pair;
  for (int round = 0; round < rounds(200); ++round) {
    const auto c = with_cancel(background());
    std::jthread ender([&] { c.cancel(); });
    EXPECT_EQ(wait_fd(c.ctx, pair.fd[0], POLLIN).get(), errc::canceled);
    ender.join();
    const auto other = with_cancel(background());
    EXPECT_EQ(wait_fd(other.ctx, pair.fd[0], POLLIN, clock::now()).get(),
              std::make_error_code(std::errc::timed_out));
  }
}

TEST(wait_fd, readiness_and_end_that_race_give_one_of_the_two) {
  for (int round = 0; round < rounds(500); ++round) {
    const sockets pair;
    const auto c = with_cancel(background());
    std::error_code ec;
    together(3, [&](int i) {
      if (i == 0) {
        ec = wait_fd(c.ctx, pair.fd[0], POLLIN);
      } else if (i == 1) {
        EXPECT_EQ(::write(pair.fd[1], "x", 1), 1);
      } else {
        c.cancel();
      }
    });
    ASSERT_TRUE(!ec || ec == errc::canceled) << ec.message();
  }
}

}  // namespace
}  // namespace hangup
