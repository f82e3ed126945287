// What the failure of one of several tasks says to the others.
#pragma once

#include <exception>
#include <system_error>

#include "hangup/context/cause.h"

namespace hangup {

// The cause with which a failed task ends the context of its siblings: of kind sibling_failed, with
// the code and text of what it threw or, if it threw nothing, with the error that it returned. The
// text is empty if there is no memory for it.
cause sibling_failure(std::error_code error, const std::exception_ptr& thrown) noexcept;

}  // namespace hangup
