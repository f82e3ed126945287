// What a process uses: memory, threads, descriptors.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>

namespace hangup::test {

// What this process has allocated, of all threads, to the byte: the resident set depends on what
// the allocator keeps and on who else runs. 0 where a sanitizer has a heap of its own.
inline std::size_t heap_in_use() {
  const auto now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

// How many entries a folder has.
inline std::size_t entries(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
// Of this process.
inline std::size_t open_descriptors() {
  return entries("/proc/self/fd");
}
inline std::size_t threads() {
  return entries("/proc/self/task");
}

}  // namespace hangup::test
