// Lines for a descriptor that somebody reads, slowly or not at all.
#include "server/line_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>

#include "server/streams.h"
#include "tests/support/eventually.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

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

TEST(line_writer, drops_and_counts_the_oldest_when_nobody_reads_and_ends_in_its_time) {
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

TEST(line_writer, keeps_the_newest_for_a_reader_that_comes_late) {
  ends e;
  e.fill();
  line_writer w(e.to, 16);
  for (int i = 0; i < 2000; ++i) {
    w.add(line(i));
  }
  auto read = std::async(std::launch::async, [&] {
    std::string all;
    std::array<char, 65536> some{};
    while (all.find(line(1999)) == std::string::npos) {
      const auto n = ::read(e.from, some.data(), some.size());
      all.append(some.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return all;
  });
  const auto all = read.get();
  EXPECT_NE(all.find(lines(1984, 2000)), std::string::npos);
  EXPECT_TRUE(test::eventually([&] { return w.dropped() > 0; }));
}

TEST(line_writer, bounds_what_it_keeps_in_bytes_too) {
  ends e;
  e.fill();
  line_writer w(e.to, 64);
  for (int i = 0; i < 64; ++i) {
    w.add(std::string(32 * 1024, 'x') + "\n");
  }
  EXPECT_GE(w.dropped(), 60U) << "64 lines are 64 KiB";
  ends::shut(e.from);
}

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
