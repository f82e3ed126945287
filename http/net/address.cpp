#include "http/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>

namespace hangup::http {

std::string address_of(const sockaddr_storage& at, int& port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  port = 0;
  if (at.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(at);
    port = ntohs(in.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
      ::inet_ntop(AF_INET, &in.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
    }
  } else if (at.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(at);
    port = ntohs(in.sin_port);
    ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
  }
  return text.data();
}

std::string endpoint(std::string_view address, int port) {
  const bool v6 = address.find(':') != std::string_view::npos;
  std::string text(v6 ? "[" : "");
  text.append(address).append(v6 ? "]:" : ":").append(std::to_string(port));
  return text;
}

}  // namespace hangup::http
