// Whom a request is for: the value of Host, and the authority of a target in absolute form (RFC
// 9110 4.2 and 7.2, RFC 3986 3.2). Not for users.
#pragma once

#include <string_view>

namespace hangup::http {

// Is it a host, and perhaps a port: "example.org", "127.0.0.1:8080", "[::1]:80", "host:"? It is not
// if it is empty, or has a user in it, or a comma: a comma could be a part of a name, but what one
// sees is two Host headers that somebody has joined. Pure: fuzzed.
bool is_authority(std::string_view text) noexcept;

}  // namespace hangup::http
