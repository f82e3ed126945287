#include "http/engine/both_ends.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstring>

namespace hangup::http::detail {
namespace {

void name(const sockaddr_storage& at, socklen_t size, std::string& address, int& port) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> number{};
  if ((at.ss_family == AF_INET || at.ss_family == AF_INET6) &&
      ::getnameinfo(reinterpret_cast<const sockaddr*>(&at), size, host.data(), host.size(),
                    number.data(), number.size(), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
    address = host.data();
    std::from_chars(number.data(), number.data() + std::strlen(number.data()), port);
  }
}

}  // namespace

transport transport_of(int fd) noexcept {
  int family = 0;
  socklen_t size = sizeof family;
  const bool known = ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0;
  return known && family == AF_UNIX ? transport::unix_socket : transport::tcp;
}

both_ends ends_of(int fd) {
  both_ends ends;
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0) {
    name(at, size, ends.local_address, ends.local_port);
  }
  size = sizeof at;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    return ends;
  }
  ucred who{};
  socklen_t size_of_who = sizeof who;
  if (at.ss_family != AF_UNIX) {
    name(at, size, ends.remote_address, ends.remote_port);
  } else if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size_of_who) == 0) {
    ends.remote_port = who.pid;
  }
  return ends;
}

}  // namespace hangup::http::detail
