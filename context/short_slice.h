// Lets a thread run soon after it is woken, also on busy processors: it asks the scheduler for a
// short slice of time. From Linux 6.12 on, a thread that is woken takes the processor from one
// whose slice is longer (sched_attr::sched_runtime in sched_setattr(2)); without that, it waits
// until the other's slice is over, which takes milliseconds. A thread's share of the processors
// does not change. Older kernels ignore it. Needs no privilege.
#pragma once

#pragma GCC visibility push(default)

namespace hangup::tree {

// For the calling thread. Does nothing if somebody has given it another policy than the usual one.
void ask_for_short_slices() noexcept;

}  // namespace hangup::tree

#pragma GCC visibility pop
