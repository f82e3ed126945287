#include "handlers/upstream_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/header_list.h"

namespace hangup::handlers {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The headers that go on. A list may stand in several lines; of anything else that does, and does
// not say the same in each, none is believed.
struct known {
  const char* name;
  std::string_view lower_case;
  bool is_list;
};
constexpr std::array going_on = {
    known{"Age", "age", false},
    known{"Allow", "allow", true},
    known{"Cache-Control", "cache-control", true},
    known{"Content-Disposition", "content-disposition", false},
    known{"Content-Language", "content-language", true},
    known{"Content-Range", "content-range", false},
    known{"Content-Security-Policy", "content-security-policy", true},
    known{"Date", "date", false},
    known{"ETag", "etag", false},
    known{"Expires", "expires", false},
    known{"Last-Modified", "last-modified", false},
    known{"Retry-After", "retry-after", false},
    known{"Vary", "vary", true},
    known{"WWW-Authenticate", "www-authenticate", true},
    known{"X-Content-Type-Options", "x-content-type-options", true},
};

// These are worth nothing to a client without a header (RFC 9110 15.3.7, 15.5.2, 15.5.6).
constexpr std::array<std::pair<int, const char*>, 3> needs = {
    {{206, "Content-Range"}, {401, "WWW-Authenticate"}, {405, "Allow"}}};

// What a status says about the way from here to the upstream, and so to nobody behind us.
std::string_view about_the_way(int status) noexcept {
  switch (status) {
    case 407:
      return "and wants credentials as for a proxy";
    case 408:
      return "and did not wait for the request";
    case 421:
      return "and is not the server for this request";
    case 426:
      return "and wants another protocol";
    case 505:
      return "and does not speak HTTP/1.1";
    case 511:
      return "and is behind a network that wants a login";
    default:
      return {};
  }
}

}  // namespace

bool upstream_head::take(std::string_view line) {
  if (line.ends_with('\n')) {
    line.remove_suffix(1);
  }
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  if (status_ == 0) {
    return status_line(line);
  }
  if (line.empty()) {
    return end_of_head();
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) {
    return false;
  }
  const auto before = line.substr(0, colon);
  const auto name = before.substr(0, before.find_last_not_of(" \t") + 1);  // RFC 9112 5.1
  const auto value = http::trimmed(line.substr(colon + 1));
  if (!http::is_token(name) || !http::is_field_value(value)) {  // also a line that is folded
    return false;
  }
  lines_.emplace_back(lower(name), value);
  return true;
}

bool upstream_head::status_line(std::string_view line) {
  constexpr std::string_view version = "HTTP/1.";
  constexpr std::size_t digits_at = 9;
  constexpr std::size_t size = 12;
  if (!line.starts_with(version) || line.size() < size || line[digits_at - 1] != ' ' ||
      (line.size() > size && line[size] != ' ')) {
    return false;
  }
  const auto digits = line.substr(digits_at, 3);
  return all_digits(digits) &&
         std::from_chars(digits.data(), digits.data() + digits.size(), status_).ec == std::errc{} &&
         status_ >= 100;
}

bool upstream_head::end_of_head() {
  if (status_ == 101) {
    return false;
  }
  whole_ = status_ >= 200;
  if (!whole_) {
    status_ = 0;
    lines_.clear();
  }
  return true;
}

bool upstream_head::has_content() const noexcept {
  return status_ != 204 && status_ != 205 && status_ != 304;
}

std::string upstream_head::unfit(const asked_for& what) const {
  const auto answered = "answered " + std::to_string(status_);
  if (status_ > 599) {
    return answered + ", which is not a status of HTTP";
  }
  if (status_ >= 300 && status_ < 400 && status_ != 304) {
    return answered + ", and where it points is not followed";
  }
  if ((status_ == 206 && !what.range) || (status_ == 304 && !what.condition)) {
    return answered + ", which was not asked for";
  }
  if (const auto words = about_the_way(status_); !words.empty()) {
    return answered + ", " + std::string(words);
  }
  for (const auto& [status, header] : needs) {
    if (status_ == status && (!is_there(lower(header)) || is_about_the_connection(lower(header)))) {
      return answered + " without " + header;
    }
  }
  if (status_ == 206 && lower(content_type()).starts_with("multipart/byteranges")) {
    return "answered several ranges, one was asked for";
  }
  for (const std::string_view once : {"content-length", "content-range", "content-type"}) {
    if (differs(once)) {
      return "answered with two different values of " + std::string(once);
    }
  }
  if (is_there("content-encoding") && lower(all_of("content-encoding")) != "identity") {
    return "answered in an encoding that was not asked for";
  }
  if (is_there("transfer-encoding") && lower(all_of("transfer-encoding")) != "chunked") {
    return "answered in a transfer coding that was not asked for";
  }
  return {};
}

upstream_head::headers upstream_head::handed_on() const {
  headers all;
  for (const auto& h : going_on) {
    if (is_there(h.lower_case) && !is_about_the_connection(h.lower_case) &&
        (h.is_list || !differs(h.lower_case))) {
      all.emplace_back(h.name, all_of(h.lower_case));
    }
  }
  return all;
}

std::string upstream_head::all_of(std::string_view name) const {
  std::string list;
  for (const auto& [key, value] : lines_) {
    // Several lines that say the same, of what may stand only once, are one.
    if (key == name && value != list) {
      list.append(list.empty() ? "" : ", ").append(value);
    }
  }
  return list;
}

bool upstream_head::is_there(std::string_view name) const noexcept {
  return std::any_of(lines_.begin(), lines_.end(), [&](const auto& h) { return h.first == name; });
}

bool upstream_head::differs(std::string_view name) const noexcept {
  const std::string* first = nullptr;
  return std::any_of(lines_.begin(), lines_.end(), [&](const auto& h) {
    if (h.first != name) {
      return false;
    }
    first = first != nullptr ? first : &h.second;
    return h.second != *first;
  });
}

bool upstream_head::is_about_the_connection(std::string_view name) const {
  bool named = false;
  http::for_each_element(all_of("connection"), [&](std::string_view option) {
    named = named || http::equals_ignoring_case(option, name);
  });
  return named;
}

}  // namespace hangup::handlers
