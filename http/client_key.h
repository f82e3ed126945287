// Whose request it is, as a number: what is shared fairly is shared between these.
#pragma once

#include <cstdint>
#include <string_view>

namespace hangup::http {

// The same for all connections from one IPv4 address, and from one /64 network of IPv6, as a client
// there can choose among all of its addresses. An IPv4 address that is mapped into IPv6 is one of
// IPv4. What is no address has a number, too. Never 0, which is nobody (worker/pool.h).
std::uint64_t client_key(std::string_view address) noexcept;

}  // namespace hangup::http
