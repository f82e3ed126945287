// What a supervisor hands to the program and is told by it, played by the test.
#include "server/systemd.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <thread>

#include "tests/support/temporary_directory.h"
#include "tests/support/variable.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using test::variable;

// A datagram socket as systemd has one, and what it is told.
class supervisor {
 public:
  explicit supervisor(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    name.copy(at.sun_path, sizeof at.sun_path - 1);
    if (name.starts_with('@')) {
      at.sun_path[0] = '\0';
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), size), 0);
  }
  ~supervisor() { ::close(fd_); }
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  // The next message; "" if there is none yet.
  std::string told() const {
    std::array<char, 4096> text{};
    const auto n = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
    return {text.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
  }

 private:
  int fd_;
};

std::string me() {
  return std::to_string(::getpid());
}

TEST(supervision, without_variables_there_is_nothing) {
  const variable pid("LISTEN_PID", nullptr);
  const variable count("LISTEN_FDS", nullptr);
  const variable notify("NOTIFY_SOCKET", nullptr);
  const auto all = take_supervision();
  EXPECT_TRUE(all.sockets.empty());
  EXPECT_EQ(all.notify_socket, "");
  EXPECT_EQ(all.wrong, "");
}

TEST(supervision, is_taken_once_and_gone_for_children) {
  const variable pid("LISTEN_PID", me().c_str());
  const variable count("LISTEN_FDS", "0");
  const variable names("LISTEN_FDNAMES", "a:b");
  const variable notify("NOTIFY_SOCKET", "/run/notify");
  EXPECT_EQ(take_supervision().notify_socket, "/run/notify");
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET"}) {
    EXPECT_EQ(std::getenv(name), nullptr) << name;
  }
  EXPECT_EQ(take_supervision().notify_socket, "");
}

TEST(supervision, sockets_of_another_process_are_not_ours) {
  for (const auto* of : {"1", "", "x", "-1"}) {
    const variable pid("LISTEN_PID", of);
    const variable count("LISTEN_FDS", "1");
    const auto all = take_supervision();
    EXPECT_TRUE(all.sockets.empty());
    EXPECT_EQ(all.wrong, "");
  }
}

TEST(supervision, a_number_of_sockets_that_is_none_is_told_in_one_line) {
  for (const std::string found : {"x", "-1", "65", "1x", ""}) {
    const variable pid("LISTEN_PID", me().c_str());
    const variable count("LISTEN_FDS", found.c_str());
    EXPECT_EQ(take_supervision().wrong,
              "LISTEN_FDS: found \"" + found + "\", allowed an integer 0..64");
  }
}

TEST(supervision, what_does_not_listen_is_told_in_one_line) {
  const variable pid("LISTEN_PID", me().c_str());
  const variable count("LISTEN_FDS", "64");  // the test has not so many open
  const auto all = take_supervision();
  EXPECT_TRUE(all.wrong.starts_with("LISTEN_FDS: found descriptor ")) << all.wrong;
  EXPECT_NE(all.wrong.find(", which is not a listening stream socket, allowed"), std::string::npos);
}

TEST(a_notifier, tells_what_systemd_understands) {
  const test::temporary_directory folder;
  for (const auto& name : {folder / "notify", "@" + (folder / "notify")}) {
    const supervisor systemd(name);
    std::string warned;
    notifier n(name, [&](const std::string& line) { warned += line; });
    n.ready("listens");
    EXPECT_EQ(systemd.told(), "READY=1\nSTATUS=listens");
    n.reloading();
    EXPECT_TRUE(systemd.told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    n.stopping("draining");
    EXPECT_EQ(systemd.told(), "STOPPING=1\nSTATUS=draining");
    EXPECT_EQ(warned, "");
  }
}

TEST(a_notifier, without_a_socket_tells_nobody) {
  int warned = 0;
  notifier n("", [&](const std::string&) { ++warned; });
  n.ready("listens");
  EXPECT_EQ(warned, 0);
}

TEST(a_notifier, says_once_that_it_cannot_tell) {
  const test::temporary_directory folder;
  for (const auto& name : {folder / "nobody", std::string("vsock:2:1"), std::string(200, '/')}) {
    std::vector<std::string> warned;
    notifier n(name, [&](const std::string& line) { warned.push_back(line); });
    n.ready("listens");
    n.stopping("draining");
    ASSERT_EQ(warned.size(), 1U) << name;
    EXPECT_TRUE(warned[0].starts_with("NOTIFY_SOCKET: \"")) << warned[0];
  }
}

// Its queue is full: a datagram more would block.
TEST(a_notifier, does_not_wait_for_one_who_does_not_listen) {
  const test::temporary_directory folder;
  const supervisor systemd(folder / "notify");
  int warned = 0;
  notifier n(
      folder / "notify", [&](const std::string&) { ++warned; }, 10ms);
  for (int i = 0; i < 10'000 && warned == 0; ++i) {
    n.stopping("draining");
  }
  EXPECT_EQ(warned, 1);
  n.ready("listens");  // returns
}

// At boot many services tell it something at the same moment.
TEST(a_notifier, waits_until_it_can_tell_that_it_is_ready) {
  const test::temporary_directory folder;
  const supervisor systemd(folder / "notify");
  int warned = 0;
  notifier others(folder / "notify", [&](const std::string&) { ++warned; });
  while (warned == 0) {
    others.stopping("fills the queue");
  }
  std::string missed;
  std::thread ready([&] {
    notifier n(
        folder / "notify", [&](const std::string& line) { missed = line; }, 1min);
    n.ready("listens");
  });
  std::string told;
  while (told != "READY=1\nSTATUS=listens") {
    told = systemd.told();
    if (told.empty()) {
      std::this_thread::yield();
    }
  }
  ready.join();
  EXPECT_EQ(missed, "");
}

}  // namespace
}  // namespace hangup::server
