#include "http/wire/head.h"

#include <algorithm>
#include <array>

#include "http/wire/authority.h"
#include "http/wire/header_list.h"
#include "http/wire/hex.h"
#include "http/wire/number.h"

namespace hangup::http {
namespace {

constexpr std::string_view crlf = "\r\n";

// Visible ASCII, and non-ASCII bytes, because people type curl '...?pattern=ä'.
bool is_target_char(char c) noexcept {
  const auto u = static_cast<unsigned char>(c);
  return u > 0x20 && u != 0x7f && c != '#';
}

bool decode_path(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out.push_back(raw[i]);
      continue;
    }
    const int high = i + 2 < raw.size() ? hex_value(raw[i + 1]) : -1;
    const int low = i + 2 < raw.size() ? hex_value(raw[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      return false;
    }
    const auto c = static_cast<char>(high * 16 + low);
    c == '/' ? static_cast<void>(out.append("%2F")) : out.push_back(c);
    i += 2;
  }
  return true;
}

bool is_sane_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("-._~+/=:").find(c) != std::string_view::npos;
  });
}

refusal too_long_request_line() {
  return {414,
          "the request line is longer than the " + std::to_string(head_limits::line) +
              " bytes allowed, without its CRLF",
          limit::line_bytes};
}

// "HTTP/1.1" and the like, with one digit each.
bool is_version(std::string_view text) noexcept {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

class reader {
 public:
  reader(const head_limits& limits, request_head& head, refusal& why)
      : limits_(limits), head_(head), why_(why) {}

  bool request_line(std::string_view line) {
    if (line.size() > head_limits::line) {
      why_ = too_long_request_line();
      return false;
    }
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
      return refuse(400, "the request line is not METHOD TARGET VERSION");
    }
    head_.method = line.substr(0, first);
    head_.target = line.substr(first + 1, last - first - 1);
    const auto version = line.substr(last + 1);
    if (!is_token(head_.method)) {
      return refuse(400, "the method is not a token");
    }
    if (!is_version(version)) {
      return refuse(400, "the request line does not end in an HTTP version");
    }
    if (version[5] != '1') {
      return refuse(505, "only HTTP/1.1 and HTTP/1.0 are supported");
    }
    head_.http_1_1 = version[7] != '0';
    head_.keep_alive = head_.http_1_1;
    static constexpr std::array<std::string_view, 7> methods = {"GET",    "HEAD",    "POST", "PUT",
                                                                "DELETE", "OPTIONS", "PATCH"};
    if (std::find(methods.begin(), methods.end(), head_.method) == methods.end()) {
      return refuse(501, "the method is not implemented");
    }
    return target();
  }

  bool header(std::string_view line) {
    if (line.size() > head_limits::line) {
      why_ = over_limit(limit::line_bytes, limits_);
      return false;
    }
    if (head_.headers.size() == limits_.headers) {
      why_ = over_limit(limit::headers, limits_);
      return false;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      return refuse(400, "a header line has no colon");
    }
    const auto name = line.substr(0, colon);
    if (!is_token(name)) {  // includes names followed by a space, and folded lines
      return refuse(400, "the name of a header is not a token");
    }
    const auto value = trimmed(line.substr(colon + 1));
    if (!is_field_value(value)) {
      return refuse(400, "the value of a header has control characters in it");
    }
    head_.headers.emplace_back(name, value);
    return known_header(name, value);
  }

  bool whole() {
    if (hosts_ > 1 || (hosts_ == 0 && head_.http_1_1)) {
      return refuse(400, hosts_ == 0 ? "the Host header is missing" : "more than one Host header");
    }
    if (!authority_.empty()) {
      const auto host = std::find_if(
          head_.headers.begin(), head_.headers.end(),
          [](const auto& header) { return equals_ignoring_case(header.first, "Host"); });
      if (host != head_.headers.end()) {
        host->second = authority_;
      } else {
        head_.headers.emplace_back("Host", authority_);
      }
    }
    if (lengths_ > 1) {
      return refuse(400, "more than one Content-Length header");
    }
    if (codings_ > 0 && (lengths_ > 0 || codings_ > 1 || !head_.http_1_1)) {
      return refuse(
          400, "Transfer-Encoding is allowed once, without Content-Length, and only in HTTP/1.1");
    }
    return true;
  }

 private:
  bool refuse(int status, std::string detail, limit over = limit::none) {
    why_ = {status, std::move(detail), over};
    return false;
  }

  bool target() {
    if (!std::all_of(head_.target.begin(), head_.target.end(),
                     [](char c) { return is_target_char(c); })) {
      return refuse(400, "the request target has characters that a URL cannot have");
    }
    auto local = head_.target;
    // RFC 9112 3.2.2 requires to accept it.
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (equals_ignoring_case(local.substr(0, scheme.size()), scheme)) {
        const auto path = std::min(local.find_first_of("/?", scheme.size()), local.size());
        authority_ = local.substr(scheme.size(), path - scheme.size());
        if (!is_authority(authority_)) {
          return refuse(400, "the request target has no valid host");
        }
        local = path < local.size() ? local.substr(path) : head_.method == "OPTIONS" ? "*" : "/";
        break;
      }
    }
    if (local == "*" && head_.method == "OPTIONS") {
      head_.path = "*";
      return true;
    }
    const auto mark = local.find('?');
    head_.query = mark == std::string_view::npos ? std::string_view{} : local.substr(mark + 1);
    const auto raw = mark == 0 ? std::string_view("/") : local.substr(0, mark);
    if (raw.empty() || raw.front() != '/') {
      return refuse(400, "the request target is not a path");
    }
    head_.encoded = raw.find('%') != std::string_view::npos;
    if (!decode_path(raw, head_.path)) {
      return refuse(400, "the path of the request target has a bad percent-encoding");
    }
    return true;
  }

  bool known_header(std::string_view name, std::string_view value) {
    const auto is = [name](std::string_view known) { return equals_ignoring_case(name, known); };
    if (is("Host")) {
      ++hosts_;
      if (!value.empty() && !is_authority(value)) {
        return refuse(400, "the value of the Host header is not a host");
      }
    } else if (is("Content-Length")) {
      ++lengths_;
      const auto length = whole_number<std::uint64_t>(value);
      if (!length) {
        return refuse(400, "the Content-Length is not a number");
      }
      head_.content_length = *length;
    } else if (is("Transfer-Encoding")) {
      ++codings_;
      if (!equals_ignoring_case(value, "chunked")) {
        return refuse(501, "the only Transfer-Encoding supported is chunked");
      }
      head_.chunked = true;
    } else if (is("Content-Encoding")) {
      // Compressed bodies are refused: they could become huge.
      if (!limits_.encoded_bodies && !value.empty() && !equals_ignoring_case(value, "identity")) {
        why_ = {415, "encoded request bodies are not accepted", limit::none,
                "Accept-Encoding: identity\r\n"};
        return false;
      }
    } else if (is("Connection")) {
      for_each_element(value, [this](std::string_view option) {
        if (equals_ignoring_case(option, "close")) {
          closes_ = true;
        } else if (equals_ignoring_case(option, "keep-alive")) {
          head_.keep_alive = true;
        }
      });
      head_.keep_alive = head_.keep_alive && !closes_;
    } else if (is("Expect")) {
      if (!equals_ignoring_case(value, "100-continue")) {
        return refuse(417, "the only expectation supported is 100-continue");
      }
      head_.expects_continue = head_.http_1_1;
    } else if (is("X-Request-Id") && is_sane_id(value)) {
      head_.request_id = value;
    } else if (is("traceparent")) {
      head_.traceparent = ++traceparents_ == 1 ? value : std::string_view();
    } else if (is("tracestate")) {
      head_.tracestate.append(head_.tracestate.empty() ? "" : ",").append(value);
    } else if (is("X-Request-Timeout-Ms")) {
      if (++timeouts_ > 1) {
        return refuse(400, "more than one X-Request-Timeout-Ms header");
      }
      return patience(value, 1) ||
             refuse(400, "X-Request-Timeout-Ms is not a number of milliseconds, 1 to 86400000");
    } else if (is("Prefer")) {
      preferences(value);
    }
    return true;
  }

  // The number of units, each of this many milliseconds; a day at most.
  bool patience(std::string_view text, unsigned unit_ms) {
    constexpr std::uint64_t day_ms = 86'400'000;
    const auto units = whole_number<std::uint64_t>(text).value_or(0);
    if (units == 0 || units > day_ms / unit_ms) {
      return false;
    }
    const std::chrono::milliseconds time(units * unit_ms);
    head_.patience = std::min(head_.patience.value_or(time), time);
    return true;
  }

  // Only the preference wait is used, and only the first one. A preference that is not understood
  // or cannot be met is ignored (RFC 7240 2).
  void preferences(std::string_view list) {
    for_each_element(list, [this](std::string_view element) {
      bool itself = true;
      for_each_part(element, [&](const list_part& part) {
        if (itself && equals_ignoring_case(part.name, "wait") && ++waits_ == 1) {
          patience(unquoted(part.value), 1000);
        }
        itself = false;
      });
    });
  }

  const head_limits& limits_;
  request_head& head_;
  refusal& why_;
  int hosts_ = 0;
  int lengths_ = 0;
  int codings_ = 0;
  int timeouts_ = 0;
  int traceparents_ = 0;
  int waits_ = 0;
  bool closes_ = false;
  std::string_view authority_;  // of a target in absolute form
};

}  // namespace

refusal over_limit(limit which, const head_limits& limits) {
  switch (which) {
    case limit::line_bytes:
      return {431,
              "a header line is longer than the " + std::to_string(head_limits::line) +
                  " bytes allowed, with its name and without its CRLF",
              which};
    case limit::headers:
      return {431,
              "there are more header lines than the " + std::to_string(limits.headers) + " allowed",
              which};
    default:
      return {431, "the head is larger than the " + std::to_string(limits.bytes) + " bytes allowed",
              limit::head_bytes};
  }
}

std::string_view request_head::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (equals_ignoring_case(key, name)) {
      return value;
    }
  }
  return {};
}

std::size_t leading_empty_lines(std::string_view bytes) noexcept {
  std::size_t n = 0;
  while (bytes.substr(n, 2) == crlf) {
    n += 2;
  }
  return n;
}

namespace {

// Keeps the memory: a head is read for every request.
void clear(request_head& head) {
  request_head none;
  none.path.swap(head.path);
  none.tracestate.swap(head.tracestate);
  none.headers.swap(head.headers);
  none.path.clear();
  none.tracestate.clear();
  none.headers.clear();
  head = std::move(none);
}

}  // namespace

head_is read_head(std::string_view bytes, const head_limits& limits, request_head& head,
                  refusal& why) {
  clear(head);
  reader r(limits, head, why);
  const auto within = bytes.substr(0, limits.bytes);
  std::size_t at = 0;
  for (bool first = true;; first = false) {
    const auto end = within.find('\n', at);
    if (end == std::string_view::npos) {
      const bool too_long = within.size() - at > head_limits::line + crlf.size();
      if (bytes.size() <= limits.bytes && !too_long) {
        return head_is::incomplete;
      }
      if (too_long) {
        why = first ? too_long_request_line() : over_limit(limit::line_bytes, limits);
      } else {
        why = over_limit(limit::head_bytes, limits);
      }
      return head_is::refused;
    }
    if (end == at || within[end - 1] != '\r') {
      why = {400, "a line of the head does not end in CRLF"};
      return head_is::refused;
    }
    const auto line = within.substr(at, end - 1 - at);
    at = end + 1;
    if (line.empty() && !first) {
      head.size = at;
      return r.whole() ? head_is::whole : head_is::refused;
    }
    if (!(first ? r.request_line(line) : r.header(line))) {
      return head_is::refused;
    }
  }
}

}  // namespace hangup::http
