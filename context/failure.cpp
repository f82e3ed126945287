#include "context/failure.h"

#include <new>

namespace hangup {

cause sibling_failure(std::error_code error, const std::exception_ptr& thrown) noexcept {
  cause why{.kind = cause_kind::sibling_failed, .code = error, .text = {}};
  if (!thrown) {
    return why;
  }
  const auto say = [&why](const char* words) noexcept {
    try {
      why.text = words;
    } catch (const std::bad_alloc&) {
    }
  };
  try {
    std::rethrow_exception(thrown);
  } catch (const std::system_error& e) {
    why.code = e.code();
    say(e.what());
  } catch (const std::exception& e) {
    say(e.what());
  } catch (...) {
    say("an exception of an unknown type");
  }
  return why;
}

}  // namespace hangup
