// The files that no search reads, wherever they lie: the server's own configuration, keys and
// databases. A file is told by what it is (device and inode), not by its name: a hard link to it is
// the same file.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hangup::search {

// What was in their places when it was made, and what is there now. For one search; not
// thread-safe.
class own_files_now {
 public:
  // Is it one of them? A file that has changed since the last look may have taken the place of one
  // (an editor writes another and renames it): then it looks again.
  bool has(const struct stat& file);

 private:
  friend class own_files;
  using identity = std::pair<dev_t, ino_t>;
  explicit own_files_now(std::shared_ptr<const std::vector<std::string>> paths)
      : paths_(std::move(paths)) {
    look();
  }
  void look();

  std::shared_ptr<const std::vector<std::string>> paths_;
  std::vector<identity> seen_{};
  timespec looked_{};
};

// Immutable: may be used from any thread.
class own_files {
 public:
  own_files() : own_files(std::vector<std::string>()) {}
  // Relative paths count from the working directory, also later. One need not be there (yet).
  explicit own_files(std::vector<std::string> paths);

  [[nodiscard]] own_files_now now() const;

  // Those that lie in the directory or below it, at this moment.
  [[nodiscard]] std::vector<std::string> below(const std::string& directory) const;

 private:
  std::shared_ptr<const std::vector<std::string>> paths_;
  own_files_now at_start_;
};

}  // namespace hangup::search
