#include "handlers/relay/upstream_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <limits>
#include <optional>

#include "http/wire/header_list.h"

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

// Digits only, and only if the number fits.
std::optional<std::int64_t> number(std::string_view digits) noexcept {
  std::int64_t value = 0;
  const auto* const end = digits.data() + digits.size();
  const bool fits =
      all_digits(digits) && std::from_chars(digits.data(), end, value).ec == std::errc{};
  return fits ? std::optional(value) : std::nullopt;
}

// The value of all elements of a Content-Length. Returns nullopt if one is not a length or they
// differ.
std::optional<std::int64_t> length_in(std::string_view list) noexcept {
  std::optional<std::int64_t> length;
  http::pieces elements(list, ',');
  while (const auto element = elements.next()) {
    const auto one = number(*element);
    if (!one || (length && *length != *one)) {
      return std::nullopt;
    }
    length = one;
  }
  return length;
}

// The length according to the Content-Range of a 206: "bytes 2-4/9" or "bytes 2-4/*". Returns
// nullopt if it is malformed (RFC 9110 14.4).
std::optional<std::int64_t> length_of_range(std::string_view value) noexcept {
  constexpr std::string_view unit = "bytes ";
  if (!http::equals_ignoring_case(value.substr(0, unit.size()), unit)) {
    return std::nullopt;
  }
  value.remove_prefix(unit.size());
  const auto slash = std::min(value.find('/'), value.size());
  const auto part = value.substr(0, slash);
  const auto whole = value.substr(std::min(slash + 1, value.size()));
  const auto dash = std::min(part.find('-'), part.size());
  const auto first = number(part.substr(0, dash));
  const auto last = number(part.substr(std::min(dash + 1, part.size())));
  const auto size = whole == "*" ? std::numeric_limits<std::int64_t>::max() : number(whole);
  if (!first || !last || !size || *first > *last || *last >= *size) {
    return std::nullopt;
  }
  return *last - *first + 1;
}

// Whether it has one of the three forms of RFC 9110 5.6.7 and is a valid date.
bool is_http_date(const std::string& value) noexcept {
  constexpr std::array forms = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                "%a %b %e %H:%M:%S %Y"};
  return std::any_of(forms.begin(), forms.end(), [&value](const char* form) {
    std::tm when{};
    std::array<char, 64> again{};
    if (::strptime(value.c_str(), form, &when) == nullptr) {
      return false;
    }
    // strptime() is lenient with blanks, letter case and days, so the date must be the same when it
    // is formatted again.
    static_cast<void>(::timegm(&when));
    return std::strftime(again.data(), again.size(), form, &when) == value.size() &&
           value == again.data();
  });
}

// The headers that are passed on. A list may be spread over several lines. Any other header that
// occurs several times with different values is dropped.
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

// These statuses are useless to a client without a certain header (RFC 9110 15.3.7, 15.5.2,
// 15.5.6). Only the list of methods may be empty, which means that there are none.
struct need {
  int status;
  const char* header;
  bool may_be_empty;
};
constexpr std::array needs = {need{206, "Content-Range", false},
                              need{401, "WWW-Authenticate", false}, need{405, "Allow", true}};

bool lists_nothing(std::string_view list) {
  bool nothing = true;
  http::for_each_element(list, [&](std::string_view) { nothing = false; });
  return nothing;
}

// Statuses about the connection between this server and the upstream, which are not for its client.
std::string_view about_the_way(int status) noexcept {
  switch (status) {
    case 407:
      return "and asked for proxy credentials";
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
  // No blank before the colon: some parsers would accept the name without it and others would not,
  // and they would disagree on the end of the body (RFC 9112 5.1). No blank before the name either,
  // since that is a folded line.
  const auto name = line.substr(0, colon);
  const auto value = http::trimmed(line.substr(colon + 1));
  if (!http::is_token(name) || !http::is_field_value(value)) {
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
    // It has no body, so its framing would be applied to the next answer (RFC 9110 8.6, RFC 9112
    // 6.1).
    if (is_there("content-length") || is_there("transfer-encoding")) {
      return false;
    }
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
  for (const auto& [status, header, may_be_empty] : needs) {
    const auto name = lower(header);
    if (status_ == status && (!is_there(name) || is_about_the_connection(name) ||
                              (!may_be_empty && lists_nothing(all_of(name))))) {
      return answered + " without " + header;
    }
  }
  if (status_ == 206 && lower(all_of("content-type")).starts_with("multipart/byteranges")) {
    return "answered with several ranges, but only one was asked for";
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
  return unfit_length();
}

// libcurl also parses these headers, and accepts a number followed by other text.
std::string upstream_head::unfit_length() const {
  std::optional<std::int64_t> length;
  if (is_there("content-length") && status_ != 204 && status_ != 304) {
    length = length_in(all_of("content-length"));
    if (!length) {
      return "answered with an invalid content-length";
    }
  }
  if (status_ == 206) {
    const auto part = length_of_range(all_of("content-range"));
    if (!part || (length && *length != *part)) {
      return "answered 206 with a content-range that is invalid or does not match the body";
    }
  }
  return {};
}

upstream_head::headers upstream_head::handed_on() const {
  headers all;
  for (const auto& h : going_on) {
    if (is_there(h.lower_case) && !is_about_the_connection(h.lower_case) &&
        (h.is_list || !differs(h.lower_case)) && means_something(h.lower_case)) {
      all.emplace_back(h.name, all_of(h.lower_case));
    }
  }
  return all;
}

bool upstream_head::means_something(std::string_view name) const {
  if (name == "content-range") {
    return status_ == 206 || status_ == 416;  // RFC 9110 14.4
  }
  return name != "date" || is_http_date(all_of(name));
}

std::string upstream_head::content_type() const {
  return is_about_the_connection("content-type") ? std::string() : all_of("content-type");
}

std::string upstream_head::all_of(std::string_view name) const {
  std::string list;
  for (const auto& [key, value] : lines_) {
    // Several lines with the same value count as one.
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
  return lists(all_of("connection"), name);
}

bool lists(std::string_view list, std::string_view name) noexcept {
  bool named = false;
  http::for_each_element(list, [&](std::string_view element) {
    named = named || http::equals_ignoring_case(element, name);
  });
  return named;
}

}  // namespace hangup::handlers
