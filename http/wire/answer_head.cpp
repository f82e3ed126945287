#include "http/wire/answer_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "hangup/http/problem.h"
#include "http/wire/head.h"

namespace hangup::http {

std::string_view http_date() noexcept {
  struct made {
    std::time_t at = -1;
    std::array<char, 64> text{};
    std::size_t size = 0;
  };
  thread_local made last;
  const auto now = std::time(nullptr);
  if (now != last.at) {
    static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm t{};
    ::gmtime_r(&now, &t);
    const int n =
        std::snprintf(last.text.data(), last.text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                      days[static_cast<std::size_t>(t.tm_wday)], t.tm_mday,
                      months[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour,
                      t.tm_min, t.tm_sec);
    last.size = static_cast<std::size_t>(n);
    last.at = now;
  }
  return {last.text.data(), last.size};
}

answer_head::answer_head(int status, std::string reused) : text_(std::move(reused)) {
  constexpr std::size_t usual = 512;
  text_.clear();
  text_.reserve(usual);
  text_.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  text_.append(status_text(status)).append("\r\n");
}

void append_header(std::string_view name, std::string_view value, std::string& to) {
  if (!is_token(name)) {
    return;
  }
  to.append(name).append(": ");
  const auto from = to.size();
  to.append(value);
  for (auto i = from; i < to.size(); ++i) {
    if (!is_value_char(to[i])) {
      to[i] = ' ';
    }
  }
  to.append("\r\n");
}

void append_checked_lines(std::string_view written, std::string& to) {
  while (!written.empty()) {
    const auto end = std::min(written.find('\n'), written.size());
    auto line = written.substr(0, end);
    written.remove_prefix(std::min(end + 1, written.size()));
    line.remove_suffix(line.ends_with('\r') ? 1 : 0);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && !is_of_the_connection(line.substr(0, colon))) {
      append_header(line.substr(0, colon), trimmed(line.substr(colon + 1)), to);
    }
  }
}

bool has_line(std::string_view lines, std::string_view name) noexcept {
  constexpr std::string_view crlf = "\r\n";
  while (!lines.empty()) {
    const auto end = std::min(lines.find(crlf), lines.size());
    if (equals_ignoring_case(lines.substr(0, std::min(lines.find(':'), end)), name)) {
      return true;
    }
    lines.remove_prefix(std::min(end + crlf.size(), lines.size()));
  }
  return false;
}

bool is_of_the_connection(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 6> all = {
      "Connection", "Keep-Alive", "Content-Length", "Transfer-Encoding", "Trailer", "X-Request-Id"};
  return std::any_of(all.begin(), all.end(),
                     [name](std::string_view known) { return equals_ignoring_case(name, known); });
}

void answer_head::add(std::string_view name, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  add(name, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

std::string answer_head::finish() && {
  text_.append("\r\n");
  return std::move(text_);
}

std::string whole_text(const problem_answer& a) {
  const bool has_body = a.status >= 400;
  const bool has_own = has_body && !a.content_type.empty();
  const auto made = has_body && !has_own ? problem_body(a.status, a.detail, a.request_id) : "";
  const auto body = has_own ? a.body : std::string_view(made);
  answer_head head(a.status);
  if (!has_line(a.headers, "Date")) {
    head.add("Date", http_date());
  }
  if (has_body) {
    head.add("Content-Type", has_own ? a.content_type : problem_type);
  }
  if (a.status != 204 && a.status != 304) {  // RFC 9110 8.6
    head.add("Content-Length", body.size());
  }
  if (!a.request_id.empty()) {
    head.add("X-Request-Id", a.request_id);
  }
  head.add_lines(a.headers);
  head.add_defaults(a.defaults, a.headers);
  if (!a.keep_alive) {
    head.add("Connection", "close");
  }
  auto text = std::move(head).finish();
  return a.to_head ? text : text.append(body);
}

}  // namespace hangup::http
