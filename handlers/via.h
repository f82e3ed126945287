// The Via header (RFC 9110 7.6.3): each intermediary adds itself, which is how one finds out that a
// request has come round.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hangup::handlers {

// Of each entry of the list, who it was received by ("1.1 a, 1.0 b:80 (comment)": "a", "b:80").
// Entries that are none of that count too, with an empty name.
std::vector<std::string> received_by(std::string_view via);

}  // namespace hangup::handlers
