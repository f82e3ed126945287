#include "http/body.h"

#include <algorithm>

#include "http/hex.h"

namespace hangup::http {
namespace {

constexpr int most_digits = 15;
constexpr int most_extension = 256;

}  // namespace

body_scan body_scan::of_length(std::uint64_t length, std::uint64_t largest) noexcept {
  body_scan scan;
  scan.left_ = length;
  scan.result_ = length == 0        ? result::complete
                 : length > largest ? result::too_large
                                    : result::more;
  return scan;
}

body_scan body_scan::of_chunks(std::uint64_t largest) noexcept {
  body_scan scan;
  scan.chunked_ = true;
  scan.at_ = at::size;
  scan.budget_ = largest;
  scan.result_ = result::more;
  return scan;
}

bool body_scan::fail(result why) noexcept {
  result_ = why;
  return false;
}

std::size_t body_scan::feed(std::string_view bytes, std::string* data) {
  std::size_t taken = 0;
  while (result_ == result::more && taken < bytes.size()) {
    if (at_ == at::data) {
      const auto n = std::min<std::uint64_t>(left_, bytes.size() - taken);
      if (data != nullptr) {
        data->append(bytes.substr(taken, static_cast<std::size_t>(n)));
      }
      left_ -= n;
      taken += static_cast<std::size_t>(n);
      if (left_ == 0) {
        chunked_ ? static_cast<void>(at_ = at::data_cr)
                 : static_cast<void>(result_ = result::complete);
      }
    } else if (next(bytes[taken])) {
      ++taken;
    }
  }
  return taken;
}

// One byte of the framing of chunks. False: it does not fit, and is not taken.
bool body_scan::next(char c) noexcept {
  switch (at_) {
    case at::size:
      if (const int digit = hex_value(c); digit >= 0) {
        left_ = left_ * 16 + static_cast<unsigned>(digit);
        return ++digits_ <= most_digits || fail(result::too_large);
      }
      if (digits_ == 0) {
        return fail(result::malformed);
      }
      if (left_ > budget_) {
        return fail(result::too_large);
      }
      at_ = c == '\r' ? at::size_lf : at::extension;
      return c == '\r' || c == ';' || fail(result::malformed);
    case at::extension:  // RFC 9112 7.1.1: to be ignored
      if (c == '\r') {
        at_ = at::size_lf;
        return true;
      }
      return (c != '\n' && ++extension_ <= most_extension) || fail(result::malformed);
    case at::size_lf:
      budget_ -= left_;
      digits_ = 0;
      at_ = left_ == 0 ? at::end_cr : at::data;
      return c == '\n' || fail(result::malformed);
    case at::data_cr:
      at_ = at::data_lf;
      return c == '\r' || fail(result::malformed);
    case at::data_lf:
      at_ = at::size;
      return c == '\n' || fail(result::malformed);
    case at::end_cr:
      at_ = at::end_lf;
      return c == '\r' || fail(result::malformed);  // else a trailer: cpp-httplib takes none
    case at::end_lf:
      if (c != '\n') {
        return fail(result::malformed);
      }
      result_ = result::complete;
      return true;
    case at::data:
      break;
  }
  return fail(result::malformed);
}

}  // namespace hangup::http
