// Errors for clients: application/problem+json (RFC 9457). `detail` says what was wrong in words
// for whoever sent the request; never an exception's text.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "http/httplib.h"

namespace hangup::http {

inline constexpr const char* problem_type = "application/problem+json";

// "Not Found"; "Unknown" for a status without a name.
std::string_view status_text(int status) noexcept;

// A sentence for a status, where there is nothing more to say.
std::string_view usual_detail(int status) noexcept;

// The body, in ASCII: strangers have written parts of `detail`, and it may be read in a terminal.
// In there, bytes that are not UTF-8 are replaced.
std::string problem_body(int status, std::string_view detail, std::string_view request_id);

// For handlers: makes the response this problem.
void set_problem(httplib::Response& res, int status, std::string_view detail,
                 std::string_view request_id);

// Thrown by a handler: this problem is the answer, and its detail stands in the log as well; a 503
// has "Retry-After: 1". Thrown out of a stream, whose head has been sent, it breaks the answer off
// and stands in the log.
class problem_error : public std::runtime_error {
 public:
  problem_error(int status, const std::string& detail)
      : std::runtime_error(detail), status_(status) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

}  // namespace hangup::http
