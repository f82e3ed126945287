// The Via header (RFC 9110 7.6.3): each intermediary adds an entry for itself, so a server can tell
// that a request has passed through it before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hangup::handlers {

// The received-by part of each entry ("1.1 a, 1.0 b:80 (comment)": "a", "b:80"). Invalid entries
// are included, with an empty name.
std::vector<std::string> received_by(std::string_view via);

}  // namespace hangup::handlers
