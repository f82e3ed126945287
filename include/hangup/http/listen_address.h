// An address that a server listens on: a host and a port, or a Unix socket.
//
//   127.0.0.1:8080          an IPv4 address and a port
//   [::1]:8080              an IPv6 address, which stands in brackets
//   localhost:0             a name: all of its addresses. Port 0 chooses a free one
//   unix:/run/hangup.sock   a Unix socket with this path, absolute or relative
//   unix:@hangup            a Unix socket with a name in Linux's abstract namespace. It has no file
//                           and so no permissions: every process of the network namespace may
//                           connect
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hangup/http/audience.h"

#pragma GCC visibility push(default)

namespace hangup::http {

// The most bytes that the path of a Unix socket may have (sun_path of unix(7), which ends in a
// NUL).
inline constexpr std::size_t max_unix_path = 107;

struct listen_address {
  std::string host{};  // a name or an address; IPv6 with or without brackets
  std::uint16_t port = 0;
  std::string path{};    // not empty: a Unix socket, and host and port mean nothing
  unsigned mode = 0660;  // the permissions of the file of a Unix socket
  audience serves = audience::all;

  bool is_unix() const noexcept { return !path.empty(); }
  // In the form above.
  std::string text() const;
  bool operator==(const listen_address&) const = default;
};

// Reads one of the forms above. Throws std::invalid_argument if it is none of them; what() says why
// in a few words, and does not contain the text: "there is no port". It does not look whether
// the address exists.
listen_address parse_listen_address(std::string_view text);

}  // namespace hangup::http

#pragma GCC visibility pop
