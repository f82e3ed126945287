#include "http/wire/authority.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "http/wire/grammar.h"
#include "http/wire/hex.h"
#include "http/wire/number.h"

namespace hangup::http {
namespace {

bool is_ipv6(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};  // ended by a NUL
  if (text.size() >= copy.size()) {
    return false;
  }
  std::copy(text.begin(), text.end(), copy.begin());
  in6_addr address{};
  return text.find('\0') == std::string_view::npos &&
         ::inet_pton(AF_INET6, copy.data(), &address) == 1;
}

// A reg-name; IPv4 addresses are a special case of it.
bool is_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) {
        return false;
      }
      i += 2;
    } else if (!is_alphanumeric(text[i]) &&
               std::string_view("-._~!$&'()*+;=").find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return !text.empty();
}

// The port with its colon; RFC 3986 allows it to be empty.
bool is_port(std::string_view text) noexcept {
  text.remove_prefix(1);
  return text.empty() || whole_number<std::uint16_t>(text);
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  const bool literal = text.starts_with('[');
  const auto end = std::min(literal ? text.find(']') : text.find(':'), text.size());
  if (literal && end == text.size()) {
    return false;
  }
  const auto host = literal ? text.substr(1, end - 1) : text.substr(0, end);
  const auto port = text.substr(literal ? end + 1 : end);
  return (literal ? is_ipv6(host) : is_name(host)) &&
         (port.empty() || (port.front() == ':' && is_port(port)));
}

}  // namespace hangup::http
