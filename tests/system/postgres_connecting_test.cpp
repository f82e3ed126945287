// Connecting to a PostgreSQL server that says nothing, or is not there.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/postgres_engine.h"

namespace hangup::system_test {
namespace {

// Accepts connections, as far as the kernel does, and says nothing.
class silent_listener {
 public:
  silent_listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    static_cast<void>(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size));
    ::listen(fd_, 8);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  ~silent_listener() { ::close(fd_); }
  silent_listener(const silent_listener&) = delete;
  silent_listener& operator=(const silent_listener&) = delete;

  std::string conninfo() const {
    return "host=127.0.0.1 user=nobody password=secret port=" + std::to_string(port_);
  }
  int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }

 private:
  int fd_;
  int port_ = 0;
};

TEST(postgres_connecting, ends_with_a_hang_up) {
  const silent_listener listener;
  postgres db({.conninfo = listener.conninfo(), .connections = 1, .connect_timeout = 60s});
  const auto [ctx, cancel] = with_cancel(background());
  std::thread request([&, ctx = ctx] {
    kept_rows rows;
    std::string why;
    EXPECT_EQ(ask(db, ctx, one, {std::int64_t{1}}, rows, why), hangup::errc::canceled);
  });
  const int client = listener.accept();
  cancel();
  request.join();
  ::close(client);
  EXPECT_EQ(db.now().connections, 0U);
  EXPECT_EQ(db.now().in_use, 0U);
}

TEST(postgres_connecting, has_a_budget) {
  const silent_listener listener;
  postgres db({.conninfo = listener.conninfo(), .connections = 1, .connect_timeout = 100ms});
  kept_rows rows;
  std::string why;
  EXPECT_EQ(ask(db, background(), one, {std::int64_t{1}}, rows, why), errc::unreachable);
  EXPECT_EQ(why, "no answer within 100 ms");
}

TEST(postgres_connecting, says_who_is_not_there_and_never_the_password) {
  postgres db({.conninfo = "host=127.0.0.1 port=1 user=nobody password=secret"});
  std::string why;
  EXPECT_EQ(db.reachable(background(), why), errc::unreachable);
  EXPECT_NE(why.find("Connection refused"), std::string::npos) << why;
  EXPECT_EQ(why.find("secret"), std::string::npos) << why;
}

TEST(postgres_connecting, knows_a_connection_string) {
  for (const auto* good : {"", "host=/tmp dbname=x", "postgresql://user:pw@host:5432/db"}) {
    EXPECT_TRUE(query::is_conninfo(good)) << good;
  }
  for (const auto* bad : {"host", "hots=x", "postgresql://[::1"}) {
    EXPECT_FALSE(query::is_conninfo(bad)) << bad;
  }
}

}  // namespace
}  // namespace hangup::system_test
