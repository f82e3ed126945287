// The ways in which a server of cpp-httplib begins to listen and stops, with both of ours.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <string>

#include "tests/support/listener.h"
#include "tests/support/needs.h"
#include "tests/support/temporary_directory.h"
#include "tests/wire/backends/both.h"

namespace hangup::wire {
namespace {

using namespace test;
using httplib::Request;
using httplib::Response;

template <class Server>
class listening_of : public of_both<Server> {
 protected:
  listening_of() { add_usual_routes(server, at); }

  // On a free port, which is returned; 0: it could not.
  std::uint16_t bind(const char* host = "127.0.0.1") {
    const int port = server.bind_to_any_port(host);
    EXPECT_GT(port, 0);
    return static_cast<std::uint16_t>(std::max(port, 0));
  }
  static bool listen_after_bind(Server& s) { return s.listen_after_bind(); }

  told at;
  Server server;
};
TYPED_TEST_SUITE(listening_of, both_servers, names_of_both);

TYPED_TEST(listening_of, listen_takes_host_and_port_and_returns_true_when_it_was_stopped) {
  const auto port = listener().port();  // nobody listens on it any more
  EXPECT_FALSE(this->server.is_running());
  listening<TypeParam> l(this->server, [port](auto& s) { return s.listen("127.0.0.1", port); });
  EXPECT_EQ(client(port).ask(get("/fast")).body, "fast\n");
  l.stop();
  EXPECT_TRUE(l.returned);
  EXPECT_FALSE(this->server.is_running());
}

TYPED_TEST(listening_of, listen_returns_false_for_an_address_that_is_not_there) {
  EXPECT_FALSE(this->server.listen("192.0.2.1", 80));  // RFC 5737: of no machine
  EXPECT_FALSE(this->server.is_running());
}

TYPED_TEST(listening_of, a_port_can_be_bound_before) {
  const auto port = listener().port();  // nobody listens on it any more
  ASSERT_TRUE(this->server.bind_to_port("127.0.0.1", port));
  listening<TypeParam> l(this->server, this->listen_after_bind);
  EXPECT_EQ(client(port).ask(get("/fast")).body, "fast\n");
}

TYPED_TEST(listening_of, a_hang_up_over_ipv6_is_heard_and_the_address_is_told) {
  needs({ipv6()});
  this->server.Get("/who", [](const Request& req, Response& res) {
    res.set_content(req.remote_addr, "text/plain");
  });
  const auto port = this->bind("::1");
  listening<TypeParam> l(this->server, this->listen_after_bind);
  client c(port, client::over_v6{});
  EXPECT_EQ(c.ask(get("/who")).body, "::1");
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(this->at.await("/wait"));
  c.close();
  EXPECT_TRUE(this->at.await("ended by client_closed")) << this->at.text();
}

TYPED_TEST(listening_of, a_hang_up_on_a_unix_socket_is_heard) {
  const temporary_directory folder;
  const auto path = folder / "s";
  this->server.set_address_family(AF_UNIX);
  listening<TypeParam> l(this->server, [path](auto& s) { return s.listen(path, 80); });
  client c(client::over_unix{path});
  EXPECT_EQ(c.ask(get("/fast")).body, "fast\n");
  ASSERT_TRUE(c.send(get("/wait") + "x"));
  ASSERT_TRUE(this->at.await("/wait"));
  c.close();
  EXPECT_TRUE(this->at.await("ended by client_closed")) << this->at.text();
}

TYPED_TEST(listening_of, the_socket_has_the_options_that_the_program_sets) {
  std::atomic<int> socket{-1};
  this->server.set_socket_options([&socket](auto s) {
    const int yes = 1;
    ::setsockopt(static_cast<int>(s), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    socket = static_cast<int>(s);
  });
  const auto port = this->bind();
  listening<TypeParam> l(this->server, this->listen_after_bind);
  EXPECT_EQ(client(port).ask(get("/fast")).body, "fast\n");
  int shares = -1;
  socklen_t size = sizeof shares;
  ASSERT_EQ(::getsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &shares, &size), 0);
  EXPECT_EQ(shares, 0) << "the base would have set it";
}

// Versions differ in what they have: from 0.13 wait_until_ready(), from 0.17 decommission(), which
// one version spells otherwise.
template <class Server>
bool waits_until_ready(Server& s) {
  if constexpr (requires { s.wait_until_ready(); }) {
    s.wait_until_ready();
    return s.is_running();
  }
  return true;
}

TYPED_TEST(listening_of, wait_until_ready_returns_when_it_listens) {
  const auto port = this->bind();
  auto ready = std::async(std::launch::async, [this] { return waits_until_ready(this->server); });
  listening<TypeParam> l(this->server, this->listen_after_bind);
  ASSERT_EQ(ready.wait_for(patience), std::future_status::ready);
  EXPECT_TRUE(ready.get());
  EXPECT_EQ(client(port).ask(get("/fast")).status, 200);
}

template <class Server>
void decommissioned(Server& s) {
  if constexpr (requires { s.decommission(); }) {
    s.decommission();
    s.wait_until_ready();  // must return
    EXPECT_FALSE(s.is_running());
    EXPECT_LE(s.bind_to_any_port("127.0.0.1"), 0) << "it is out of service";
    s.stop();
  }
}

TYPED_TEST(listening_of, a_decommissioned_server_listens_again_after_stop) {
  decommissioned(this->server);
  const auto port = this->bind();
  listening<TypeParam> l(this->server, this->listen_after_bind);
  ASSERT_TRUE(this->server.is_running());
  EXPECT_EQ(client(port).ask(get("/fast")).status, 200);
}

// As in the documentation of cpp-httplib. The signal comes while a handler runs, on a thread that
// does something else.
httplib::Server* stopped_by_signal = nullptr;
void stop_it(int) {
  stopped_by_signal->stop();
}

TYPED_TEST(listening_of, stop_may_be_called_by_a_signal_handler) {
  const auto port = this->bind();
  listening<TypeParam> l(this->server, this->listen_after_bind);
  client c(port);
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(this->at.await("/wait"));
  if constexpr (is_hosted<TypeParam>) {
    c.close();  // else the grace for who is there would pass first
    ASSERT_TRUE(this->at.await("ended by client_closed"));
  }
  stopped_by_signal = &this->server;
  struct sigaction how {};
  how.sa_handler = stop_it;
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &how, &before), 0);
  ASSERT_EQ(::raise(SIGUSR1), 0);
  l.join();  // without another word
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
  EXPECT_TRUE(l.returned);
  if constexpr (!is_hosted<TypeParam>) {
    EXPECT_TRUE(this->at.await("ended by shutdown")) << this->at.text();
    EXPECT_EQ(c.receive().body, "too late\n");
  }
}

}  // namespace
}  // namespace hangup::wire
