#include "handlers/search/own_files.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <system_error>

namespace hangup::search {

bool own_files_now::has(const struct stat& file) {
  constexpr std::time_t clocks_differ_by = 1;  // seconds: the clock of a file system is coarse
  if (file.st_ctim.tv_sec + clocks_differ_by >= looked_.tv_sec) {
    look();
  }
  const identity it(file.st_dev, file.st_ino);
  return std::find(seen_.begin(), seen_.end(), it) != seen_.end();
}

void own_files_now::look() {
  ::clock_gettime(CLOCK_REALTIME, &looked_);
  for (const auto& path : *paths_) {
    struct stat file {};
    const bool is_there = ::stat(path.c_str(), &file) == 0;
    const identity it(file.st_dev, file.st_ino);
    if (is_there && std::find(seen_.begin(), seen_.end(), it) == seen_.end()) {
      seen_.push_back(it);
    }
  }
}

own_files::own_files(std::vector<std::string> paths)
    : paths_(std::make_shared<const std::vector<std::string>>(std::move(paths))),
      at_start_(paths_) {}

own_files_now own_files::now() const {
  auto now = at_start_;
  now.look();
  return now;
}

std::vector<std::string> own_files::below(const std::string& directory) const {
  namespace fs = std::filesystem;
  std::error_code missing;
  const auto around = fs::canonical(directory, missing);
  std::vector<std::string> found;
  for (const auto& path : *paths_) {
    std::error_code ec;
    const auto file = fs::canonical(path, ec);
    if (missing || ec) {
      continue;
    }
    const auto [end, at] = std::mismatch(around.begin(), around.end(), file.begin(), file.end());
    if (end == around.end()) {
      found.push_back(path);
    }
  }
  return found;
}

}  // namespace hangup::search
