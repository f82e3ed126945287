// Connecting to a PostgreSQL server that says nothing, or is not there.
#include "tests/support/listener.h"
#include "tests/system/postgres_engine.h"

namespace hangup::system_test {
namespace {

// At a server that takes connections, as far as the kernel does, and says nothing.
std::string conninfo_of(const listener& silent) {
  return "host=127.0.0.1 user=nobody password=secret port=" + std::to_string(silent.port());
}

TEST(postgres_connecting, ends_with_a_hang_up) {
  const listener silent;
  postgres db({.conninfo = conninfo_of(silent), .connections = 1, .connect_timeout = 60s});
  const auto [ctx, cancel] = with_cancel(background());
  std::thread request([&, ctx = ctx] {
    kept_rows rows;
    std::string why;
    EXPECT_EQ(ask(db, ctx, one, {std::int64_t{1}}, rows, why), hangup::errc::canceled);
  });
  const int client = ::accept4(silent.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  cancel();
  request.join();
  ::close(client);
  EXPECT_EQ(db.now().connections, 0U);
  EXPECT_EQ(db.now().in_use, 0U);
}

TEST(postgres_connecting, has_a_budget) {
  const listener silent;
  postgres db({.conninfo = conninfo_of(silent), .connections = 1, .connect_timeout = 100ms});
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
