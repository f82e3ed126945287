// Errors for clients: application/problem+json (RFC 9457). `detail` is a sentence for the client;
// it is never the text of an exception.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace hangup::http {

inline constexpr const char* problem_type = "application/problem+json";

// The reason phrase: "Not Found"; "Unknown" for a status without one.
std::string_view status_text(int status) noexcept;

// The default `detail` for a status.
std::string_view usual_detail(int status) noexcept;

// The body, in ASCII, because parts of `detail` come from clients and it may be shown on a
// terminal. Bytes of `detail` that are not UTF-8 are replaced.
std::string problem_body(int status, std::string_view detail, std::string_view request_id);

// Thrown by a handler to answer with this problem; a status that is not 400..599 becomes a 500. The
// detail is also logged, and a 503 gets "Retry-After: 1". If the producer of a stream throws it,
// whose head has already been sent, the answer is cut off and the detail is logged.
class problem_error : public std::runtime_error {
 public:
  problem_error(int status, const std::string& detail)
      : std::runtime_error(detail), status_(status) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

}  // namespace hangup::http

#pragma GCC visibility pop
