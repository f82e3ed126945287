// The two ends of a connection, as handlers see them.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "tests/support/needs.h"
#include "tests/support/temporary_directory.h"
#include "tests/wire/backends/both.h"

namespace hangup::wire {
namespace {

using namespace test;
using httplib::Request;
using httplib::Response;

// What a handler is told of a client that `connect` makes.
template <class Server, class Connect>
std::string told_of(const std::string& host, int family, Connect connect) {
  Server server;
  server.set_address_family(family);
  server.Get("/ends", [](const auto& req, Response& res) {
    std::string all = "from " + req.remote_addr + (req.remote_port < 0 ? " without a port" : "");
    if constexpr (requires { req.local_addr; }) {
      all += " to " + req.local_addr + (req.local_port < 0 ? " without a port" : "");
    }
    res.set_content(all, "text/plain");
  });
  int port = 80;
  if (family == AF_UNIX) {
    EXPECT_TRUE(server.bind_to_port(host, port));
  } else {
    port = server.bind_to_any_port(host);
  }
  listening<Server> listens(server, [](auto& s) { return s.listen_after_bind(); });
  client c = connect(static_cast<std::uint16_t>(port));
  return c.ask(get("/ends")).body;
}

template <class Server>
std::string told_of_tcp(const std::string& host, int family) {
  return told_of<Server>(host, family, [](std::uint16_t port) { return client(port); });
}

template <class Server>
class addresses : public testing::Test {};
TYPED_TEST_SUITE(addresses, both_servers, names_of_both);

TYPED_TEST(addresses, of_a_client_are_those_that_cpp_httplib_tells) {
  const auto told = told_of_tcp<TypeParam>("127.0.0.1", AF_INET);
  EXPECT_TRUE(told.starts_with("from 127.0.0.1")) << told;
  EXPECT_EQ(told, told_of_tcp<httplib::Server>("127.0.0.1", AF_INET));
}

TYPED_TEST(addresses, of_a_client_by_ipv4_at_a_socket_of_ipv6_are_those_that_cpp_httplib_tells) {
  needs({ipv6()});
  const auto told = told_of_tcp<TypeParam>("::", AF_UNSPEC);
  EXPECT_NE(told.find("127.0.0.1"), std::string::npos) << told;
  EXPECT_EQ(told, told_of_tcp<httplib::Server>("::", AF_UNSPEC));
}

TYPED_TEST(addresses, of_a_unix_socket_are_those_that_cpp_httplib_tells) {
  const temporary_directory folder;
  const auto path = folder / "socket";
  const auto connect = [&](std::uint16_t) { return client(client::over_unix{path}); };
  const auto told = told_of<TypeParam>(path, AF_UNIX, connect);
  std::remove(path.c_str());
  EXPECT_EQ(told, told_of<httplib::Server>(path, AF_UNIX, connect));
}

}  // namespace
}  // namespace hangup::wire
