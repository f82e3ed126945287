// The descriptors that the tasks of one thread wait for.
#include "worker/watch_set.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits>
#include <vector>

#include "tests/unit/context/support.h"

namespace hangup::tree {
namespace {

using namespace test;

struct waiter final : watched {
  void happened(short events) noexcept override { told.push_back(events); }
  void not_looked_at() noexcept override { ++not_looked; }
  std::vector<short> told;
  int not_looked = 0;
};

class a_watch_set : public testing::Test {
 protected:
  void look() {
    set_.wait(0ms);
    set_.tell();
  }
  void send_to(const sockets& s) { ASSERT_EQ(::send(s.fd[1], "x", 1, 0), 1); }

  watch_set set_;
};

TEST_F(a_watch_set, tells_each_of_several_that_wait_for_one_descriptor_what_it_waits_for) {
  const sockets s;
  waiter reads;
  waiter writes;
  waiter too;
  ASSERT_FALSE(set_.watch(reads, s.fd[0], POLLIN));
  ASSERT_FALSE(set_.watch(writes, s.fd[0], POLLOUT));
  ASSERT_FALSE(set_.watch(too, s.fd[0], POLLIN));
  look();
  EXPECT_EQ(writes.told, std::vector<short>{POLLOUT});
  EXPECT_TRUE(reads.told.empty());
  send_to(s);
  look();
  EXPECT_EQ(reads.told, std::vector<short>{POLLIN});
  EXPECT_EQ(too.told, std::vector<short>{POLLIN});
  EXPECT_EQ(writes.told.size(), 1U) << "once per watch()";
  EXPECT_TRUE(set_.is_empty());
}

TEST_F(a_watch_set, lets_one_leave_and_the_others_stay) {
  const sockets s;
  for (const int leaver : {0, 1, 2}) {
    waiter all[3];
    for (auto& w : all) {
      ASSERT_FALSE(set_.watch(w, s.fd[0], POLLIN));
    }
    set_.unwatch(all[leaver]);
    set_.unwatch(all[leaver]);  // does nothing
    send_to(s);
    look();
    for (const auto& w : all) {
      EXPECT_EQ(w.told.size(), &w == &all[leaver] ? 0U : 1U);
    }
    char read = 0;
    ASSERT_EQ(::recv(s.fd[0], &read, 1, 0), 1);
  }
  EXPECT_TRUE(set_.is_empty());
}

// The client's connection is closed, and its number is that of another one, before the task that
// slept on it has left.
TEST_F(a_watch_set, of_a_number_that_is_used_again_tells_who_waits_now) {
  sockets first;
  const sockets second;
  waiter of_first;
  waiter of_second;
  ASSERT_FALSE(set_.watch(of_first, first.fd[0], POLLIN));
  ASSERT_EQ(::dup2(second.fd[0], first.fd[0]), first.fd[0]);
  ASSERT_FALSE(set_.watch(of_second, first.fd[0], POLLIN));
  set_.unwatch(of_first);
  send_to(second);
  look();
  EXPECT_TRUE(of_first.told.empty());
  EXPECT_EQ(of_second.told.size(), 1U);
}

TEST_F(a_watch_set, forgets_a_descriptor_that_was_closed_while_it_was_watched) {
  sockets first;
  const sockets second;
  waiter w;
  ASSERT_FALSE(set_.watch(w, first.fd[0], POLLIN));
  ASSERT_EQ(::dup2(second.fd[0], first.fd[0]), first.fd[0]);
  set_.unwatch(w);
  send_to(second);
  look();
  EXPECT_TRUE(w.told.empty());
  EXPECT_TRUE(set_.is_empty());
}

TEST_F(a_watch_set, says_why_a_descriptor_cannot_be_watched) {
  waiter w;
  const int closed = ::dup(0);
  ::close(closed);
  for (const int none : {closed, std::numeric_limits<int>::max()}) {
    EXPECT_EQ(set_.watch(w, none, POLLIN), std::errc::bad_file_descriptor);
  }
  EXPECT_TRUE(set_.is_empty());
  set_.unwatch(w);
}

TEST_F(a_watch_set, an_error_reaches_who_waits_for_nothing_else) {
  sockets s;
  waiter w;
  ASSERT_FALSE(set_.watch(w, s.fd[0], 0));
  s.hang_up();
  look();
  ASSERT_EQ(w.told.size(), 1U);
  EXPECT_EQ(w.told[0], POLLHUP);
}

TEST_F(a_watch_set, a_ring_ends_the_wait_and_tells_nobody) {
  set_.ring();
  set_.wait(std::chrono::nanoseconds::max());
  set_.tell();
  EXPECT_TRUE(set_.is_empty());
}

TEST_F(a_watch_set, that_is_not_looked_at_says_so_to_all_who_wait_some_at_a_time) {
  const sockets s;
  std::vector<waiter> all(1000);
  std::vector<int> copies;
  for (auto& w : all) {
    copies.push_back(::dup(s.fd[0]));
    ASSERT_FALSE(set_.watch(w, copies.back(), POLLIN));
  }
  std::size_t next = 0;
  int calls = 1;
  while (!set_.not_looked_at(next)) {
    ++calls;
  }
  EXPECT_GT(calls, 2);
  for (auto& w : all) {
    EXPECT_EQ(w.not_looked, 1);
    set_.unwatch(w);
  }
  for (const int copy : copies) {
    ::close(copy);
  }
}

}  // namespace
}  // namespace hangup::tree
