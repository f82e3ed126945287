// Contexts with a second reason to end: another context, or the std::stop_token of a foreign
// library. The first parameter is the parent, whose values and deadline they have as any child.
#pragma once

#include <stop_token>

#include "context/context.h"

namespace hangup {

// Ends when `parent` or `other` does, with the cause (a copy of it) of the one that ended first;
// the deadline is the earlier one; values come from `parent` only. When `other` ends, this one and
// all below have ended before the cancel() that ended `other` returns. (If there is no memory to
// copy the words of that cause, they are missing.) One allocation; registered with both, and with
// neither once it has ended. Each second parent in a chain of them costs stack when it ends.
[[nodiscard]] cancelable with_either(const context& parent, const context& other,
                                     location made = location::current());

// Ends also when stop is requested of the token: within request_stop(), on that thread, as a plain
// cancellation (a token has no cause to hand on). The way back is context::stop_token(). One
// allocation; the token holds nothing of it once it has ended.
[[nodiscard]] cancelable with_stop_token(const context& parent, std::stop_token token,
                                         location made = location::current());

}  // namespace hangup
