#include "http/wire/body.h"

#include <algorithm>

#include "http/wire/grammar.h"
#include "http/wire/hex.h"

namespace hangup::http {
namespace {

constexpr unsigned most_digits = 15;

}  // namespace

body_scan body_scan::of_length(std::uint64_t length, std::uint64_t largest) noexcept {
  body_scan scan;
  scan.left_ = length;
  scan.largest_ = largest;
  scan.result_ = length == 0        ? result::complete
                 : length > largest ? result::too_large
                                    : result::more;
  return scan;
}

body_scan body_scan::of_chunks(std::uint64_t largest, const head_limits& trailers) noexcept {
  body_scan scan;
  scan.chunked_ = true;
  scan.at_ = at::size;
  scan.budget_ = largest;
  scan.largest_ = largest;
  scan.within_ = trailers;
  scan.result_ = result::more;
  return scan;
}

refusal body_scan::why() const {
  if (result_ == result::too_large) {
    return {413, "the body is larger than the " + std::to_string(largest_) + " bytes allowed here",
            limit::body_bytes};
  }
  if (result_ == result::trailers_too_large) {
    return over_limit(over_, within_);
  }
  if (over_ == limit::line_bytes) {
    return {400,
            "the line before a chunk has more than " + std::to_string(most_ignored) +
                " bytes of leading zeros and extensions",
            over_};
  }
  return {400, "the chunks of the body are malformed"};
}

// How many of `size` bytes are data of the chunk or body being read.
std::size_t body_scan::data_in(std::size_t size) noexcept {
  const auto n = std::min<std::uint64_t>(left_, size);
  left_ -= n;
  if (left_ == 0 && chunked_) {
    at_ = at::data_cr;
  } else if (left_ == 0) {
    result_ = result::complete;
  }
  return static_cast<std::size_t>(n);
}

bool body_scan::fail(result why, limit over) noexcept {
  result_ = why;
  over_ = over;
  return false;
}

bool body_scan::go(bool fits, at to) noexcept {
  at_ = to;
  return fits || fail(result::malformed);
}

// Processes one byte of the chunk framing. Returns false, and does not consume it, if it is not
// allowed.
bool body_scan::next(char c) noexcept {
  switch (at_) {
    case at::size:
      return size(c);
    case at::extension:  // RFC 9112 7.1.1: to be ignored
      if (c == '\r') {
        return go(true, at::size_lf);
      }
      return ++ignored_ <= most_ignored ? go(is_value_char(c), at::extension)
                                        : fail(result::malformed, limit::line_bytes);
    case at::before_extension:
      if (c == ';') {
        return go(true, at::extension);
      }
      return ++ignored_ <= most_ignored ? go(c == ' ' || c == '\t', at::before_extension)
                                        : fail(result::malformed, limit::line_bytes);
    case at::size_lf:
      budget_ -= left_;
      digits_ = 0;
      ignored_ = 0;
      return go(c == '\n', left_ == 0 ? at::line : at::data);
    case at::data_cr:
      return go(c == '\r', at::data_lf);
    case at::data_lf:
      return go(c == '\n', at::size);
    case at::end_lf:
      if (c == '\n') {
        result_ = result::complete;
      }
      return go(c == '\n', at::end_lf);
    default:
      return trailer(c);
  }
}

bool body_scan::size(char c) noexcept {
  const int digit = hex_value(c);
  if (digit == 0 && digits_ == 0) {
    return ++ignored_ <= most_ignored || fail(result::malformed, limit::line_bytes);
  }
  if (digit >= 0) {
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    return ++digits_ <= most_digits || fail(result::too_large);
  }
  if (digits_ + ignored_ == 0) {
    return fail(result::malformed);
  }
  if (left_ > budget_) {
    return fail(result::too_large);
  }
  if (c == ' ' || c == '\t') {  // allowed before an extension (RFC 9112 7.1.1), but not at the end
    return go(true, at::before_extension);
  }
  return go(c == '\r' || c == ';', c == '\r' ? at::size_lf : at::extension);
}

// RFC 9112 7.1.2: header lines after the last chunk, which need not be kept. Their syntax is
// checked, so that nothing else is taken for a trailer.
bool body_scan::trailer(char c) noexcept {
  if (at_ == at::line && c == '\r') {
    return go(true, at::end_lf);
  }
  if (at_ == at::line) {
    line_ = 0;
    if (++lines_ > within_.headers) {
      return fail(result::trailers_too_large, limit::headers);
    }
  }
  if (at_ != at::lf && c != '\r' && ++line_ > head_limits::line) {
    return fail(result::trailers_too_large, limit::line_bytes);
  }
  if (++trailers_ > within_.bytes) {
    return fail(result::trailers_too_large, limit::head_bytes);
  }
  switch (at_) {
    case at::line:
      return go(is_token_char(c), at::name);
    case at::name:
      return go(c == ':' || is_token_char(c), c == ':' ? at::value : at::name);
    case at::value:
      return go(c == '\r' || is_value_char(c), c == '\r' ? at::lf : at::value);
    default:
      return go(c == '\n', at::line);
  }
}

}  // namespace hangup::http
