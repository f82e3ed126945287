#include "http/wire/answer_head.h"

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
  const bool has_body = a.status != 204;
  const auto body = has_body ? problem_body(a.status, a.detail, a.request_id) : std::string();
  answer_head head(a.status);
  head.add("Date", http_date());
  if (has_body) {  // RFC 9110 8.6: a 204 has no Content-Length
    head.add("Content-Type", problem_type);
    head.add("Content-Length", body.size());
  }
  if (!a.request_id.empty()) {
    head.add("X-Request-Id", a.request_id);
  }
  head.add_lines(a.headers);
  if (!a.keep_alive) {
    head.add("Connection", "close");
  }
  auto text = std::move(head).finish();
  return a.to_head ? text : text.append(body);
}

}  // namespace hangup::http
