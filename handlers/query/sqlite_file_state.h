// The state of the files of a SQLite database. It uses only stat(2), because opening and closing
// the file would drop the locks that SQLite holds on it in this process.
#pragma once

#include <sys/stat.h>

#include <string>

namespace hangup::query {

struct file_state {
  struct stat file {};
  bool exists = false;
  bool has_wal = false;      // exists and is not empty
  bool has_journal = false;  // exists and is not empty

  static file_state of(const std::string& path) noexcept;

  bool is_regular() const noexcept { return S_ISREG(file.st_mode); }
  // Everything that has been written is in the file itself.
  bool is_complete() const noexcept { return exists && !has_wal && !has_journal; }
  // Whether it is the same file, with whatever contents.
  bool is_file_of(const file_state& other) const noexcept;
  // Whether it is the same file and has not been written to.
  bool is_unchanged_since(const file_state& other) const noexcept;
};

}  // namespace hangup::query
