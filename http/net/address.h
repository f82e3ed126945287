// Socket addresses as text. On a socket that listens on both IPv6 and IPv4, an IPv4 client is shown
// with its IPv4 address, not as "::ffff:127.0.0.1".
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

// The numeric address and its port. Empty and 0 if it is neither IPv4 nor IPv6.
std::string address_of(const sockaddr_storage& at, int& port);

// "127.0.0.1:8080", "[::1]:8080": as in a URL (RFC 3986 3.2.2).
std::string endpoint(std::string_view address, int port);

}  // namespace hangup::http
