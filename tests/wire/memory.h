// What the process has allocated, to the byte: the resident set depends on what the allocator keeps
// and on who else runs.
#pragma once

#include <malloc.h>

#include <cstddef>

namespace hangup::wire {

// Of all threads. 0 where a sanitizer has a heap of its own: a test of memory is none there.
inline std::size_t heap_in_use() {
  const auto now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

}  // namespace hangup::wire
