// What is at the path of a SQLite database, and beside it. By stat(2) alone: to open the file and
// close it again would drop the locks that SQLite has on it in this process.
#pragma once

#include <sys/stat.h>

#include <string>

namespace hangup::query {

struct file_state {
  struct stat file {};
  bool exists = false;
  bool has_wal = false;      // with something in it
  bool has_journal = false;  // as before

  static file_state of(const std::string& path) noexcept;

  bool is_regular() const noexcept { return S_ISREG(file.st_mode); }
  // No writer has left anything that is not in the file itself.
  bool is_complete() const noexcept { return exists && !has_wal && !has_journal; }
  // Is it the same file, whatever is in it?
  bool is_file_of(const file_state& other) const noexcept;
  // And has nothing been written to it?
  bool is_unchanged_since(const file_state& other) const noexcept;
};

}  // namespace hangup::query
