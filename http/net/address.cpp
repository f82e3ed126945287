#include "http/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

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

std::string unix_address_of(const sockaddr_storage& at, socklen_t size) {
  const auto& in = reinterpret_cast<const sockaddr_un&>(at);
  constexpr auto before = offsetof(sockaddr_un, sun_path);
  const std::size_t length = std::min<std::size_t>(size, sizeof in);
  std::string name(in.sun_path, length > before ? length - before : 0);
  if (!name.starts_with('\0')) {
    name.resize(std::strlen(name.c_str()));  // the path ends in a NUL, an abstract name does not
  }
  std::replace(name.begin(), name.end(), '\0', '@');
  return "unix:" + name;
}

peer addresses_of(int socket, const sockaddr_storage& remote) {
  peer addresses;
  sockaddr_storage here{};
  socklen_t size = sizeof here;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size);
  addresses.is_unix = here.ss_family == AF_UNIX;
  if (!addresses.is_unix) {
    addresses.remote_address = address_of(remote, addresses.remote_port);
    addresses.local_address = address_of(here, addresses.local_port);
    return addresses;
  }
  ucred who{0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  socklen_t of_who = sizeof who;
  ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &of_who);
  addresses.remote_address = "unix:uid=" + std::to_string(who.uid);
  addresses.remote_port = who.pid;
  addresses.local_address = unix_address_of(here, size);
  return addresses;
}

std::string client_text(const peer& addresses) {
  return addresses.is_unix
             ? addresses.remote_address + ",pid=" + std::to_string(addresses.remote_port)
             : endpoint(addresses.remote_address, addresses.remote_port);
}

std::string endpoint(std::string_view address, int port) {
  const bool v6 = address.find(':') != std::string_view::npos;
  std::string text(v6 ? "[" : "");
  text.append(address).append(v6 ? "]:" : ":").append(std::to_string(port));
  return text;
}

std::string_view without_brackets(std::string_view host) noexcept {
  const bool has_them = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return has_them ? host.substr(1, host.size() - 2) : host;
}

}  // namespace hangup::http
