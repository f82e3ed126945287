#include "http/net/client_key.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <functional>
#include <span>

namespace hangup::http {
namespace {

std::uint64_t big_endian(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t number = 0;
  for (const auto b : bytes) {
    number = number << 8U | b;
  }
  return number;
}

// An IPv4 address is used as if it were mapped into IPv6; no IPv6 network has such a number.
constexpr std::uint64_t of_ipv4(std::uint64_t address) noexcept {
  return std::uint64_t{0xffff} << 32U | address;
}

}  // namespace

std::uint64_t client_key(std::string_view address) noexcept {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto bare = address.substr(0, address.find('%'));  // without the interface name
  in_addr four{};
  in6_addr six{};
  if (bare.size() < text.size()) {
    std::copy(bare.begin(), bare.end(), text.begin());
    if (::inet_pton(AF_INET, text.data(), &four) == 1) {
      return of_ipv4(ntohl(four.s_addr));
    }
    if (::inet_pton(AF_INET6, text.data(), &six) == 1) {
      const std::span<const std::uint8_t> all(six.s6_addr);
      if (IN6_IS_ADDR_V4MAPPED(&six)) {
        return of_ipv4(big_endian(all.subspan(12)));
      }
      const auto network = big_endian(all.first(8));
      return network != 0 ? network : 1;  // 0 is what ::1 would give
    }
  }
  return std::hash<std::string_view>()(address) | 1U;
}

}  // namespace hangup::http
