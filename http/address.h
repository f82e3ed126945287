// Addresses of sockets, as text that people and logs understand. An IPv4 client of a socket that
// listens on both families has an IPv4 address here, not "::ffff:127.0.0.1".
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

namespace hangup::http {

struct peer {
  std::string remote_address;
  int remote_port = 0;
  std::string local_address;
  int local_port = 0;
};

// The numeric address, and its port. Empty and 0 if it is neither IPv4 nor IPv6.
std::string address_of(const sockaddr_storage& at, int& port);

// "127.0.0.1:8080", "[::1]:8080": as in a URL (RFC 3986 3.2.2).
std::string endpoint(std::string_view address, int port);

}  // namespace hangup::http
