// The sockets that a server listens on: one per address of its name. Not for users.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "hangup/http/options.h"
#include "http/net/descriptor.h"

namespace hangup::http {

struct listener {
  std::vector<descriptor> sockets;     // non-blocking, listening
  std::vector<std::string> endpoints;  // the addresses: "127.0.0.1:8080", "[::1]:8080"
  std::uint16_t port = 0;              // the same for all addresses
};

// Listens on all addresses of `host`, which is a name ("localhost" means 127.0.0.1 and ::1) or an
// address; IPv6 addresses may be in brackets. "0.0.0.0" means all of IPv4, "::" all of IPv6 and
// IPv4, whatever the system's default is. Port 0 chooses a port that is free on all of them. An
// address of a name that this machine does not have (IPv6 may be off) is left out, unless it has
// none of them.
//
// SO_REUSEPORT is not set, so a port that is in use on any of the addresses gives
// std::errc::address_in_use. On error `to` is unchanged. Throws only std::bad_alloc.
std::error_code listen_on(const std::string& host, std::uint16_t port, const options& how,
                          listener& to);

// Why listen_on() would fail, if so; a port that is in use is not an error here. Binds the sockets
// and closes them again, and listens on none. Throws only std::bad_alloc.
std::error_code can_listen_on(const std::string& host, std::uint16_t port);

}  // namespace hangup::http
