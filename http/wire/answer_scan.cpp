#include "http/wire/answer_scan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "http/wire/grammar.h"
#include "http/wire/header_list.h"
#include "http/wire/number.h"

namespace hangup::http {
namespace {

constexpr std::string_view line_break = "\r\n";
constexpr std::string_view empty_line = "\r\n\r\n";

// RFC 9110 15.3.5, 15.4.5
bool has_no_content(int status) noexcept {
  return status == 204 || status == 304;
}

}  // namespace

answer_scan::piece answer_scan::next(std::string_view& bytes) {
  if (broken_) {
    return {kind::broken, std::exchange(bytes, {})};
  }
  if (begun_) {
    if (framed_ == framing::until_close) {
      return {kind::body, std::exchange(bytes, {})};
    }
    const auto n = body_.feed(bytes);
    if (n == 0) {  // it is complete, or what follows fits no body
      const auto rest = std::exchange(bytes, {});
      return {body_.refused() ? broken() : kind::beyond, rest};
    }
    const auto part = bytes.substr(0, n);
    bytes.remove_prefix(n);
    return {kind::body, part};
  }
  if (std::exchange(passed_on_, false)) {  // that was the head of an interim answer
    head_.clear();
  }
  // The empty line may lie across both.
  const auto before = head_.size();
  const auto from = before - std::min(before, empty_line.size() - 1);
  head_.append(bytes.substr(0, most_head - std::min(before, most_head)));
  const auto end = head_.find(empty_line, from);
  if (end == std::string::npos) {
    bytes = {};
    return {head_.size() >= most_head ? broken() : kind::none, {}};
  }
  head_.resize(end + empty_line.size());
  bytes.remove_prefix(head_.size() - before);
  return {head_arrived(), head_};
}

answer_scan::kind answer_scan::head_arrived() {
  auto rest = std::string_view(head_);
  rest.remove_suffix(line_break.size());
  closes_ = has_length_ = is_chunked_ = false;
  bool has_lines = false;
  for (bool first = true; !rest.empty(); first = false) {
    const auto end = rest.find(line_break);
    const auto line = rest.substr(0, end);
    if (!(first ? read_status(line) : read_line(line))) {
      return broken();
    }
    has_lines = has_lines || !first;
    rest.remove_prefix(end + line_break.size());
  }
  passed_on_ = true;
  if (status_ < 200) {
    return status_ == 101 ? broken() : kind::interim;  // the protocol cannot be changed
  }
  begun_ = true;
  if (!has_lines) {  // as cpp-httplib refuses an expectation: nothing says where it ends
    closes_ = true;
  } else if (is_chunked_) {
    framed_ = framing::chunks;
  } else {
    framed_ = has_length_ ? framing::length : framing::until_close;
  }
  if (to_head_ || has_no_content(status_)) {
    framed_ = framing::none;
  }
  if (framed_ == framing::chunks) {
    body_ = body_scan::of_chunks(std::numeric_limits<std::uint64_t>::max());
  } else if (framed_ == framing::length) {
    body_ = body_scan::of_length(length_, std::numeric_limits<std::uint64_t>::max());
  }
  return kind::head;
}

// "HTTP/1.1 200 OK"
bool answer_scan::read_status(std::string_view line) noexcept {
  constexpr std::string_view version = "HTTP/1.";
  constexpr std::size_t status_at = version.size() + 2;
  if (!line.starts_with(version) || line.size() < status_at + 3 || line[status_at - 1] != ' ') {
    return false;
  }
  const auto status = whole_number<int>(line.substr(status_at, 3));
  status_ = status.value_or(0);
  return status_ >= 100 && status_ <= 599 &&
         (line.size() == status_at + 3 || line[status_at + 3] == ' ');
}

bool answer_scan::read_line(std::string_view line) noexcept {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) {
    return false;
  }
  const auto name = line.substr(0, colon);
  const auto value = trimmed(line.substr(colon + 1));
  if (equals_ignoring_case(name, "Content-Length")) {
    const auto length = whole_number<std::uint64_t>(value);
    if (!length || (has_length_ && *length != length_)) {
      return false;
    }
    length_ = *length;
    has_length_ = true;
  } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
    if (!equals_ignoring_case(value, "chunked")) {
      return false;
    }
    is_chunked_ = true;
  } else if (equals_ignoring_case(name, "Connection")) {
    for_each_element(value, [this](std::string_view option) {
      closes_ = closes_ || equals_ignoring_case(option, "close");
    });
  }
  return true;
}

}  // namespace hangup::http
