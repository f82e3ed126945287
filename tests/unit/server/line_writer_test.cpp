// Lines for a descriptor that somebody reads, slowly or not at all.
#include "server/line_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <future>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/streams.h"
#include "tests/support/eventually.h"
#include "tests/support/own_thread.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

std::string read_until(int fd, std::string_view text) {
  std::string all;
  std::array<char, 65536> some{};
  while (all.find(text) == std::string::npos) {
    const auto n = ::read(fd, some.data(), some.size());
    if (n <= 0) {
      ADD_FAILURE() << "came only: " << all;
      break;
    }
    all.append(some.data(), static_cast<std::size_t>(n));
  }
  return all;
}

// Two ends: what is written to one can be read from the other.
struct ends {
  enum kind { pipe, socket };
  explicit ends(kind k = pipe) {
    std::array<int, 2> fds{};
    if (k == pipe ? ::pipe2(fds.data(), O_CLOEXEC) != 0
                  : ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
      throw std::runtime_error("no descriptors");
    }
    from = fds[0];
    to = fds[1];
  }
  ~ends() {
    shut(from);
    shut(to);
  }
  ends(const ends&) = delete;
  ends& operator=(const ends&) = delete;

  static void shut(int& fd) {
    if (fd >= 0) {
      ::close(std::exchange(fd, -1));
    }
  }
  // Until no more fits.
  void fill() const {
    const int before = ::fcntl(to, F_GETFL);
    ::fcntl(to, F_SETFL, before | O_NONBLOCK);
    const std::string much(4096, '.');
    while (::write(to, much.data(), much.size()) > 0) {
    }
    ::fcntl(to, F_SETFL, before);
  }
  // Reads until this text has come, and returns all that came.
  std::string until(std::string_view text) const { return read_until(from, text); }
  // All of it, when the other end is closed.
  std::string rest() {
    shut(to);
    std::string all;
    std::array<char, 65536> some{};
    for (ssize_t n = 0; (n = ::read(from, some.data(), some.size())) > 0;) {
      all.append(some.data(), static_cast<std::size_t>(n));
    }
    return all;
  }

  int from = -1;
  int to = -1;
};

std::string line(int n) {
  return "line " + std::to_string(n) + "\n";
}

std::string lines(int from, int to) {
  std::string all;
  for (int i = from; i < to; ++i) {
    all += line(i);
  }
  return all;
}

const auto ignored = std::signal(SIGPIPE, SIG_IGN);  // as the program does

TEST(line_writer, writes_everything_that_is_read_before_it_ends) {
  for (const auto kind : {ends::pipe, ends::socket}) {
    ends e(kind);
    auto read = std::async(std::launch::async, [&, to = std::exchange(e.to, -1)] {
      {
        line_writer w(to, 100'000);
        for (int i = 0; i < 20'000; ++i) {  // more than fits in a pipe
          w.add(line(i));
        }
        w.add(std::string(20'000, 'x') + "\n");
        w.end();
        EXPECT_EQ(w.dropped(), 0U);
      }
      ::close(to);
    });
    EXPECT_EQ(e.rest(), lines(0, 20'000) + std::string(20'000, 'x') + "\n");
    read.get();
  }
}

TEST(line_writer, drops_and_counts_what_finds_the_queue_full_and_ends_in_its_time) {
  ends e;
  e.fill();
  const int flags = ::fcntl(e.to, F_GETFL);
  const auto began = clock::now();
  line_writer w(e.to, 16);
  for (int i = 0; i < 1000; ++i) {
    w.add(line(i));
  }
  EXPECT_GE(w.dropped(), 1000U - 16 - 4096 / line(0).size());
  w.end();
  EXPECT_EQ(w.dropped(), 1000U);
  w.add(line(0));
  EXPECT_EQ(w.dropped(), 1001U) << "it has ended";
  w.end();
  EXPECT_LT(clock::now() - began, 10s);
  EXPECT_EQ(::fcntl(e.to, F_GETFL), flags) << "who shares it sees its flags";
  EXPECT_EQ(e.rest().find("line"), std::string::npos);
}

TEST(line_writer, keeps_those_that_wait_for_a_reader_that_comes_late) {
  ends e;
  e.fill();
  line_writer w(e.to, 16);
  for (int i = 0; i < 2000; ++i) {
    w.add(line(i));
  }
  const auto dropped = w.dropped();
  EXPECT_GT(dropped, 0U);
  EXPECT_NE(e.until("line 13\n").find(lines(0, 14)), std::string::npos);
  // The others have places again.
  ASSERT_TRUE(test::eventually([&] {
    const auto before = w.dropped();
    w.add("after\n");
    return w.dropped() == before;
  }));
  e.until("after\n");
}

TEST(line_writer, keeps_some_places_for_what_is_to_be_written_at_once) {
  ends e;
  e.fill();
  line_writer w(e.to, 16);
  for (int i = 0; i < 2000; ++i) {
    w.add(line(i));
  }
  const auto dropped = w.dropped();
  EXPECT_GT(dropped, 0U);
  w.add("urgent\n", line_writer::when::at_once);
  w.add("urgent\n", line_writer::when::at_once);
  EXPECT_EQ(w.dropped(), dropped);
  e.until("urgent\nurgent\n");
}

TEST(line_writer, bounds_what_it_keeps_in_bytes_too) {
  ends e;
  e.fill();
  line_writer w(e.to, 64);
  for (int i = 0; i < 64; ++i) {
    w.add(std::string(1000, 'x') + "\n");
  }
  EXPECT_GE(w.dropped(), 64U - 14 - 4) << "four places each, and a write that waits";
  const auto before = w.dropped();
  w.add(std::string(32 * 1024, 'x') + "\n", line_writer::when::at_once);
  EXPECT_EQ(w.dropped(), before + 1) << "64 places are 16 KiB";
  ends::shut(e.from);
}

// A pipe of packets: each read is one write.
TEST(line_writer, writes_many_lines_at_once) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::pipe2(fds.data(), O_CLOEXEC | O_DIRECT), 0);
  constexpr int count = 20'000;
  auto written = std::async(std::launch::async, [&, to = fds[1]] {
    {
      line_writer w(to, 2 * count);
      for (int i = 0; i < count; ++i) {
        w.add(line(i));
      }
      w.end();
      EXPECT_EQ(w.dropped(), 0U);
    }
    ::close(to);
  });
  std::string all;
  int writes = 0;
  std::array<char, 8192> some{};
  for (ssize_t n = 0; (n = ::read(fds[0], some.data(), some.size())) > 0; ++writes) {
    EXPECT_EQ(some[static_cast<std::size_t>(n) - 1], '\n') << "others may write in between";
    all.append(some.data(), static_cast<std::size_t>(n));
  }
  written.get();
  ::close(fds[0]);
  EXPECT_EQ(all, lines(0, count));
  EXPECT_LT(writes, count / 50);
}

// Each follows a write, and no other line follows it.
TEST(line_writer, writes_a_line_soon_although_no_other_follows) {
  ends e;
  line_writer w(e.to, 64);
  for (int i = 0; i < 5; ++i) {
    const auto began = clock::now();
    w.add(line(i));
    e.until(line(i));
    EXPECT_LT(clock::now() - began, 5s);
  }
}

// The least of many times, as the machine may stall in some of them.
clock::duration least_time(const std::function<void()>& f) {
  auto least = clock::duration::max();
  for (int i = 0; i < 20; ++i) {
    const auto began = clock::now();
    f();
    least = std::min(least, clock::now() - began);
  }
  return least;
}

TEST(line_writer, writes_an_urgent_line_at_once_and_those_before_it) {
  ends e;
  line_writer w(e.to, 64);
  EXPECT_LT(least_time([&] {
              w.add("before\n");
              w.add("urgent\n", line_writer::when::at_once);
              e.until("before\nurgent\n");
            }),
            25ms);
}

TEST(line_writer, writes_every_line_at_once_to_a_terminal) {
  int terminal = -1;
  int user = -1;
  ASSERT_EQ(::openpty(&terminal, &user, nullptr, nullptr, nullptr), 0);
  {
    line_writer w(user, 64);
    EXPECT_LT(least_time([&] {
                w.add("a line\n");
                read_until(terminal, "a line\r\n");
              }),
              25ms);
  }
  ::close(user);
  ::close(terminal);
}

TEST(line_writer, sleeps_while_there_is_nothing_to_write) {
  ends e;
  line_writer w(e.to, 64);
  w.add("a line\n");
  e.until("a line\n");
  // It has gone to sleep when it has written; two waits more could only be a time-out's.
  const auto writer = test::thread_named("hangup-log");
  ASSERT_NE(writer, 0);
  ASSERT_TRUE(test::eventually([&] { return test::status_of(writer, "State") == "S (sleeping)"; }));
  const auto before = test::waits_of(writer);
  std::this_thread::sleep_for(400ms);  // in which nothing may happen
  EXPECT_LE(test::waits_of(writer), before + 1);
  EXPECT_GT(before, 0);
}

class lines_for_a_reader : public ::testing::TestWithParam<unsigned> {};

TEST_P(lines_for_a_reader, keep_the_order_of_each_thread_and_are_written_or_counted) {
  const unsigned seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr unsigned threads = 4;
  constexpr int each = 3000;
  ends e;
  std::string out;
  std::thread reader([&] {
    std::mt19937 random(seed);
    std::array<char, 4096> some{};
    for (ssize_t n = 0; (n = ::read(e.from, some.data(), 1 + random() % some.size())) > 0;) {
      out.append(some.data(), static_cast<std::size_t>(n));
      if (random() % 64 == 0) {  // so that the queue becomes full, of some seeds
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % (1 + seed)));
      }
    }
  });
  std::uint64_t dropped = 0;
  {
    line_writer w(e.to, seed % 3 == 0 ? 16 : 1024);
    std::vector<std::thread> all;
    for (unsigned t = 0; t < threads; ++t) {
      all.emplace_back([&, t] {
        std::mt19937 random(seed * 31 + t);
        for (int i = 0; i < each; ++i) {
          w.add(std::to_string(t) + " " + std::to_string(i) + " " +
                    std::string(random() % 400, 'x') + "\n",
                random() % 50 == 0 ? line_writer::when::at_once : line_writer::when::with_others);
          if (random() % 500 == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(random() % 3));
          }
        }
      });
    }
    if (seed % 4 == 3) {  // the program ends in the middle of it
      std::this_thread::sleep_for(3ms);
      w.end();
    }
    for (auto& t : all) {
      t.join();
    }
    w.end();
    dropped = w.dropped();
  }
  ends::shut(e.to);
  reader.join();
  std::vector<int> last(threads, -1);
  std::uint64_t written = 0;
  std::istringstream from(out);
  for (std::string one; std::getline(from, one); ++written) {
    unsigned t = threads;
    int i = -1;
    std::istringstream(one) >> t >> i;
    ASSERT_LT(t, threads) << one;
    ASSERT_GT(i, last[t]) << one;
    last[t] = i;
  }
  EXPECT_EQ(written + dropped, threads * each);
}

INSTANTIATE_TEST_SUITE_P(by_seed, lines_for_a_reader, ::testing::Range(1U, 9U));

TEST(line_writer, drops_what_nobody_can_read_any_more) {
  ends e;
  ends::shut(e.from);
  line_writer w(e.to, 16);
  w.add(line(0));
  w.end();
  EXPECT_EQ(w.dropped(), 1U);
  const int closed = ::dup(e.to);
  ::close(closed);
  line_writer none(closed, 16);
  none.add(line(0));
  none.end();
  EXPECT_EQ(none.dropped(), 1U);
}

// A terminal that says there is room may have less than is written: that write cannot be ended.
TEST(line_writer, leaves_a_write_behind_that_does_not_return) {
  int terminal = -1;
  int user = -1;
  ASSERT_EQ(::openpty(&terminal, &user, nullptr, nullptr, nullptr), 0);
  const auto began = clock::now();
  {
    line_writer w(user, 4096);
    for (int i = 0; i < 4000; ++i) {
      w.add(line(i));
    }
  }
  EXPECT_LT(clock::now() - began, 10s);
  ::close(terminal);  // ends the write
}

TEST(streams, a_text_is_written_as_far_as_somebody_reads) {
  ends e;
  const std::string text(200'000, 't');
  const auto n = write_text(background(), e.to, text, 10ms);
  EXPECT_GT(n, 0U);
  EXPECT_LT(n, text.size());
  EXPECT_EQ(write_text(background(), e.to, "more", 0ms), 0U);
  const auto over = with_cancel(background());
  over.cancel();
  EXPECT_EQ(write_text(over.ctx, e.to, "more", std::chrono::milliseconds::max()), 0U);
  EXPECT_EQ(e.rest(), text.substr(0, n));
}

}  // namespace
}  // namespace hangup::server
