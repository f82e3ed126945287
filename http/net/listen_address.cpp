#include "hangup/http/listen_address.h"

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "http/net/address.h"
#include "http/wire/grammar.h"
#include "http/wire/number.h"

namespace hangup::http {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t max_host = 255;

listen_address unix_address(std::string_view path) {
  if (path.empty() || path == "@") {
    throw std::invalid_argument("there is no path behind unix:");
  }
  if (path.size() > max_unix_path) {
    throw std::invalid_argument("its path has " + std::to_string(path.size()) + " bytes, at most " +
                                std::to_string(max_unix_path) + " are possible");
  }
  return {.path = std::string(path)};
}

std::uint16_t port_of(std::string_view text) {
  const auto port = whole_number<std::uint16_t>(text);
  if (!port) {
    throw std::invalid_argument(text.empty() ? "there is no port"
                                             : "its port is not a number 0..65535");
  }
  return *port;
}

}  // namespace

std::string listen_address::text() const {
  if (is_unix()) {
    return std::string(unix_prefix) + path;
  }
  return host.starts_with('[') ? host + ":" + std::to_string(port) : endpoint(host, port);
}

listen_address parse_listen_address(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control)) {
    throw std::invalid_argument("it has control characters in it");
  }
  if (text.starts_with(unix_prefix)) {
    return unix_address(text.substr(unix_prefix.size()));
  }
  if (text.find("://") != std::string_view::npos) {
    throw std::invalid_argument("it is a URL and no address");
  }
  const auto behind_host = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  if (text.starts_with('[') && behind_host == std::string_view::npos) {
    throw std::invalid_argument("there is no ] behind the address");
  }
  const auto colon = text.starts_with('[') ? behind_host + 1 : text.rfind(':');
  if (colon >= text.size() || text[colon] != ':') {
    throw std::invalid_argument("there is no port");
  }
  const auto host = text.substr(0, colon);
  if (host.empty() || host == "[]") {
    throw std::invalid_argument("there is no host before the port");
  }
  if (host.size() > max_host) {
    throw std::invalid_argument("its host has more than 255 bytes");
  }
  if (!host.starts_with('[') && host.find(':') != std::string_view::npos) {
    throw std::invalid_argument("an IPv6 address stands in brackets, as in [::1]:8080");
  }
  return {.host = std::string(host), .port = port_of(text.substr(colon + 1))};
}

}  // namespace hangup::http
