#include "http/engine/rewritten_head.h"

#include <algorithm>

#include "http/wire/grammar.h"
#include "http/wire/hex.h"

namespace hangup::http {
namespace {

constexpr std::size_t longest_line = 8000;  // what all versions of cpp-httplib take

// "http://host/path?query" as "/path?query".
std::string_view origin_form(std::string_view target) {
  if (target.starts_with('/') || target == "*") {
    return target;
  }
  const auto authority = target.find("://");
  if (authority == std::string_view::npos) {
    return target;
  }
  const auto path = target.find_first_of("/?", authority + 3);
  return path == std::string_view::npos ? std::string_view() : target.substr(path);
}

// Some versions decode "%u0041" as well, and a sign that begins nothing in one way or the other.
void append_target(std::string_view target, std::string& to) {
  if (!target.starts_with('/') && target != "*") {
    to.push_back('/');
  }
  for (std::size_t i = 0; i < target.size(); ++i) {
    const bool encodes = target[i] == '%' && i + 2 < target.size() &&
                         hex_value(target[i + 1]) >= 0 && hex_value(target[i + 2]) >= 0;
    to.push_back(target[i]);
    if (target[i] == '%' && !encodes) {
      to.append("25");
    }
  }
}

// What the engine looks at before it lets us set what the handler gets.
bool decides(std::string_view name) noexcept {
  return equals_ignoring_case(name, "Accept") || equals_ignoring_case(name, "Range") ||
         equals_ignoring_case(name, "Expect") || equals_ignoring_case(name, "Content-Length") ||
         equals_ignoring_case(name, "Transfer-Encoding") ||
         equals_ignoring_case(name, "X-Forwarded-For");
}

}  // namespace

bool has_plain_range(const request& of) noexcept {
  constexpr std::size_t longest = 256;
  constexpr auto most = 16;
  const auto range = of.header("Range");
  return !range || (of.count_header("Range") == 1 && range->size() <= longest &&
                    std::count(range->begin(), range->end(), ',') < most);
}

std::string rewritten_head(const request& of) {
  std::string to(of.method());
  to.push_back(' ');
  append_target(origin_form(of.target()), to);
  to.append(of.is_http_1_0() ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  const bool plain_range = has_plain_range(of);
  for (const auto& [name, value] : of.headers()) {
    const bool is_left_out = equals_ignoring_case(name, "Range") && !plain_range;
    // Old versions decode what is encoded in any value.
    if (decides(name) && !is_left_out && value.size() <= longest_line &&
        value.find('%') == std::string_view::npos) {
      to.append(name).append(": ").append(value).append("\r\n");
    }
  }
  return to.append("\r\n");
}

}  // namespace hangup::http
