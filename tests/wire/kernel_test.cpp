// What http/departure/watcher.h takes for granted of Linux, shown: which events the server's side
// of a connection reports after each way to leave, with and without bytes that nobody has read. The
// last column is why nothing here ever looks for a departure by reading.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "hangup/context/context.h"
#include "http/departure/departure.h"
#include "http/departure/watcher.h"
#include "tests/support/client.h"

namespace hangup::wire {
namespace {

using namespace std::chrono_literals;
using namespace test;

// Both ends of a TCP connection over loopback.
class both_ends {
 public:
  both_ends() {
    const int door = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    ::bind(door, reinterpret_cast<const sockaddr*>(&here), sizeof here);
    ::listen(door, 1);
    ::getsockname(door, reinterpret_cast<sockaddr*>(&here), &size);
    far.emplace(ntohs(here.sin_port));
    near = ::accept4(door, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ::close(door);
  }
  ~both_ends() { ::close(near); }
  both_ends(const both_ends&) = delete;
  both_ends& operator=(const both_ends&) = delete;

  // Waits until the near end reports one of these.
  bool reports(short wanted) const {
    pollfd p{near, wanted, 0};
    return ::poll(&p, 1, static_cast<int>(patience.count())) == 1 && (p.revents & wanted) != 0;
  }
  short events() const {
    pollfd p{near, POLLIN | POLLRDHUP, 0};
    return ::poll(&p, 1, 0) == 1 ? p.revents : short{0};
  }
  // What a peek finds: 1 a byte, 0 the end, -1 an error.
  int peek() const {
    char c = 0;
    return static_cast<int>(::recv(near, &c, 1, MSG_PEEK | MSG_DONTWAIT));
  }
  void write() const { EXPECT_EQ(::send(near, "x", 1, MSG_NOSIGNAL), 1); }

  std::optional<client> far;
  int near = -1;
};

class after_unread : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      ASSERT_TRUE(ends_.far->send("x"));
      ASSERT_TRUE(ends_.reports(POLLIN));
    }
  }
  int peeks(int otherwise) const { return GetParam() ? 1 : otherwise; }
  both_ends ends_;
};

TEST_P(after_unread, a_client_that_stays_reports_no_departure) {
  EXPECT_EQ(ends_.events(), GetParam() ? POLLIN : 0);
  EXPECT_EQ(ends_.peek(), peeks(-1));
}

TEST_P(after_unread, a_close_and_a_half_close_are_rdhup_alone) {
  GetParam() ? ends_.far->close() : ends_.far->shutdown_write();
  ASSERT_TRUE(ends_.reports(POLLRDHUP));
  EXPECT_EQ(ends_.events(), POLLIN | POLLRDHUP);
  EXPECT_EQ(ends_.peek(), peeks(0)) << "a peek sees the byte and not the departure";
}

TEST_P(after_unread, a_write_to_a_closed_client_is_answered_by_a_reset) {
  ends_.far->close();
  ASSERT_TRUE(ends_.reports(POLLRDHUP));
  ends_.write();
  ASSERT_TRUE(ends_.reports(POLLERR));
  EXPECT_EQ(ends_.events(), POLLIN | POLLERR | POLLHUP | POLLRDHUP);
}

TEST_P(after_unread, a_write_to_a_half_closed_client_is_taken) {
  ends_.far->shutdown_write();
  ASSERT_TRUE(ends_.reports(POLLRDHUP));
  ends_.write();
  ASSERT_TRUE(ends_.far->receive_bytes(1));
  EXPECT_EQ(ends_.events(), POLLIN | POLLRDHUP);
  EXPECT_EQ(ends_.peek(), peeks(0));
}

TEST_P(after_unread, a_reset_is_hup_and_err_besides) {
  ends_.far->reset();
  ASSERT_TRUE(ends_.reports(POLLERR));
  EXPECT_EQ(ends_.events(), POLLIN | POLLERR | POLLHUP | POLLRDHUP);
}

TEST_P(after_unread, a_close_that_leaves_our_bytes_unread_is_a_reset) {
  ends_.write();
  ASSERT_TRUE(ends_.far->readable(patience));
  ends_.far->close();
  ASSERT_TRUE(ends_.reports(POLLERR));
  EXPECT_EQ(ends_.events(), POLLIN | POLLERR | POLLHUP | POLLRDHUP);
}

INSTANTIATE_TEST_SUITE_P(bytes, after_unread, testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "some" : "none");
});

// The known limit: a FIN behind a full window has not arrived.
TEST(a_full_window, hides_a_fin_and_not_a_reset) {  // C8
  for (const bool by_reset : {false, true}) {
    both_ends ends;
    const std::string much(1 << 20, 'x');
    while (ends.far->send_some(much) > 0 || ends.far->writable(50ms)) {
    }
    by_reset ? ends.far->reset() : ends.far->close();
    if (by_reset) {
      EXPECT_TRUE(ends.reports(POLLERR));
    } else {
      EXPECT_EQ(ends.events(), POLLIN);
    }
  }
}

// A thread that writes may meet the reset before the watcher does, which is muted here: it would
// say the same.
TEST(a_reset_after_a_fin, is_a_reset_for_a_write_that_meets_it_unless_the_fin_was_the_end) {
  for (const auto policy : {http::half_close::ignore, http::half_close::cancel}) {
    both_ends ends;
    http::watcher ears;
    const auto [ctx, cancel] = with_cancel(background());
    std::uint32_t generation = 0;
    ASSERT_FALSE(ears.watch(ends.near, http::transport::tcp, cancel, policy, generation));
    ears.mute(ends.near);
    ends.far->shutdown_write();
    ASSERT_TRUE(ends.reports(POLLRDHUP));
    EXPECT_EQ(ears.look(ends.near, http::departure::none), http::departure::closed);
    ends.far->reset();
    ASSERT_TRUE(ends.reports(POLLHUP));
    ASSERT_EQ(::send(ends.near, "x", 1, MSG_NOSIGNAL), -1);
    const auto met = http::departure_by(errno, http::transport::tcp);
    EXPECT_EQ(ears.look(ends.near, met), policy == http::half_close::ignore
                                             ? http::departure::reset
                                             : http::departure::closed);
    ears.forget(ends.near);
  }
}

}  // namespace
}  // namespace hangup::wire
