// Where the end of a context is announced before anybody ends it: a descriptor, e.g. a client's
// connection. Who sleeps on such a context polls the descriptor itself, and so is woken once, by
// the kernel, and not by a thread that was woken first to tell it. A value, inherited by what is
// derived from its context, but not through without_cancel(); it says nothing that done() does not
// say, only sooner.
#pragma once

#include <cstdint>

namespace hangup {

struct early_end {
  struct type {
    int fd = -1;
    short events = 0;  // of poll(2); errors and hang-ups come unasked
    // Told of what was reported; ends the context if that is what it means. Not after the end of
    // the context. `of` outlives whoever waits.
    void (*reported)(void* of, const type& what, short events) noexcept = nullptr;
    void* of = nullptr;
    std::uint32_t tag = 0;  // tells uses of one descriptor number apart
  };
};

}  // namespace hangup
