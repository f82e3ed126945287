// The sockets that a server listens on: one for each address that its name has. Not for users.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "http/descriptor.h"
#include "http/options.h"

namespace hangup::http {

struct listener {
  std::vector<descriptor> sockets;     // non-blocking, listening
  std::vector<std::string> endpoints;  // where each listens: "127.0.0.1:8080", "[::1]:8080"
  std::uint16_t port = 0;              // the same for all
};

// Listens on all addresses of `host`: a name ("localhost" is 127.0.0.1 and ::1), or an address,
// IPv6 with or without brackets. "0.0.0.0" is all of IPv4, "::" is all of IPv6 and of IPv4,
// whatever the system's default is. Port 0 is one that is free for all of them. An address of a
// name that this machine does not have (IPv6 may be off) is left out, unless it has none of them.
//
// Without SO_REUSEPORT: a port that is taken on any of the addresses is
// std::errc::address_in_use. On error `to` is as it was. Throws std::bad_alloc only.
std::error_code listen_on(const std::string& host, std::uint16_t port, const options& how,
                          listener& to);

}  // namespace hangup::http
