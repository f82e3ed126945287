// The files that SQLite makes for itself, for sorts and temporary tables: without a bound a query
// could fill the disk with them.
#pragma once

#include <cstdint>

namespace hangup::query {

// Name of the layer between SQLite and its files (https://sqlite.org/vfs.html) in which temporary
// files are bounded, and what is no regular file is not opened; everything else is the default
// one's. Null if SQLite cannot take it now (no descriptor, no memory, no folder for such files):
// the next call tries again. Thread-safe.
const char* bounded_files();

// While it exists, a temporary file that this thread writes to grows to so many bytes at most: then
// SQLite says that the disk is full. Not to be nested.
class file_bound {
 public:
  explicit file_bound(std::uint64_t bytes) noexcept;
  ~file_bound();
  file_bound(const file_bound&) = delete;
  file_bound& operator=(const file_bound&) = delete;

  // Did this thread come to the bound since the last one began?
  static bool was_reached() noexcept;
};

}  // namespace hangup::query
