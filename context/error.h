// The two ways a context ends, as std::error_code, and as the exception that may cross a handler.
#pragma once

#include <string>
#include <system_error>

namespace hangup {

enum class errc {
  canceled = 1,       // == std::errc::operation_canceled, "context canceled"
  deadline_exceeded,  // == std::errc::timed_out, "context deadline exceeded"
};

// "context". Its address is known when linking, which makes an error_code two plain stores; and it
// is never destroyed, as contexts in static objects may outlive it otherwise.
class context_category_type final : public std::error_category {
 public:
  const char* name() const noexcept override;
  std::string message(int value) const override;
  std::error_condition default_error_condition(int value) const noexcept override;
};
union context_category_storage {
  constexpr context_category_storage() noexcept : category() {}
  ~context_category_storage() {}  // NOLINT(modernize-use-equals-default): it would be deleted
  context_category_type category;
};
extern context_category_storage the_context_category;

inline const std::error_category& context_category() noexcept {
  return the_context_category.category;
}

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), context_category()};
}

// std::error_code(), whose own default asks the standard library for this address each time.
extern const std::error_category* const category_of_no_error;
inline std::error_code no_error() noexcept {
  if (category_of_no_error == nullptr) [[unlikely]] {  // in the constructor of some static object
    return {};
  }
  return {0, *category_of_no_error};
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
