// Socket addresses as text. On a socket that listens on both IPv6 and IPv4, an IPv4 client is shown
// with its IPv4 address, not as "::ffff:127.0.0.1".
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "hangup/http/audience.h"

namespace hangup::http {

// The two ends of a connection. A client on a Unix socket has no address: it is known by the user
// and the process that connected (SO_PEERCRED of unix(7)), as the kernel shows them to this
// process. So its "address" is that of all processes of this user: "unix:uid=1000". Its "port" is
// the number of the process, 0 if this process cannot see it (another container).
struct peer {
  std::string remote_address{};
  int remote_port = 0;
  std::string local_address{};  // of a Unix socket: "unix:/run/hangup.sock"
  int local_port = 0;           // of a Unix socket: 0
  bool is_unix = false;
  audience serves = audience::all;  // of the address it was accepted on
};

// The ends of an accepted connection; `remote` is what accept(2) has said.
peer addresses_of(int socket, const sockaddr_storage& remote);

// The client as text: "127.0.0.1:50312", "[::1]:50312", "unix:uid=1000,pid=4711".
std::string client_text(const peer& addresses);

// The numeric address and its port. Empty and 0 if it is neither IPv4 nor IPv6.
std::string address_of(const sockaddr_storage& at, int& port);

// "unix:/run/hangup.sock", "unix:@name", "unix:" if it has no name. `size` is what getsockname(2)
// has said.
std::string unix_address_of(const sockaddr_storage& at, socklen_t size);

// "127.0.0.1:8080", "[::1]:8080": as in a URL (RFC 3986 3.2.2).
std::string endpoint(std::string_view address, int port);

// "[::1]" -> "::1". What is not in brackets stays as it is.
std::string_view without_brackets(std::string_view host) noexcept;

}  // namespace hangup::http
