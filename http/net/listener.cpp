#include "http/net/listener.h"

#include <fcntl.h>
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

struct place {
  sockaddr_storage at{};
  socklen_t size = 0;

  bool operator==(const place& other) const noexcept {
    return size == other.size && std::memcmp(&at, &other.at, size) == 0;
  }
  sockaddr_in6& v6() noexcept { return reinterpret_cast<sockaddr_in6&>(at); }
  sockaddr_in& v4() noexcept { return reinterpret_cast<sockaddr_in&>(at); }
  bool is_v6() const noexcept { return at.ss_family == AF_INET6; }
  bool is_loopback() noexcept {
    constexpr unsigned net = 127;
    if (!is_v6()) {
      return ntohl(v4().sin_addr.s_addr) >> 24U == net;
    }
    const auto& address = v6().sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&address) ||
           (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == net);
  }
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
  if (const auto bare = without_brackets(host); bare.size() < host.size()) {
    return resolve(std::string(bare), AF_INET6, to);
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

void set_inherited_options(int fd, const options& how) noexcept {
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

// Accepted sockets inherit these options from the listening socket on Linux, which saves a system
// call per connection.
void set_options(int fd, const options& how) noexcept {
  // So that a restart does not have to wait for TIME_WAIT.
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set_inherited_options(fd, how);
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
  to.sockets.push_back({.fd = std::move(fd), .at = endpoint(address, bound)});
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

// Makes a listener of each element of `all`, in this order, and `to` of all of them; or changes
// nothing, and says which one failed.
template <class All, class Listen>
std::error_code listen_on_each(const All& all, const Listen& listen, listener& to,
                               std::size_t* failed) {
  listener made;
  for (const auto& at : all) {
    listener one;
    if (const auto ec = listen(at, one)) {
      if (failed != nullptr) {
        *failed = static_cast<std::size_t>(&at - all.data());
      }
      return ec;
    }
    add(std::move(one), made);
  }
  if (made.sockets.empty()) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  to = std::move(made);
  return {};
}

int option_of(int fd, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

std::error_code duplicate(int inherited, const options& how, listener& to) {
  if (!is_listening(inherited)) {
    return std::make_error_code(std::errc::not_a_socket);
  }
  auto& s = to.sockets.emplace_back();
  s.is_inherited = true;
  s.is_unix = is_unix_socket(inherited);
  s.fd = descriptor(::fcntl(inherited, F_DUPFD_CLOEXEC, 0));
  const int flags = s.fd ? ::fcntl(s.fd.get(), F_GETFL) : -1;
  place p;
  p.size = sizeof p.at;
  if (flags < 0 || ::fcntl(s.fd.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::getsockname(s.fd.get(), reinterpret_cast<sockaddr*>(&p.at), &p.size) != 0) {
    return last_error();
  }
  if (s.is_unix) {
    s.at = unix_address_of(p.at, p.size);
    return {};
  }
  set_options(s.fd.get(), how);
  int port = 0;
  const auto address = address_of(p.at, port);
  s.at = endpoint(address, port);
  to.port = static_cast<std::uint16_t>(port);
  return {};
}

}  // namespace

void add(listener more, listener& to) {
  for (auto& s : more.sockets) {
    to.sockets.push_back(std::move(s));
  }
  to.port = to.port != 0 ? to.port : more.port;
}

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

std::error_code listen_on(const std::vector<listen_address>& all, const options& how, listener& to,
                          std::size_t* failed) {
  const auto listen = [&how](const listen_address& at, listener& one) {
    if (!at.is_unix()) {
      const auto ec = listen_on(at.host, at.port, how, one);
      for (auto& made : one.sockets) {
        made.serves = at.serves;
      }
      return ec;
    }
    auto& s = one.sockets.emplace_back();
    s.is_unix = true;
    s.serves = at.serves;
    s.at = at.text();
    return listen_at_path(at, how.backlog, s.fd, s.file);
  };
  return listen_on_each(all, listen, to, failed);
}

void set_accepted_options(int fd, const options& how) noexcept {
  set_inherited_options(fd, how);
}

bool is_listening(int fd) noexcept {
  const int family = option_of(fd, SO_DOMAIN);
  return (family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
         option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1;
}

std::error_code listen_on_inherited(std::span<const int> all, const options& how, listener& to,
                                    std::size_t* failed) {
  return listen_on_each(
      all, [&how](int fd, listener& one) { return duplicate(fd, how, one); }, to, failed);
}

bool is_beyond_loopback(const std::string& host) {
  std::vector<place> places;
  static_cast<void>(places_of(host, places));
  return std::any_of(places.begin(), places.end(), [](place& p) { return !p.is_loopback(); });
}

bool is_unix_socket(int fd) noexcept {
  return option_of(fd, SO_DOMAIN) == AF_UNIX;
}

std::string beyond_loopback(int fd) {
  place p;
  p.size = sizeof p.at;
  if (is_unix_socket(fd) || ::getsockname(fd, reinterpret_cast<sockaddr*>(&p.at), &p.size) != 0 ||
      p.is_loopback()) {
    return {};
  }
  int port = 0;
  const auto address = address_of(p.at, port);
  return endpoint(address, port);
}

std::error_code can_listen_on(const listen_address& at) {
  if (at.is_unix()) {
    return can_listen_at_path(at);
  }
  std::vector<place> places;
  if (const auto ec = places_of(at.host, places)) {
    return ec;
  }
  listener closed;
  const auto ec = listen_at_all(places, at.port, {}, wanted::bound, closed);
  return ec == std::errc::address_in_use ? std::error_code() : ec;
}

}  // namespace hangup::http
