// What a `watched` server needs of cpp-httplib's requests, and a connection of it as the `Client`
// of client_stream.h. Not for users.
#pragma once

#include <charconv>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <string_view>

#include "hangup/http/context_of.h"
#include "hangup/http/detail/client_stream.h"
#include "hangup/http/detail/watched_connections.h"
#include "hangup/http/httplib.h"

namespace hangup::http::detail {

inline std::chrono::microseconds time_of(std::time_t sec, std::time_t usec) noexcept {
  return std::chrono::seconds(sec) + std::chrono::microseconds(usec);
}

inline char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline bool is_chunked(std::string_view coding) noexcept {
  constexpr std::string_view chunked = "chunked";
  return coding.size() == chunked.size() &&
         std::equal(coding.begin(), coding.end(), chunked.begin(),
                    [](char a, char b) { return lower(a) == b; });
}

// Versions of cpp-httplib differ in what they make of a body that is delimited twice, or in an
// unknown way. So nothing is served behind it.
inline body_framing framing_of(const httplib::Request& req) {
  using kind = body_framing::kind;
  const auto codings = req.get_header_value_count("Transfer-Encoding");
  const auto lengths = req.get_header_value_count("Content-Length");
  if (codings == 0 && lengths == 0) {
    return {};
  }
  if (codings == 1 && lengths == 0) {
    const bool known = is_chunked(req.get_header_value("Transfer-Encoding"));
    return {.how = known ? kind::chunks : kind::unclear};
  }
  body_framing body{.how = kind::length};
  const auto text = req.get_header_value("Content-Length");
  const auto* const end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, body.length);
  if (codings != 0 || lengths != 1 || ec != std::errc() || at != end) {
    body.how = kind::unclear;
  }
  return body;
}

class watched_request {
 public:
  watched_request(watched_connection& of, answer_progress& answer) noexcept
      : of_(of), answer_(answer) {}

  long read(char* to, std::size_t size) noexcept { return of_.read(to, size); }
  long write(const char* from, std::size_t size) noexcept {
    const bool first = !answer_.begun;
    if (answer_.client.done()) {
      answer_.lost = true;
      return -1;
    }
    note_beginning(answer_, {from, size});
    if (first && answer_.begun) {
      of_.has_answered();
    }
    const auto n = of_.write(from, size);
    if (n < 0) {
      answer_.lost = true;
    }
    return n;
  }
  bool is_readable() const noexcept { return of_.is_readable(); }
  bool wait_readable() const noexcept { return of_.wait_readable(); }
  bool wait_writable() const noexcept { return of_.wait_writable(); }
  bool is_alive() const noexcept { return !answer_.client.done(); }
  int closed_descriptor() const noexcept { return of_.closed_descriptor(); }
  int descriptor() const noexcept { return of_.descriptor(); }
  void set_read_timeout(long sec, long usec) noexcept { of_.set_read_timeout(time_of(sec, usec)); }
  std::string_view buffered() const noexcept { return of_.buffered(); }
  void consume(std::size_t size) noexcept { of_.consume(size); }

 private:
  watched_connection& of_;
  answer_progress& answer_;
};

}  // namespace hangup::http::detail
