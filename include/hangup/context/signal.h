// A context that ends on a signal. main() passes it to everything that should stop when the process
// is told to (Go: signal.NotifyContext).
//
//   auto [ctx, stop] = with_signal(background(), {SIGINT, SIGTERM});
#pragma once

#include <csignal>
#include <initializer_list>

#include "hangup/context/context.h"

#pragma GCC visibility push(default)

namespace hangup {

// Ends with cause_kind::signal and the name of the signal ("SIGTERM") when one of the signals is
// delivered to the process. A thread of this library ends it. While such a context is alive, its
// signals have no other effect. When the last context for a signal has ended, the previous action
// of the signal is restored, so that a second Ctrl-C kills a program that hangs while it stops.
//
// It does not matter which thread a signal is delivered to, and no thread has to block signals.
// Throws std::system_error if a signal cannot be caught (SIGKILL), and on first use if no
// descriptor or thread is available; throws std::bad_alloc. After an exception all signals act as
// before, and a later call may succeed. A few allocations per call; one thread and one descriptor
// per process from the first use on.
[[nodiscard]] cancelable with_signal(const context& parent, std::initializer_list<int> signals,
                                     location made = location::current());

}  // namespace hangup

#pragma GCC visibility pop
