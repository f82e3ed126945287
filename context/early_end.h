// A file descriptor (such as a client's connection) on which the end of a context can be seen
// before anybody ends the context. A thread that sleeps on such a context polls the descriptor
// itself. So the kernel wakes it directly, instead of first waking a thread that then wakes the
// sleeper. A task that sleeps watches it on its own thread, as long as that thread looks at its
// descriptors in time.
//
// It is stored as a value of the context. Derived contexts inherit it, but not through
// without_cancel(). It never reports an end that done() would not report; it only allows a sleeper
// to notice it sooner.
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)

namespace hangup {

class context;

struct early_end {
  struct type {
    int fd = -1;
    short events = 0;  // of poll(2); errors and hang-ups are always reported
    // Called with the events that poll(2) reported. Ends the context if that is what they mean.
    // Returns the events to wait for next, if there was no more than input. Not called after the
    // end of the context. Null: there is no such descriptor, whatever contexts above say.
    short (*reported)(void* of, const type& what, short events) noexcept = nullptr;
    void* of = nullptr;
    std::uint32_t tag = 0;  // distinguishes successive uses of one descriptor number
    // Called when a thread begins to poll the descriptor, and, also after the end of the context,
    // when it has stopped to. In between, nobody else has to be woken by the descriptor, and `of`
    // must not go. The first sets the events to begin with, in place of `events`. It may be called
    // when `of` has gone, if the context `of_sleeper` has ended; then it returns false, and the
    // second is not called. Null, both: nobody else waits for the descriptor, and `of` outlives
    // every thread that waits on the context.
    bool (*begins)(void* of, const type& what, const context& of_sleeper,
                   short& events) noexcept = nullptr;
    void (*stops)(void* of, const type& what) noexcept = nullptr;
  };
};

}  // namespace hangup

#pragma GCC visibility pop
