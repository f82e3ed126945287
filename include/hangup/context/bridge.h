// Contexts that can also end for a second reason: because another context ends, or because stop is
// requested on a std::stop_token. The first parameter is the parent, which provides the values and
// the deadline, as for any child.
#pragma once

#include <stop_token>

#include "hangup/context/context.h"

#pragma GCC visibility push(default)

namespace hangup {

// Ends when `parent` or `other` ends, with a copy of the cause of the one that ended first. The
// deadline is the earlier of the two. Values come from `parent` only. When cancel() of `other`
// returns, this context and everything derived from it have ended. If there is no memory to copy
// the text of the cause, the text is empty.
//
// One allocation. It is registered with both contexts, and with neither after its end. In a chain
// of contexts that were each made as `other` of the next, every link uses stack when the chain
// ends.
[[nodiscard]] cancelable with_either(const context& parent, const context& other,
                                     location made = location::current());

// Also ends when stop is requested on the token: inside request_stop(), on the thread that calls
// it, as a plain cancellation (a token carries no cause). For the opposite direction, see
// context::stop_token(). One allocation; after the end nothing is registered with the token.
[[nodiscard]] cancelable with_stop_token(const context& parent, std::stop_token token,
                                         location made = location::current());

}  // namespace hangup

#pragma GCC visibility pop
