// The two ways in which a context ends: as std::error_code, and as an exception that handlers may
// throw.
#pragma once

#include <string>
#include <system_error>

#pragma GCC visibility push(default)

namespace hangup {

enum class errc {
  canceled = 1,       // == std::errc::operation_canceled, "context canceled"
  deadline_exceeded,  // == std::errc::timed_out, "context deadline exceeded"
};

// The category "context". Its address is a link-time constant, so that making an error_code is two
// plain stores. It is never destroyed, because contexts in static objects may be used after it
// otherwise would be.
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

// The same as std::error_code(), without the call into the standard library that its default
// constructor makes to get the address of the category.
extern const std::error_category* const category_of_no_error;
inline std::error_code no_error() noexcept {
  // During the initialisation of static objects.
  if (category_of_no_error == nullptr) [[unlikely]] {
    return {};
  }
  return {0, *category_of_no_error};
}

// Thrown by context::throw_if_done(). A server treats it as the end of the request, as it treats
// ctx.err() returned by a handler: it is not an error of the handler.
class canceled_error : public std::system_error {
 public:
  explicit canceled_error(std::error_code ec) : std::system_error(ec) {}
};

}  // namespace hangup

#pragma GCC visibility pop

template <>
struct std::is_error_code_enum<hangup::errc> : std::true_type {};
