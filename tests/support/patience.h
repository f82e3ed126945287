// How long a test waits for an event before it fails.
#pragma once

#include <chrono>

namespace hangup::test {

// Longer than any stall of the machine; nothing that works waits that long.
inline constexpr std::chrono::milliseconds patience = std::chrono::seconds(20);

}  // namespace hangup::test
