// Errors for clients: application/problem+json (RFC 9457). `detail` says what was wrong in words
// for whoever sent the request; never an exception's text.
#pragma once

#include <string>
#include <string_view>

#include "http/httplib.h"

namespace hangup::http {

inline constexpr const char* problem_type = "application/problem+json";

// "Not Found"; "Unknown" for a status without a name.
std::string_view status_text(int status) noexcept;

// A sentence for a status, where there is nothing more to say.
std::string_view usual_detail(int status) noexcept;

// The body. Bytes that are not UTF-8 in `detail` are replaced.
std::string problem_body(int status, std::string_view detail, std::string_view request_id);

// For handlers: makes the response this problem.
void set_problem(httplib::Response& res, int status, std::string_view detail,
                 std::string_view request_id);

}  // namespace hangup::http
