// The host and port that a request is for: the value of Host, or the authority of a target in
// absolute form (RFC 9110 4.2 and 7.2, RFC 3986 3.2). Not for users.
#pragma once

#include <string_view>

namespace hangup::http {

// Whether the text is a host with an optional port: "example.org", "127.0.0.1:8080", "[::1]:80",
// "host:". Not if it is empty or contains user information or a comma. (A comma could be part of a
// name, but in practice it means that two Host headers have been joined.) A pure function; fuzzed.
bool is_authority(std::string_view text) noexcept;

}  // namespace hangup::http
