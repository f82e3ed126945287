// Limits the files that SQLite makes for sorts and temporary tables, because a query could
// otherwise fill the disk.
#pragma once

#include <cstdint>

namespace hangup::query {

// Returns the name of a VFS (the layer between SQLite and its files, https://sqlite.org/vfs.html)
// that limits temporary files and refuses to open anything but regular files. Otherwise it behaves
// like the default VFS. Returns null if it cannot be registered now (no descriptor, memory or
// folder for temporary files); the next call tries again. Thread-safe.
const char* bounded_files();

// While it exists, a temporary file that this thread writes to may have at most this number of
// bytes; then SQLite reports that the disk is full. Must not be nested.
class file_bound {
 public:
  explicit file_bound(std::uint64_t bytes) noexcept;
  ~file_bound();
  file_bound(const file_bound&) = delete;
  file_bound& operator=(const file_bound&) = delete;

  // Whether this thread has reached the limit since the last file_bound was made.
  static bool was_reached() noexcept;
};

}  // namespace hangup::query
