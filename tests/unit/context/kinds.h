// Kinds of causes that a program has defined for itself.
#pragma once

#include <array>

#include "hangup/context/cause.h"

namespace hangup::test::kinds {

inline constexpr cause_kind::description disconnected_text{"disconnected", "the other side left"};
inline constexpr cause_kind disconnected{disconnected_text};
inline constexpr cause_kind::description overruled_text{"overruled", "somebody decided so"};
inline constexpr cause_kind overruled{overruled_text};

// Those of every context, and these.
inline constexpr std::array all{
    cause_kind::caller,
    cause_kind::deadline,
    cause_kind::shutdown,
    cause_kind::signal,
    cause_kind::sibling_failed,
    cause_kind::handler_returned,
    disconnected,
    overruled,
};

}  // namespace hangup::test::kinds
