#include "http/net/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "http/net/address.h"

namespace hangup::http {
namespace {

class resolve_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int value) const override { return ::gai_strerror(value); }
};

std::error_code last_error() noexcept {
  return {errno, std::generic_category()};
}

struct place {
  sockaddr_storage at{};
  socklen_t size = 0;

  bool operator==(const place& other) const noexcept {
    return size == other.size && std::memcmp(&at, &other.at, size) == 0;
  }
  sockaddr_in6& v6() noexcept { return reinterpret_cast<sockaddr_in6&>(at); }
  sockaddr_in& v4() noexcept { return reinterpret_cast<sockaddr_in&>(at); }
  bool is_v6() const noexcept { return at.ss_family == AF_INET6; }
  // Whether it is "0.0.0.0" or "::".
  bool is_any() noexcept {
    return is_v6() ? IN6_IS_ADDR_UNSPECIFIED(&v6().sin6_addr)
                   : v4().sin_addr.s_addr == htonl(INADDR_ANY);
  }
};

// Adds the addresses of a name, or an address given as text, without duplicates.
std::error_code resolve(const std::string& name, int family, std::vector<place>& to) {
  static const resolve_category resolving;
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | (family != AF_UNSPEC ? AI_NUMERICHOST : 0);
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int e = ::getaddrinfo(name.c_str(), nullptr, &hints, &list)) {
    return e == EAI_SYSTEM ? last_error() : std::error_code{e, resolving};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(list, &::freeaddrinfo);
  for (const auto* a = list; a != nullptr; a = a->ai_next) {
    if ((a->ai_family == AF_INET || a->ai_family == AF_INET6) &&
        a->ai_addrlen <= sizeof(place::at)) {
      place p;
      p.size = a->ai_addrlen;
      std::memcpy(&p.at, a->ai_addr, p.size);
      if (std::find(to.begin(), to.end(), p) == to.end()) {
        to.push_back(p);
      }
    }
  }
  return to.empty() ? std::make_error_code(std::errc::address_not_available) : std::error_code{};
}

std::error_code places_of(const std::string& host, std::vector<place>& to) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return resolve(host.substr(1, host.size() - 2), AF_INET6, to);
  }
  // localhost means both loopback addresses (RFC 6761 6.3), even if /etc/hosts has only one of
  // them.
  if (::strcasecmp(host.c_str(), "localhost") == 0) {
    const auto ec = resolve("127.0.0.1", AF_INET, to);
    return ec ? ec : resolve("::1", AF_INET6, to);
  }
  return resolve(host, AF_UNSPEC, to);
}

void set_option(int fd, int level, int name, int value) noexcept {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

// Clamps a value to the range that the kernel accepts; it would ignore an option with another
// value.
template <class Number>
int within(Number value, int most) noexcept {
  return static_cast<int>(std::clamp<Number>(value, 1, static_cast<Number>(most)));
}

// Accepted sockets inherit these options from the listening socket on Linux, which saves a system
// call per connection.
void set_options(int fd, const options& how) noexcept {
  // So that a restart does not have to wait for TIME_WAIT.
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Treat an urgent byte like any other (RFC 6093); otherwise it would be missing from the input.
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  constexpr int most_seconds = 32767;
  constexpr int most_probes = 127;
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, within(how.keepalive_idle.count(), most_seconds));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, within(how.keepalive_interval.count(), most_seconds));
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, within(how.keepalive_probes, most_probes));
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
             within(how.user_timeout.count(), std::numeric_limits<int>::max()));
}

// The errors that mean that this machine does not have the address or the address family.
bool is_absent(const std::error_code& ec) noexcept {
  return ec == std::errc::address_not_available || ec == std::errc::address_family_not_supported;
}

enum class wanted { bound, listening };

std::error_code listen_at(place p, bool v6_only, const options& how, wanted what, listener& to) {
  p.is_v6() ? p.v6().sin6_port = htons(to.port) : p.v4().sin_port = htons(to.port);
  descriptor fd(::socket(p.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return last_error();
  }
  set_options(fd.get(), how);
  if (p.is_v6()) {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, v6_only ? 1 : 0);
  }
  p.size = p.is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  auto* const at = reinterpret_cast<sockaddr*>(&p.at);
  if (::bind(fd.get(), at, p.size) != 0 ||
      (what == wanted::listening && ::listen(fd.get(), how.backlog) != 0) ||
      ::getsockname(fd.get(), at, &p.size) != 0) {
    return last_error();
  }
  int bound = 0;
  const auto address = address_of(p.at, bound);
  to.port = static_cast<std::uint16_t>(bound);
  to.endpoints.push_back(endpoint(address, bound));
  to.sockets.push_back(std::move(fd));
  return {};
}

std::error_code listen_at_all(std::vector<place>& places, std::uint16_t port, const options& how,
                              wanted what, listener& to) {
  const bool any_v4 =
      std::any_of(places.begin(), places.end(), [](place& p) { return !p.is_v6() && p.is_any(); });
  listener made;
  made.port = port;
  std::error_code absent;
  for (auto& p : places) {
    const auto ec = listen_at(p, !p.is_any() || any_v4, how, what, made);
    if (ec && !is_absent(ec)) {
      return ec;
    }
    absent = ec ? ec : absent;
  }
  if (made.sockets.empty()) {
    return absent;
  }
  to = std::move(made);
  return {};
}

}  // namespace

std::error_code listen_on(const std::string& host, std::uint16_t port, const options& how,
                          listener& to) {
  std::vector<place> places;
  if (const auto ec = places_of(host, places)) {
    return ec;
  }
  // A port that is free on the first address may be in use on the second; then another port is
  // tried.
  for (int attempts = port == 0 && places.size() > 1 ? 16 : 1;; --attempts) {
    const auto ec = listen_at_all(places, port, how, wanted::listening, to);
    if (ec != std::errc::address_in_use || attempts == 1) {
      return ec;
    }
  }
}

std::error_code can_listen_on(const std::string& host, std::uint16_t port) {
  std::vector<place> places;
  if (const auto ec = places_of(host, places)) {
    return ec;
  }
  listener closed;
  const auto ec = listen_at_all(places, port, {}, wanted::bound, closed);
  return ec == std::errc::address_in_use ? std::error_code() : ec;
}

}  // namespace hangup::http
