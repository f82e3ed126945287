#include "hangup/context/error.h"

namespace hangup {

constinit context_category_storage the_context_category;
const std::error_category* const category_of_no_error = &std::system_category();

const char* context_category_type::name() const noexcept {
  return "context";
}

std::string context_category_type::message(int value) const {
  switch (static_cast<errc>(value)) {
    case errc::canceled:
      return "context canceled";
    case errc::deadline_exceeded:
      return "context deadline exceeded";
  }
  return "unknown context error";
}

std::error_condition context_category_type::default_error_condition(int value) const noexcept {
  switch (static_cast<errc>(value)) {
    case errc::canceled:
      return std::errc::operation_canceled;
    case errc::deadline_exceeded:
      return std::errc::timed_out;
  }
  return {value, *this};
}

}  // namespace hangup
