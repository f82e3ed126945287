// Identifies the client of a request by a number. What is shared fairly is shared between these
// numbers.
#pragma once

#include <cstdint>
#include <string_view>

namespace hangup::http {

// The same number for all connections from one IPv4 address, or from one /64 network of IPv6,
// because a client there can choose any of its addresses. An IPv4 address mapped into IPv6 counts
// as IPv4. Text that is not an address gets a number, too: "unix:uid=1000" one for all processes of
// this user. Never 0, which is pool::nobody
// (include/hangup/worker/pool.h).
std::uint64_t client_key(std::string_view address) noexcept;

}  // namespace hangup::http
