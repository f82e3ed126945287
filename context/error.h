// The two ways a context ends, as std::error_code, and as the exception that may cross a handler.
#pragma once

#include <string>
#include <system_error>

namespace hangup {

enum class errc {
  canceled = 1,       // == std::errc::operation_canceled, "context canceled"
  deadline_exceeded,  // == std::errc::timed_out, "context deadline exceeded"
};

const std::error_category& context_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), context_category()};
}

// Thrown by context::throw_if_done(). A server maps it to the same end as an error code: it is
// never an error of the handler.
class canceled_error : public std::system_error {
 public:
  explicit canceled_error(std::error_code ec) : std::system_error(ec) {}
};

}  // namespace hangup

template <>
struct std::is_error_code_enum<hangup::errc> : std::true_type {};
