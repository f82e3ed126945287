// The files that no search reads, wherever they are: the server's own configuration, keys and
// databases. A file is recognised by device and inode, not by name, so hard links to it are
// recognised too.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hangup::search {

// The identities of those files, when it was made and now. For one search; not thread-safe.
class own_files_now {
 public:
  // Whether the file is one of them. A file that has changed since the last check may have replaced
  // one of them (editors write a new file and rename it), so the paths are then looked at again.
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
  // Relative paths are relative to the working directory at the time of each use. The files need
  // not exist (yet).
  explicit own_files(std::vector<std::string> paths);

  [[nodiscard]] own_files_now now() const;

  // Which of them are in the directory or below it, at this moment.
  [[nodiscard]] std::vector<std::string> below(const std::string& directory) const;

 private:
  std::shared_ptr<const std::vector<std::string>> paths_;
  own_files_now at_start_;
};

}  // namespace hangup::search
