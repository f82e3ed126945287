// The built program as a service: the test plays systemd, by its two protocols.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>

#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/listener.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

class a_service : public testing::Test {
 protected:
  a_service() {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    notify.copy(at.sun_path, sizeof at.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  ~a_service() override { ::close(fd_); }

  // As systemd starts it: the sockets are descriptors from 3 on, and LISTEN_PID is the process.
  std::vector<std::string> command(const std::string& sockets,
                                   const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> all{"env",
                                 "NOTIFY_SOCKET=" + notify,
                                 "LISTEN_FDS=" + sockets,
                                 "sh",
                                 "-c",
                                 "LISTEN_PID=$$ exec \"$@\"",
                                 "sh",
                                 HANGUP_BINARY};
    all.insert(all.end(), flags.begin(), flags.end());
    return all;
  }

  // Waits for the next message.
  std::string told() const {
    pollfd in{fd_, POLLIN, 0};
    ::poll(&in, 1, static_cast<int>(patience.count()));
    std::array<char, 4096> text{};
    const auto n = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
    return {text.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
  }

  const temporary_directory folder;
  const std::string notify = folder / "notify";

 private:
  const int fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

TEST_F(a_service, listens_on_the_socket_that_it_is_given_and_says_when_it_is_ready_and_stops) {
  const listener socket;
  // Its own address would be in use: it is not bound.
  process s(command("1", {"--port", std::to_string(socket.port())}), -1, {socket.fd()});
  const auto url = "http://127.0.0.1:" + std::to_string(socket.port());
  EXPECT_EQ(told(), "READY=1\nSTATUS=listens on " + url);
  EXPECT_NE(s.line_with(" listens on " + url + " with "), "");

  client c(socket.port());
  ASSERT_TRUE(c.send(get("/query/sim?seconds=600", "X-Request-Id: leaves\r\n")));
  client pages(socket.port());
  ASSERT_TRUE(eventually(
      [&] { return pages.ask(get("/requests")).body.find("\"leaves\"") != std::string::npos; }));
  c.close();
  EXPECT_NE(s.line_with(" 499 "), "") << s.output();

  s.signal(SIGHUP);
  EXPECT_TRUE(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_TRUE(told().starts_with("READY=1\n"));
  s.signal(SIGTERM);
  EXPECT_TRUE(told().starts_with("STOPPING=1\n"));
  EXPECT_EQ(s.wait(), 0);
  EXPECT_TRUE(client(socket.port()).connected()) << "the socket still listens, for the next start";
}

TEST_F(a_service, listens_on_several_sockets_also_of_unix) {
  const listener tcp;
  const auto path = folder / "s";
  const unix_listener local(path);
  process s(command("2"), -1, {tcp.fd(), local.fd()});
  EXPECT_TRUE(told().starts_with("READY=1\n"));
  EXPECT_EQ(client(tcp.port()).ask(get("/healthz")).body, "ok\n");
  EXPECT_EQ(client(client::over_unix{path}).ask(get("/healthz")).body, "ok\n");
}

TEST_F(a_service, is_not_started_with_what_is_no_listening_socket) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  process s(command("1", {"--port", "0"}), -1, {pipe[0]});
  EXPECT_EQ(s.wait(), 2);
  EXPECT_EQ(s.output(),
            "LISTEN_FDS: found descriptor 3, which is not a listening stream socket, allowed such "
            "of TCP and Unix (ListenStream= with Accept=no)\n");
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(a_service, that_cannot_tell_says_so_once_and_serves) {
  process s({"env", "NOTIFY_SOCKET=" + (folder / "nobody"), HANGUP_BINARY, "--port", "0"});
  EXPECT_NE(s.line_with("NOTIFY_SOCKET: "), "");
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0);
}

}  // namespace
}  // namespace hangup::system_test
