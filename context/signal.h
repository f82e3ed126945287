// A context that ends on a signal: for main(), which hands it to everything that should stop when
// the process is told to (Go: signal.NotifyContext).
//
//   auto [ctx, stop] = with_signal(background(), {SIGINT, SIGTERM});
#pragma once

#include <csignal>
#include <initializer_list>

#include "context/context.h"

namespace hangup {

// Ends with cause_kind::signal and the signal's name ("SIGTERM") when one of them is delivered to
// the process, on a thread of this library. As long as any such context lives these signals have no
// other effect; when the last one for a signal has ended, what the signal did before is restored,
// so that a second Ctrl-C ends a program that hangs while it stops.
//
// Works with signals in any thread, blocked nowhere. std::system_error if a signal cannot be caught
// (SIGKILL), and at the first use if there is no descriptor or no thread to be had; std::bad_alloc.
// Then no signal does anything else than before, and a later call may succeed. A few allocations,
// and one thread and one descriptor for the process from the first use on.
[[nodiscard]] cancelable with_signal(const context& parent, std::initializer_list<int> signals,
                                     location made = location::current());

}  // namespace hangup
